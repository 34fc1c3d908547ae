#include "bindings/adapters.h"

#include <cmath>
#include <cstdlib>

namespace octet::bindings {
namespace {
// The largest integer that a JavaScript number holds exactly.
constexpr double kMaxSafeInteger = 9007199254740991.0;

size_t size_from(double number) {
  if (!(number >= 0 && number <= static_cast<double>(SIZE_MAX) && number == std::floor(number)))
    fail(ErrorCode::InvalidInput, "not a size: ", number);
  return static_cast<size_t>(number);
}

int64_t integer_from(const val& number) {
  const double value = number.as<double>();
  if (!(std::abs(value) <= kMaxSafeInteger && value == std::floor(value)))
    fail(ErrorCode::InvalidInput, "not an integer: ", value);
  return static_cast<int64_t>(value);
}

size_t length_of(const val& array) {
  return array["length"].as<size_t>();
}
} // namespace

val failure(ErrorCode code, const std::string& message) {
  val error = val::object();
  error.set("code", std::string(error_code_name(code)));
  error.set("message", message);
  val result = val::object();
  result.set("error", error);
  return result;
}

uintptr_t allocate(double size) {
  constexpr size_t kAlignment = 64;
  if (!(size >= 0 && size < static_cast<double>(SIZE_MAX - kAlignment))) return 0;
  const auto padded = (static_cast<size_t>(size) + kAlignment) / kAlignment * kAlignment;
  return reinterpret_cast<uintptr_t>(std::aligned_alloc(kAlignment, padded));
}

void deallocate(uintptr_t address) {
  std::free(reinterpret_cast<void*>(address));
}

SharedBytes take_bytes(uintptr_t address, double size) {
  auto* memory = reinterpret_cast<uint8_t*>(address);
  std::shared_ptr<const void> owner(memory, [](const void* p) { std::free(const_cast<void*>(p)); });
  return SharedBytes(Bytes(memory, size_from(size)), std::move(owner));
}

namespace {
class FileOutside final : public ByteSource {
public:
  explicit FileOutside(const val& array) : array_(array) {}

  void read(size_t offset, std::span<uint8_t> to) const override {
    const auto begin = static_cast<double>(offset), end = static_cast<double>(offset + to.size());
    val(emscripten::typed_memory_view(to.size(), to.data()))
        .call<void>("set", array_.call<val>("subarray", begin, end));
  }

private:
  val array_;
};
} // namespace

SharedBytes file_of(const val& array) {
  constexpr size_t kSmall = size_t{1} << 20;
  const auto source = std::make_shared<const FileOutside>(array);
  const size_t size = size_from(array["byteLength"].as<double>());
  if (size > kSmall) return SharedBytes(source, size);
  Buffer copy(size);
  source->read(0, {copy.data(), size});
  return SharedBytes(std::move(copy));
}

val view_of(Bytes bytes) {
  val view = val::object();
  view.set("address", reinterpret_cast<uintptr_t>(bytes.data()));
  view.set("size", static_cast<double>(bytes.size()));
  return view;
}

std::vector<std::string> strings_of(const val& array) {
  std::vector<std::string> out;
  for (size_t i = 0, n = length_of(array); i < n; ++i) out.push_back(array[i].as<std::string>());
  return out;
}

std::vector<std::pair<std::string, int64_t>> named_numbers_of(const val& entries) {
  std::vector<std::pair<std::string, int64_t>> out;
  for (size_t i = 0, n = length_of(entries); i < n; ++i)
    out.emplace_back(entries[i][0].as<std::string>(), integer_from(entries[i][1]));
  return out;
}

Tensor take_tensor(const val& description) {
  SharedBytes bytes;
  const bool is_string = description["type"].as<int>() == static_cast<int>(DType::String);
  if (!is_string)
    bytes = take_bytes(description["address"].as<uintptr_t>(), description["size"].as<double>());
  std::vector<int64_t> dims;
  const val given = description["dims"];
  for (size_t i = 0, n = length_of(given); i < n; ++i) dims.push_back(integer_from(given[i]));
  if (is_string) return Tensor(Shape(std::move(dims)), strings_of(description["strings"]));
  const auto dtype = dtype_from_onnx(description["type"].as<int>());
  if (!dtype) fail(ErrorCode::InvalidInput, "not an element type");
  return Tensor(*dtype, Shape(std::move(dims)), std::move(bytes));
}

val describe_tensor(const Tensor& tensor) {
  val out = tensor.dtype() == DType::String ? val::object() : view_of(tensor.data().bytes());
  out.set("type", static_cast<int>(tensor.dtype()));
  val dims = val::array();
  for (const int64_t d : tensor.shape()) dims.call<void>("push", static_cast<double>(d));
  out.set("dims", dims);
  if (tensor.dtype() == DType::String) {
    val strings = val::array();
    for (const std::string& s : tensor.strings()) strings.call<void>("push", s);
    out.set("strings", strings);
  }
  return out;
}

} // namespace octet::bindings

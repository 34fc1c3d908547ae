#include "bindings/adapters.h"

#include <cmath>

namespace octet::bindings {
namespace {
size_t size_from(double number) {
  if (!(number >= 0 && number <= static_cast<double>(SIZE_MAX) && number == std::floor(number)))
    fail(ErrorCode::InvalidInput, "not a size: ", number);
  return static_cast<size_t>(number);
}

size_t length_of(const val& array) {
  return array["length"].as<size_t>();
}
} // namespace

int64_t integer_of(double number) {
  // The largest integer that a JavaScript number holds exactly.
  constexpr double kMaxSafeInteger = 9007199254740991.0;
  if (!(std::abs(number) <= kMaxSafeInteger && number == std::floor(number)))
    fail(ErrorCode::InvalidInput, "not an integer: ", number);
  return static_cast<int64_t>(number);
}

val describe(const Error& error) {
  val description = val::object();
  description.set("code", std::string(error_code_name(error.code())));
  description.set("message", error.message());
  val result = val::object();
  result.set("error", description);
  return result;
}

namespace {
class FileOutside final : public ByteSource {
public:
  explicit FileOutside(const val& array) : array_(array) {}

  void read(size_t offset, std::span<uint8_t> to) const override {
    const auto begin = static_cast<double>(offset), end = static_cast<double>(offset + to.size());
    if (array_["byteLength"].as<double>() < end)
      fail(ErrorCode::InvalidInput,
           "the buffer of the model's file was detached or became smaller");
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

val array_of(const std::vector<std::string>& strings) {
  val array = val::array();
  for (const std::string& string : strings) array.call<void>("push", string);
  return array;
}

std::vector<std::pair<std::string, int64_t>> named_numbers_of(const val& entries) {
  std::vector<std::pair<std::string, int64_t>> out;
  for (size_t i = 0, n = length_of(entries); i < n; ++i)
    out.emplace_back(entries[i][0].as<std::string>(), integer_of(entries[i][1].as<double>()));
  return out;
}

} // namespace octet::bindings

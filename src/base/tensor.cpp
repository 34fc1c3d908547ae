#include "base/tensor.h"

#include <cstring>

#include "base/error.h"
#include "base/float16.h"

namespace octet {

Tensor::Tensor(DType dtype, Shape shape, SharedBytes data)
    : dtype_(dtype), shape_(std::move(shape)), elements_(shape_.elements()),
      data_(std::move(data)) {
  const size_t expected = dtype_bytes(dtype_, elements_);
  if (data_.size() != expected)
    fail(ErrorCode::InvalidModel, "a ", dtype_name(dtype_), " tensor of shape ", to_string(shape_),
         " needs ", expected, " bytes, not ", data_.size());
}

Tensor::Tensor(Shape shape, std::vector<std::string> strings)
    : dtype_(DType::String), shape_(std::move(shape)), elements_(shape_.elements()),
      strings_(std::make_shared<const std::vector<std::string>>(std::move(strings))) {
  if (strings_->size() != elements_)
    fail(ErrorCode::InvalidModel, "a string tensor of shape ", to_string(shape_), " needs ",
         elements_, " strings, not ", strings_->size());
}

Tensor Tensor::sequence(std::vector<Tensor> items) {
  Tensor out;
  out.dtype_ = DType::Sequence;
  out.shape_ = {static_cast<int64_t>(items.size())};
  out.elements_ = items.size();
  out.items_ = std::make_shared<const std::vector<Tensor>>(std::move(items));
  return out;
}

Tensor Tensor::map(Tensor keys, Tensor values) {
  if (keys.elements() != values.elements())
    fail(ErrorCode::InvalidModel, "a map of ", keys.elements(), " keys has ", values.elements(),
         " values");
  Tensor out = sequence({std::move(keys), std::move(values)});
  out.dtype_ = DType::Map;
  return out;
}

Tensor Tensor::kept() const {
  if (dtype_ == DType::Sequence || dtype_ == DType::Map) {
    Tensor out = *this;
    std::vector<Tensor> items;
    for (const Tensor& item : *items_) items.push_back(item.kept());
    out.items_ = std::make_shared<const std::vector<Tensor>>(std::move(items));
    return out;
  }
  if (!is_dense(dtype_) || data_.is_owned()) return *this;
  Buffer copy(data_.size());
  std::copy_n(data_.data(), data_.size(), copy.data());
  return Tensor(dtype_, shape_, SharedBytes(std::move(copy)));
}

Tensor Tensor::of_dims(std::span<const int64_t> values) {
  return of<int64_t>(Shape{static_cast<int64_t>(values.size())}, values);
}

Tensor Tensor::reshaped(Shape shape) const {
  Tensor out = *this;
  if (shape.elements() != elements_)
    fail(ErrorCode::InvalidModel, "cannot reshape ", to_string(shape_), " to ", to_string(shape));
  out.shape_ = std::move(shape);
  return out;
}

void Tensor::align_to(size_t alignment) const {
#ifdef __wasm__
  return; // WebAssembly loads and stores at any alignment
#endif
  if (reinterpret_cast<uintptr_t>(data_.data()) % alignment == 0) return;
  Buffer copy(data_.size());
  std::memcpy(copy.data(), data_.data(), data_.size());
  data_ = SharedBytes(std::move(copy));
}

bool same_contents(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || a.shape() != b.shape()) return false;
  if (a.dtype() == DType::String) return a.strings() == b.strings();
  if (a.dtype() == DType::Sequence || a.dtype() == DType::Map)
    return std::equal(a.items().begin(), a.items().end(), b.items().begin(), b.items().end(),
                      same_contents);
  return a.data().identity() == b.data().identity() || a.size_bytes() == 0 ||
         std::memcmp(a.bytes(), b.bytes(), a.size_bytes()) == 0;
}

namespace {
template <class Out, class T>
std::vector<Out> widen(const Tensor& tensor) {
  const auto values = tensor.values<T>();
  return std::vector<Out>(values.begin(), values.end());
}

template <class Out>
std::vector<Out> widen_integer(const Tensor& tensor, const char* what) {
  switch (tensor.dtype()) {
  case DType::Int64:
    return widen<Out, int64_t>(tensor);
  case DType::Int32:
    return widen<Out, int32_t>(tensor);
  case DType::Int16:
    return widen<Out, int16_t>(tensor);
  case DType::Int8:
    return widen<Out, int8_t>(tensor);
  case DType::UInt64:
    return widen<Out, uint64_t>(tensor);
  case DType::UInt32:
    return widen<Out, uint32_t>(tensor);
  case DType::UInt16:
    return widen<Out, uint16_t>(tensor);
  case DType::UInt8:
  case DType::Bool: {
    return std::vector<Out>(tensor.bytes(), tensor.bytes() + tensor.elements());
  }
  default:
    fail(ErrorCode::InvalidModel, what, ": numbers expected, not ", dtype_name(tensor.dtype()));
  }
}

std::vector<double> widen_half(const Tensor& tensor, float (*convert)(uint16_t)) {
  std::vector<double> out(tensor.elements());
  for (size_t i = 0; i < out.size(); ++i) {
    uint16_t bits;
    std::memcpy(&bits, tensor.bytes() + 2 * i, 2);
    out[i] = convert(bits);
  }
  return out;
}
} // namespace

std::vector<int64_t> int64_values(const Tensor& tensor, const char* what) {
  return widen_integer<int64_t>(tensor, what);
}

std::vector<double> float64_values(const Tensor& tensor, const char* what) {
  switch (tensor.dtype()) {
  case DType::Float32:
    return widen<double, float>(tensor);
  case DType::Float64:
    return widen<double, double>(tensor);
  case DType::Float16:
    return widen_half(tensor, float16_to_float32);
  case DType::BFloat16:
    return widen_half(tensor, bfloat16_to_float32);
  default:
    return widen_integer<double>(tensor, what);
  }
}

} // namespace octet

#include "formats/onnx/read_tensor.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/limits.h"
#include "formats/onnx/onnx_schema.h"
#include "formats/onnx/outline.h"

namespace octet::onnx {
namespace {
using wire::MessageReader;

// A TensorProto taken apart. The order of its fields is free, so nothing is decoded before all are
// seen.
struct TensorFields {
  std::string_view name;
  std::vector<int64_t> dims;
  int64_t data_type = 0;
  std::optional<Bytes> raw_data;
  uint32_t typed_field = 0;  // the one typed data field that has values
  std::vector<Bytes> values; // its contents, piece by piece
  std::vector<std::string> strings;
  bool external = false;
  std::vector<std::pair<std::string_view, std::string_view>> external_data;
  std::string extra;
};

void add_values(TensorFields& fields, uint32_t field, Bytes values) {
  if (values.empty()) return;
  if (fields.typed_field != 0 && fields.typed_field != field)
    fail(ErrorCode::InvalidModel, "its data is in two different fields");
  fields.typed_field = field;
  fields.values.push_back(values);
}

std::pair<std::string_view, std::string_view> read_entry(MessageReader message) {
  std::pair<std::string_view, std::string_view> out;
  while (message.next()) {
    switch (message.field()) {
    case entry::kKey:
      out.first = message.text();
      break;
    case entry::kValue:
      out.second = message.text();
      break;
    default:
      message.skip();
    }
  }
  return out;
}

void read_dims(MessageReader& message, std::vector<int64_t>& dims) {
  wire::for_each_varint(message.varints(), [&](uint64_t dim) {
    if (dims.size() == limits::kMaxRank)
      fail(ErrorCode::InvalidModel, "it has more than ", limits::kMaxRank, " dimensions");
    dims.push_back(static_cast<int64_t>(dim));
  });
}

void read_field(MessageReader& message, TensorFields& out) {
  switch (const uint32_t field = message.field()) {
  case tensor::kName:
    out.name = message.text();
    break;
  case tensor::kDims:
    read_dims(message, out.dims);
    break;
  case tensor::kDataType:
    out.data_type = message.integer();
    break;
  case tensor::kRawData:
    out.raw_data = message.bytes();
    break;
  case tensor::kFloatData:
    add_values(out, field, message.fixed(4));
    break;
  case tensor::kDoubleData:
    add_values(out, field, message.fixed(8));
    break;
  case tensor::kInt32Data:
  case tensor::kInt64Data:
  case tensor::kUint64Data:
    add_values(out, field, message.varints());
    break;
  case tensor::kStringData:
    out.strings.emplace_back(message.text());
    break;
  case tensor::kDataLocation:
    out.external = message.integer() == 1;
    break;
  case tensor::kExternalData:
    out.external_data.push_back(read_entry(message.message()));
    break;
  case tensor::kSegment:
    fail(ErrorCode::InvalidModel, "tensors in segments are not supported");
  default:
    out.extra += message.raw();
  }
}

// The field that holds typed data of an element type, and bytes of one stored value there.
struct TypedStorage {
  uint32_t field;
  size_t width; // of fixed-size numbers; of varints, bytes that are kept of each
  bool fixed;
};

TypedStorage typed_storage(DType dtype) {
  switch (dtype) {
  case DType::Float32:
  case DType::Complex64:
    return {tensor::kFloatData, 4, true};
  case DType::Float64:
  case DType::Complex128:
    return {tensor::kDoubleData, 8, true};
  case DType::Int64:
    return {tensor::kInt64Data, 8, false};
  case DType::UInt64:
    return {tensor::kUint64Data, 8, false};
  case DType::UInt32:
    return {tensor::kUint64Data, 4, false};
  // Elements narrower than a byte come packed, one byte in each value.
  default:
    return {tensor::kInt32Data, std::max<size_t>(dtype_bits(dtype) / 8, 1), false};
  }
}

SharedBytes decode_typed(const TensorFields& fields, DType dtype, size_t size) {
  const TypedStorage storage = typed_storage(dtype);
  if (fields.typed_field != 0 && fields.typed_field != storage.field)
    fail(ErrorCode::InvalidModel, "its data is in a field for another type than ",
         dtype_name(dtype));
  size_t encoded = 0;
  for (Bytes part : fields.values) encoded += part.size();
  const size_t least = storage.fixed ? size : size / storage.width;
  if (encoded < least)
    fail(ErrorCode::InvalidModel, "its shape asks for ", size, " bytes, but the file holds less");
  Buffer buffer(size);
  size_t at = 0;
  const auto store = [&](const void* value, size_t bytes) {
    if (bytes > size - at)
      fail(ErrorCode::InvalidModel, "the file holds more data than its shape says");
    std::memcpy(buffer.data() + at, value, bytes);
    at += bytes;
  };
  for (Bytes part : fields.values) {
    if (storage.fixed)
      store(part.data(), part.size());
    else
      wire::for_each_varint(part, [&](uint64_t value) { store(&value, storage.width); });
  }
  if (at != size)
    fail(ErrorCode::InvalidModel, "its shape asks for ", size, " bytes, but the file holds ", at);
  return SharedBytes(std::move(buffer));
}

uint64_t parse_number(std::string_view key, std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    fail(ErrorCode::InvalidModel, "the ", key, " of its external data is not a number: '", text,
         "'");
  return value;
}

bool leaves_folder(std::string_view location) {
  if (location.starts_with('/') || location.find('\\') != std::string_view::npos ||
      location.find(':') != std::string_view::npos)
    return true;
  for (size_t begin = 0; begin <= location.size();) {
    const size_t end = std::min(location.find('/', begin), location.size());
    if (location.substr(begin, end - begin) == "..") return true;
    begin = end + 1;
  }
  return false;
}

std::string_view without_dot_slash(std::string_view path) {
  while (path.starts_with("./")) path.remove_prefix(2);
  return path;
}

SharedBytes find_external(std::string_view location, const ModelFiles& files) {
  if (location == kThisFile && files.whole.is_outside()) return files.whole;
  if (location.empty()) fail(ErrorCode::InvalidModel, "its external data names no file");
  if (leaves_folder(location))
    fail(ErrorCode::InvalidModel, "its external data is in '", location,
         "', which is not a path below the model's folder");
  const std::string_view below = without_dot_slash(location);
  for (const ExternalFile& file : files.external.given)
    if (without_dot_slash(file.location) == below) return file.bytes;
  if (const ExternalFiles::Find& find = files.external.find)
    if (std::optional<SharedBytes> found = find(std::string(below))) return *std::move(found);
  fail(ErrorCode::InvalidModel, "its external data is in the file '", location,
       "', which was not given with the model");
}

SharedBytes external_bytes(const TensorFields& fields, const ModelFiles& files, size_t size) {
  std::string_view location;
  uint64_t offset = 0, length = size;
  for (const auto& [key, value] : fields.external_data) {
    if (key == "location") location = value;
    if (key == "offset") offset = parse_number(key, value);
    if (key == "length") length = parse_number(key, value);
  }
  const SharedBytes file = find_external(location, files);
  if (length != size)
    fail(ErrorCode::InvalidModel, "its shape asks for ", size, " bytes, but its external data has ",
         length);
  check_slice(file.size(), offset, length, location);
  return file.part(static_cast<size_t>(offset), size);
}

// Kernels read a bool as one: a byte other than 0 and 1 is not.
SharedBytes normalized_bools(SharedBytes data) {
  const Bytes bytes = data.bytes();
  if (std::all_of(bytes.begin(), bytes.end(), [](uint8_t b) { return b <= 1; })) return data;
  Buffer buffer(bytes.size());
  std::transform(bytes.begin(), bytes.end(), buffer.data(), [](uint8_t b) { return b != 0; });
  return SharedBytes(std::move(buffer));
}

SharedBytes tensor_bytes(const TensorFields& fields, DType dtype, size_t size,
                         const ModelFiles& files) {
  if (fields.external) return external_bytes(fields, files, size);
  if (!fields.raw_data) return decode_typed(fields, dtype, size);
  if (fields.typed_field != 0) fail(ErrorCode::InvalidModel, "its data is in two different fields");
  if (fields.raw_data->size() != size)
    fail(ErrorCode::InvalidModel, "its shape asks for ", size, " bytes, but the file holds ",
         fields.raw_data->size());
  return files.model.slice(*fields.raw_data);
}

Tensor to_tensor(TensorFields& fields, const ModelFiles& files) {
  const std::optional<DType> dtype = dtype_from_onnx(fields.data_type);
  if (!dtype || *dtype == DType::Undefined)
    fail(ErrorCode::InvalidModel, "there is no element type with number ", fields.data_type);
  Shape shape(std::move(fields.dims));
  const size_t elements = shape.elements();
  if (*dtype == DType::String) {
    if (fields.external || fields.raw_data || fields.typed_field)
      fail(ErrorCode::InvalidModel, "strings are not where they belong");
    return Tensor(std::move(shape), std::move(fields.strings));
  }
  if (!fields.strings.empty())
    fail(ErrorCode::InvalidModel, "it has strings, but its type is ", dtype_name(*dtype));
  SharedBytes data = tensor_bytes(fields, *dtype, dtype_bytes(*dtype, elements), files);
  if (*dtype == DType::Bool) data = normalized_bools(std::move(data));
  return Tensor(*dtype, std::move(shape), std::move(data));
}

// Copies each value to the place that its index names: a position, or one coordinate per dimension.
Tensor scatter(const Tensor& values, const Tensor& indices, Shape shape) {
  const size_t width = dtype_bits(values.dtype()) / 8;
  const auto count = static_cast<int64_t>(values.elements());
  if (width == 0 || values.shape() != Shape{count})
    fail(ErrorCode::InvalidModel, "its values can't be ", dtype_name(values.dtype()), " of shape ",
         to_string(values.shape()));
  const bool linear = indices.shape().rank() == 1;
  const size_t per_value = linear ? 1 : shape.rank();
  const Shape expected = linear ? Shape{count} : Shape{count, static_cast<int64_t>(per_value)};
  if (indices.dtype() != DType::Int64 || indices.shape() != expected)
    fail(ErrorCode::InvalidModel, dtype_name(indices.dtype()), " indices of shape ",
         to_string(indices.shape()), " do not fit ", count, " values");
  const size_t elements = shape.elements();
  const size_t size = dtype_bytes(values.dtype(), elements);
  Buffer buffer(size);
  std::memset(buffer.data(), 0, size);
  const std::span<const int64_t> index = indices.values<int64_t>();
  for (size_t i = 0; i < values.elements(); ++i) {
    size_t at = 0;
    for (size_t k = 0; k < per_value; ++k) {
      const size_t extent = linear ? elements : static_cast<size_t>(shape[k]);
      const int64_t here = index[i * per_value + k];
      if (here < 0 || static_cast<uint64_t>(here) >= extent)
        fail(ErrorCode::InvalidModel, "index ", here, " is outside of shape ", to_string(shape));
      at = at * extent + static_cast<size_t>(here);
    }
    std::memcpy(buffer.data() + at * width, values.bytes() + i * width, width);
  }
  return Tensor(values.dtype(), std::move(shape), SharedBytes(std::move(buffer)));
}
void charge_dense(size_t dense_bytes, size_t sparse_bytes, size_t& budget) {
  const size_t in_proportion = checked_mul(sparse_bytes, 64);
  if (dense_bytes <= in_proportion) return;
  if (dense_bytes - in_proportion > budget)
    fail(ErrorCode::UnsupportedOperator, "it is too sparse to be made dense: ", dense_bytes,
         " bytes");
  budget -= dense_bytes - in_proportion;
}
} // namespace

NamedTensor read_tensor(MessageReader message, const ModelFiles& files) {
  TensorFields fields;
  try {
    while (message.next()) read_field(message, fields);
    Tensor tensor = to_tensor(fields, files);
    return {fields.name, std::move(tensor), std::move(fields.extra)};
  } catch (const Error& error) {
    fail(error.code(), "tensor '", fields.name, "': ", error.message());
  }
}

NamedTensor read_sparse_tensor(MessageReader message, const ModelFiles& files, size_t& budget) {
  const size_t encoded_bytes = message.rest().size();
  std::optional<NamedTensor> values, indices;
  std::vector<int64_t> dims;
  while (message.next()) {
    switch (message.field()) {
    case sparse_tensor::kValues:
      values = read_tensor(message.message(), files);
      break;
    case sparse_tensor::kIndices:
      indices = read_tensor(message.message(), files);
      break;
    case sparse_tensor::kDims:
      read_dims(message, dims);
      break;
    default:
      message.skip();
    }
  }
  if (!values || !indices)
    fail(ErrorCode::InvalidModel, "a sparse tensor has no values or no indices");
  try {
    Shape shape(std::move(dims));
    charge_dense(dtype_bytes(values->tensor.dtype(), shape.elements()), encoded_bytes, budget);
    values->tensor = scatter(values->tensor, indices->tensor, std::move(shape));
  } catch (const Error& error) {
    fail(error.code(), "sparse tensor '", values->name, "': ", error.message());
  }
  return std::move(*values);
}

} // namespace octet::onnx

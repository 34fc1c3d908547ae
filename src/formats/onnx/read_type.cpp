#include "formats/onnx/read_type.h"

#include "base/limits.h"
#include "formats/onnx/onnx_schema.h"

namespace octet::onnx {
namespace {
using wire::MessageReader;

bool read_dim(MessageReader message, TensorType& type) {
  bool complete = true;
  int64_t value = kDynamicDim;
  std::string symbol;
  while (message.next()) {
    switch (message.field()) {
    case dim::kValue:
      value = message.integer();
      break;
    case dim::kParam:
      symbol = message.text();
      break;
    default:
      message.skip();
      complete = false;
    }
  }
  if (value < 0) value = kDynamicDim; // some exporters write unknown dims so
  if (!symbol.empty()) {
    type.symbols.resize(type.shape->rank());
    type.symbols.push_back(std::move(symbol));
    value = kDynamicDim;
  } else if (!type.symbols.empty()) {
    type.symbols.emplace_back();
  }
  type.shape->push_back(value);
  return complete;
}

bool read_shape(MessageReader message, TensorType& type) {
  bool complete = true;
  type.shape.emplace();
  type.symbols.clear();
  while (message.next()) {
    if (message.field() != shape::kDim) {
      message.skip();
      complete = false;
      continue;
    }
    if (type.shape->rank() == limits::kMaxRank)
      fail(ErrorCode::InvalidModel, "it has more than ", limits::kMaxRank, " dimensions");
    complete &= read_dim(message.message(), type);
  }
  return complete;
}

DType read_dtype(int64_t number) {
  if (const std::optional<DType> dtype = dtype_from_onnx(number)) return *dtype;
  fail(ErrorCode::InvalidModel, "there is no element type with number ", number);
}

bool read_tensor_type(MessageReader message, TensorType& type) {
  bool complete = true;
  type = TensorType{};
  while (message.next()) {
    switch (message.field()) {
    case tensor_type::kElement:
      type.dtype = read_dtype(message.integer());
      break;
    case tensor_type::kShape:
      complete &= read_shape(message.message(), type);
      break;
    default:
      message.skip();
      complete = false;
    }
  }
  return complete;
}
} // namespace

bool read_type(MessageReader message, TensorType& type) {
  bool complete = true;
  while (message.next()) {
    if (message.field() == type::kTensor) {
      complete &= read_tensor_type(message.message(), type);
    } else {
      if (message.field() != type::kDenotation) type.is_tensor = false;
      message.skip();
      complete = false;
    }
  }
  return complete && is_declared(type);
}

ValueInfo read_value_info(MessageReader message) {
  ValueInfo out;
  try {
    while (message.next()) {
      switch (message.field()) {
      case value_info::kName:
        out.name = message.text();
        break;
      case value_info::kType: {
        MessageReader whole = message;
        if (!read_type(message.message(), out.type)) out.extra += whole.raw();
        break;
      }
      default:
        out.extra += message.raw();
      }
    }
  } catch (const Error& error) {
    fail(error.code(), "the type of '", out.name, "': ", error.message());
  }
  return out;
}

} // namespace octet::onnx

// Element types of tensors, numbered as in ONNX's TensorProto.DataType so that readers and writers
// need no table. Types narrower than a byte are packed two (or four) to a byte, low bits first, as
// in ONNX.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace octet {

enum class DType : uint8_t {
  Undefined = 0,
  Float32 = 1,
  UInt8 = 2,
  Int8 = 3,
  UInt16 = 4,
  Int16 = 5,
  Int32 = 6,
  Int64 = 7,
  String = 8,
  Bool = 9,
  Float16 = 10,
  Float64 = 11,
  UInt32 = 12,
  UInt64 = 13,
  Complex64 = 14,
  Complex128 = 15,
  BFloat16 = 16,
  Float8E4M3FN = 17,
  Float8E4M3FNUZ = 18,
  Float8E5M2 = 19,
  Float8E5M2FNUZ = 20,
  UInt4 = 21,
  Int4 = 22,
  Float4E2M1 = 23,
  Float8E8M0 = 24,
  UInt2 = 25,
  Int2 = 26,
  // Not of tensors: values that hold other values (base/tensor.h). ONNX has no numbers for these.
  Sequence = 27,
  Map = 28,
};

inline constexpr int kDTypeCount = 29;

// Bits of one element; 0 for Undefined, String, Sequence and Map, which have no elements of a fixed
// size.
size_t dtype_bits(DType dtype);

// Whether elements are bytes (or parts of one) that kernels can be handed.
inline bool is_dense(DType dtype) {
  return dtype_bits(dtype) != 0;
}

// The name in the public API and in ONNX's text form, e.g. "float32", "uint8", "bool".
std::string_view dtype_name(DType dtype);

// The type for a raw ONNX number, or nothing if there is none.
std::optional<DType> dtype_from_onnx(int64_t number);

// Bytes that `count` elements occupy, packed. Throws InvalidModel when the product overflows.
size_t dtype_bytes(DType dtype, size_t count);

constexpr bool is_float(DType t) {
  return t == DType::Float32 || t == DType::Float64 || t == DType::Float16 || t == DType::BFloat16;
}
// What kernels compute as float32.
constexpr bool is_other_float(DType t) {
  return is_float(t) && t != DType::Float32;
}
constexpr bool is_integer(DType t) {
  return t == DType::Int8 || t == DType::UInt8 || t == DType::Int16 || t == DType::UInt16 ||
         t == DType::Int32 || t == DType::UInt32 || t == DType::Int64 || t == DType::UInt64;
}

template <class T>
inline constexpr DType dtype_of = DType::Undefined;
template <>
inline constexpr DType dtype_of<float> = DType::Float32;
template <>
inline constexpr DType dtype_of<double> = DType::Float64;
template <>
inline constexpr DType dtype_of<int8_t> = DType::Int8;
template <>
inline constexpr DType dtype_of<uint8_t> = DType::UInt8;
template <>
inline constexpr DType dtype_of<int16_t> = DType::Int16;
template <>
inline constexpr DType dtype_of<uint16_t> = DType::UInt16;
template <>
inline constexpr DType dtype_of<int32_t> = DType::Int32;
template <>
inline constexpr DType dtype_of<uint32_t> = DType::UInt32;
template <>
inline constexpr DType dtype_of<int64_t> = DType::Int64;
template <>
inline constexpr DType dtype_of<uint64_t> = DType::UInt64;
template <>
inline constexpr DType dtype_of<bool> = DType::Bool;

} // namespace octet

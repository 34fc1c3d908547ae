// Elements of every number type through four wide ones, so that a loop is compiled four times at
// most and not once per type.
//
// float32 and narrower floats compute as float, float64 as double, integers and bool as int64_t,
// uint64 as uint64_t. Storing an integer keeps its low bits (ONNX arithmetic wraps), a float rounds
// to even (one of 8 bits or fewer saturates), a bool is "not zero".
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/dtype.h"

namespace octet {

enum class Wide : uint8_t { F32, F64, I64, U64 };
inline constexpr int kWideCount = 4;

template <class T>
inline constexpr Wide wide_of = Wide::I64;
template <>
inline constexpr Wide wide_of<float> = Wide::F32;
template <>
inline constexpr Wide wide_of<double> = Wide::F64;
template <>
inline constexpr Wide wide_of<uint64_t> = Wide::U64;

constexpr size_t wide_bytes(Wide wide) {
  return wide == Wide::F32 ? 4 : 8;
}

struct WideType {
  Wide wide;
  uint8_t bytes;  // of one element as stored; 0: see find_stored
  bool is_native; // stored elements are wide ones
  // `stride` 1 reads n elements, 0 repeats one.
  void (*load)(const void* x, size_t stride, size_t n, void* wide) noexcept;
  void (*store)(const void* wide, size_t n, void* y) noexcept;
};

// Null for types that do not compute: strings, complex numbers, types narrower than a byte.
const WideType* find_wide(DType dtype);
// The same, and the types narrower than a byte: of those only whole bytes of elements can be loaded
// and stored, but for the last.
const WideType* find_stored(DType dtype);

// Converts n wide numbers: truncates towards zero, saturates at the ends of the integer's range.
using WideConvert = void (*)(const void* x, size_t n, void* y) noexcept;
WideConvert wide_convert(Wide from, Wide to);

} // namespace octet

#include "ops/wide.h"

#include <cmath>
#include <limits>
#include <type_traits>

#include "base/float16.h"

namespace octet {
namespace {
struct Plain {
  template <class W, class T>
  static W widen(T x) {
    return static_cast<W>(x);
  }
  template <class T, class W>
  static T narrow(W x) {
    return static_cast<T>(x);
  }
};

template <float (*widen_bits)(uint16_t), uint16_t (*narrow_bits)(float)>
struct HalfBits {
  template <class W, class T>
  static W widen(T x) {
    return widen_bits(x);
  }
  template <class T, class W>
  static T narrow(W x) {
    return narrow_bits(x);
  }
};
using Half = HalfBits<float16_to_float32, float32_to_float16>;
using BrainHalf = HalfBits<bfloat16_to_float32, float32_to_bfloat16>;

struct Truth {
  template <class W, class T>
  static W widen(T x) {
    return x != 0;
  }
  template <class T, class W>
  static T narrow(W x) {
    return x != 0;
  }
};

template <class T, class W, class How>
constexpr WideType make_type(bool is_native) {
  return {.wide = wide_of<W>,
          .bytes = sizeof(T),
          .is_native = is_native,
          .load =
              [](const void* x, size_t stride, size_t n, void* wide) noexcept {
                const T* from = static_cast<const T*>(x);
                W* to = static_cast<W*>(wide);
                for (size_t i = 0; i < n; ++i) to[i] = How::template widen<W>(from[i * stride]);
              },
          .store =
              [](const void* wide, size_t n, void* y) noexcept {
                const W* from = static_cast<const W*>(wide);
                T* to = static_cast<T*>(y);
                for (size_t i = 0; i < n; ++i) to[i] = How::template narrow<T>(from[i]);
              }};
}

constexpr WideType kFloat32 = make_type<float, float, Plain>(true);
constexpr WideType kFloat64 = make_type<double, double, Plain>(true);
constexpr WideType kFloat16 = make_type<uint16_t, float, Half>(false);
constexpr WideType kBFloat16 = make_type<uint16_t, float, BrainHalf>(false);
constexpr WideType kInt8 = make_type<int8_t, int64_t, Plain>(false);
constexpr WideType kUInt8 = make_type<uint8_t, int64_t, Plain>(false);
constexpr WideType kInt16 = make_type<int16_t, int64_t, Plain>(false);
constexpr WideType kUInt16 = make_type<uint16_t, int64_t, Plain>(false);
constexpr WideType kInt32 = make_type<int32_t, int64_t, Plain>(false);
constexpr WideType kUInt32 = make_type<uint32_t, int64_t, Plain>(false);
constexpr WideType kInt64 = make_type<int64_t, int64_t, Plain>(true);
constexpr WideType kUInt64 = make_type<uint64_t, uint64_t, Plain>(true);
constexpr WideType kBool = make_type<uint8_t, int64_t, Truth>(false);

template <class To, class From>
To convert_one(From x) {
  if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    if (std::isnan(x)) return 0;
    if (x <= static_cast<From>(std::numeric_limits<To>::min()))
      return std::numeric_limits<To>::min();
    if (x >= static_cast<From>(std::numeric_limits<To>::max()))
      return std::numeric_limits<To>::max();
  }
  return static_cast<To>(x);
}

template <class From, class To>
void convert(const void* x, size_t n, void* y) noexcept {
  const From* from = static_cast<const From*>(x);
  To* to = static_cast<To*>(y);
  for (size_t i = 0; i < n; ++i) to[i] = convert_one<To>(from[i]);
}

template <class From>
constexpr WideConvert kConvertFrom[kWideCount] = {convert<From, float>, convert<From, double>,
                                                  convert<From, int64_t>, convert<From, uint64_t>};
} // namespace

const WideType* find_wide(DType dtype) {
  switch (dtype) {
  case DType::Float32:
    return &kFloat32;
  case DType::Float64:
    return &kFloat64;
  case DType::Float16:
    return &kFloat16;
  case DType::BFloat16:
    return &kBFloat16;
  case DType::Int8:
    return &kInt8;
  case DType::UInt8:
    return &kUInt8;
  case DType::Int16:
    return &kInt16;
  case DType::UInt16:
    return &kUInt16;
  case DType::Int32:
    return &kInt32;
  case DType::UInt32:
    return &kUInt32;
  case DType::Int64:
    return &kInt64;
  case DType::UInt64:
    return &kUInt64;
  case DType::Bool:
    return &kBool;
  default:
    return nullptr;
  }
}

WideConvert wide_convert(Wide from, Wide to) {
  static constexpr const WideConvert* kTable[kWideCount] = {
      kConvertFrom<float>, kConvertFrom<double>, kConvertFrom<int64_t>, kConvertFrom<uint64_t>};
  return kTable[static_cast<int>(from)][static_cast<int>(to)];
}

} // namespace octet

#include "ops/wide.h"

#include <cmath>
#include <limits>
#include <type_traits>

#include "base/float16.h"
#include "base/minifloat.h"

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

template <DType dtype>
struct MiniBits {
  template <class W, class T>
  static W widen(T x) {
    return minifloat_to_float32(*find_minifloat(dtype), x);
  }
  template <class T, class W>
  static T narrow(W x) {
    return float32_to_minifloat(*find_minifloat(dtype), x);
  }
};

// Codes of a few bits as they are, and with their sign.
struct Code {
  template <class W>
  static W widen(uint8_t code) {
    return code;
  }
  template <class W>
  static uint8_t narrow(W x) {
    return static_cast<uint8_t>(x);
  }
};
template <unsigned bits>
struct SignedCode : Code {
  template <class W>
  static W widen(uint8_t code) {
    constexpr int kSign = 1 << (bits - 1);
    return (code ^ kSign) - kSign;
  }
};
struct TinyFloat {
  template <class W>
  static W widen(uint8_t code) {
    return minifloat_to_float32(*find_minifloat(DType::Float4E2M1), code);
  }
  template <class W>
  static uint8_t narrow(W x) {
    return float32_to_minifloat(*find_minifloat(DType::Float4E2M1), x);
  }
};

template <unsigned bits, class W, class How>
constexpr WideType make_packed() {
  constexpr size_t kPerByte = 8 / bits;
  constexpr unsigned kMask = (1u << bits) - 1;
  return {.wide = wide_of<W>,
          .bytes = 0,
          .is_native = false,
          .load =
              [](const void* x, size_t stride, size_t n, void* wide) noexcept {
                const auto* from = static_cast<const uint8_t*>(x);
                W* to = static_cast<W*>(wide);
                for (size_t i = 0; i < n; ++i) {
                  const size_t at = i * stride;
                  const unsigned code = from[at / kPerByte] >> (at % kPerByte * bits) & kMask;
                  to[i] = How::template widen<W>(static_cast<uint8_t>(code));
                }
              },
          .store =
              [](const void* wide, size_t n, void* y) noexcept {
                const W* from = static_cast<const W*>(wide);
                auto* to = static_cast<uint8_t*>(y);
                for (size_t i = 0; i < n; ++i) {
                  const unsigned shift = static_cast<unsigned>(i % kPerByte * bits);
                  const unsigned before = shift ? to[i / kPerByte] : 0;
                  const unsigned code = How::template narrow<W>(from[i]) & kMask;
                  to[i / kPerByte] = static_cast<uint8_t>(before | code << shift);
                }
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
template <DType dtype>
constexpr WideType kMini = make_type<uint8_t, float, MiniBits<dtype>>(false);
constexpr WideType kUInt4 = make_packed<4, int64_t, Code>();
constexpr WideType kInt4 = make_packed<4, int64_t, SignedCode<4>>();
constexpr WideType kUInt2 = make_packed<2, int64_t, Code>();
constexpr WideType kInt2 = make_packed<2, int64_t, SignedCode<2>>();
constexpr WideType kFloat4 = make_packed<4, float, TinyFloat>();

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
  case DType::Float8E4M3FN:
    return &kMini<DType::Float8E4M3FN>;
  case DType::Float8E4M3FNUZ:
    return &kMini<DType::Float8E4M3FNUZ>;
  case DType::Float8E5M2:
    return &kMini<DType::Float8E5M2>;
  case DType::Float8E5M2FNUZ:
    return &kMini<DType::Float8E5M2FNUZ>;
  case DType::Float8E8M0:
    return &kMini<DType::Float8E8M0>;
  default:
    return nullptr;
  }
}

const WideType* find_stored(DType dtype) {
  switch (dtype) {
  case DType::UInt4:
    return &kUInt4;
  case DType::Int4:
    return &kInt4;
  case DType::UInt2:
    return &kUInt2;
  case DType::Int2:
    return &kInt2;
  case DType::Float4E2M1:
    return &kFloat4;
  default:
    return find_wide(dtype);
  }
}

WideConvert wide_convert(Wide from, Wide to) {
  static constexpr const WideConvert* kTable[kWideCount] = {
      kConvertFrom<float>, kConvertFrom<double>, kConvertFrom<int64_t>, kConvertFrom<uint64_t>};
  return kTable[static_cast<int>(from)][static_cast<int>(to)];
}

} // namespace octet

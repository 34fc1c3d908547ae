// Blocks of whole vectors; what is left goes to the reference, which gives the same bits.

#include "kernels/dispatch.h"
#include "kernels/qgemm/output_simd128.h"

namespace octet::kernels {
namespace {

v128_t quantize4(const float* x, v128_t scale, v128_t lo, v128_t hi, v128_t offset) noexcept {
  const v128_t value = wasm_f32x4_div(wasm_v128_load(x), scale);
  const v128_t clamped = wasm_f32x4_pmin(hi, wasm_f32x4_pmax(lo, value));
  return wasm_i32x4_add(round_to_int(clamped), offset);
}

template <class Q>
v128_t narrow_to_16(const V8& q) noexcept {
  if constexpr (std::is_same_v<Q, uint16_t>) return wasm_u16x8_narrow_i32x4(q.lo, q.hi);
  return wasm_i16x8_narrow_i32x4(q.lo, q.hi);
}

template <class Q>
void quantize(const float* x, size_t n, const QuantizeParams& p, void* out,
              QuantizeFn* rest) noexcept {
  constexpr size_t kBlock = 16;
  const v128_t scale = wasm_f32x4_splat(p.scale);
  const v128_t lo = wasm_f32x4_splat(p.lo);
  const v128_t hi = wasm_f32x4_splat(p.hi);
  const v128_t offset = wasm_i32x4_splat(p.offset);
  Q* y = static_cast<Q*>(out);
  size_t i = 0;
  for (; i + kBlock <= n; i += kBlock) {
    v128_t q[4];
    for (size_t v = 0; v < 4; ++v) q[v] = quantize4(x + i + 4 * v, scale, lo, hi, offset);
    const v128_t first = narrow_to_16<Q>({q[0], q[1]});
    const v128_t second = narrow_to_16<Q>({q[2], q[3]});
    if constexpr (sizeof(Q) == 2) {
      wasm_v128_store(y + i, first);
      wasm_v128_store(y + i + 8, second);
    } else if constexpr (std::is_same_v<Q, uint8_t>) {
      wasm_v128_store(y + i, wasm_u8x16_narrow_i16x8(first, second));
    } else {
      wasm_v128_store(y + i, wasm_i8x16_narrow_i16x8(first, second));
    }
  }
  rest(x + i, n - i, p, y + i);
}

/// Eight elements as int32.
V8 load_int32(const uint8_t* x) noexcept {
  const v128_t wide = wasm_u16x8_load8x8(x);
  return {wasm_u32x4_extend_low_u16x8(wide), wasm_u32x4_extend_high_u16x8(wide)};
}
V8 load_int32(const int8_t* x) noexcept {
  const v128_t wide = wasm_i16x8_load8x8(x);
  return {wasm_i32x4_extend_low_i16x8(wide), wasm_i32x4_extend_high_i16x8(wide)};
}
V8 load_int32(const uint16_t* x) noexcept {
  return {wasm_u32x4_load16x4(x), wasm_u32x4_load16x4(x + 4)};
}
V8 load_int32(const int16_t* x) noexcept {
  return {wasm_i32x4_load16x4(x), wasm_i32x4_load16x4(x + 4)};
}
V8 load_int32(const int32_t* x) noexcept {
  return load_v8(x);
}

template <class Q>
void dequantize(const void* in, size_t n, int32_t zero_point, float scale, float* y,
                DequantizeFn* rest) noexcept {
  const Q* x = static_cast<const Q*>(in);
  const v128_t zero = wasm_i32x4_splat(zero_point);
  const v128_t factor = wasm_f32x4_splat(scale);
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const V8 q = load_int32(x + i);
    const v128_t lo = wasm_f32x4_convert_i32x4(wasm_i32x4_sub(q.lo, zero));
    const v128_t hi = wasm_f32x4_convert_i32x4(wasm_i32x4_sub(q.hi, zero));
    wasm_v128_store(y + i, wasm_f32x4_mul(lo, factor));
    wasm_v128_store(y + i + 4, wasm_f32x4_mul(hi, factor));
  }
  rest(x + i, n - i, zero_point, scale, y + i);
}

v128_t load_int16(const uint8_t* x) noexcept {
  return wasm_u16x8_load8x8(x);
}
v128_t load_int16(const int8_t* x) noexcept {
  return wasm_i16x8_load8x8(x);
}

template <class Q>
void widen(const void* in, size_t n, int32_t zero_point, int16_t* y, WidenFn* rest) noexcept {
  const Q* x = static_cast<const Q*>(in);
  const v128_t zero = wasm_i16x8_splat(static_cast<int16_t>(zero_point));
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    wasm_v128_store(y + i, wasm_i16x8_sub(load_int16(x + i), zero));
    wasm_v128_store(y + i + 8, wasm_i16x8_sub(load_int16(x + i + 8), zero));
  }
  rest(x + i, n - i, zero_point, y + i);
}

template <class Q>
void narrow(const int16_t* x, size_t n, int32_t zero_point, void* out, NarrowFn* rest) noexcept {
  Q* y = static_cast<Q*>(out);
  const v128_t zero = wasm_i16x8_splat(static_cast<int16_t>(zero_point));
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const v128_t first = wasm_i16x8_add_sat(wasm_v128_load(x + i), zero);
    const v128_t second = wasm_i16x8_add_sat(wasm_v128_load(x + i + 8), zero);
    if constexpr (std::is_signed_v<Q>)
      wasm_v128_store(y + i, wasm_i8x16_narrow_i16x8(first, second));
    else
      wasm_v128_store(y + i, wasm_u8x16_narrow_i16x8(first, second));
  }
  rest(x + i, n - i, zero_point, y + i);
}

float lowest_lane(v128_t v) noexcept {
  v = wasm_f32x4_pmin(v, wasm_i32x4_shuffle(v, v, 2, 3, 0, 1));
  v = wasm_f32x4_pmin(v, wasm_i32x4_shuffle(v, v, 1, 0, 3, 2));
  return wasm_f32x4_extract_lane(v, 0);
}

} // namespace

ValueRange f32_value_range_simd128(const float* x, size_t n) noexcept {
  constexpr size_t kVectors = 4;
  const v128_t zero = wasm_f32x4_splat(0.0f);
  v128_t min[kVectors] = {zero, zero, zero, zero};
  v128_t max[kVectors] = {zero, zero, zero, zero};
  size_t i = 0;
  for (; i + 4 * kVectors <= n; i += 4 * kVectors) {
    for (size_t v = 0; v < kVectors; ++v) {
      const v128_t value = wasm_v128_load(x + i + 4 * v);
      min[v] = wasm_f32x4_pmin(min[v], value);
      max[v] = wasm_f32x4_pmax(max[v], value);
    }
  }
  ValueRange range = f32_value_range_reference(x + i, n - i);
  for (size_t v = 0; v < kVectors; ++v)
    range = merge(range, {lowest_lane(min[v]), -lowest_lane(wasm_f32x4_neg(max[v]))});
  return range;
}

void f32_qu8_quantize_simd128(const float* x, size_t n, const QuantizeParams& params,
                              void* y) noexcept {
  quantize<uint8_t>(x, n, params, y, f32_qu8_quantize_reference);
}
void f32_qs8_quantize_simd128(const float* x, size_t n, const QuantizeParams& params,
                              void* y) noexcept {
  quantize<int8_t>(x, n, params, y, f32_qs8_quantize_reference);
}
void f32_qu16_quantize_simd128(const float* x, size_t n, const QuantizeParams& params,
                               void* y) noexcept {
  quantize<uint16_t>(x, n, params, y, f32_qu16_quantize_reference);
}
void f32_qs16_quantize_simd128(const float* x, size_t n, const QuantizeParams& params,
                               void* y) noexcept {
  quantize<int16_t>(x, n, params, y, f32_qs16_quantize_reference);
}

void qu8_f32_dequantize_simd128(const void* x, size_t n, int32_t zero_point, float scale,
                                float* y) noexcept {
  dequantize<uint8_t>(x, n, zero_point, scale, y, qu8_f32_dequantize_reference);
}
void qs8_f32_dequantize_simd128(const void* x, size_t n, int32_t zero_point, float scale,
                                float* y) noexcept {
  dequantize<int8_t>(x, n, zero_point, scale, y, qs8_f32_dequantize_reference);
}
void qu16_f32_dequantize_simd128(const void* x, size_t n, int32_t zero_point, float scale,
                                 float* y) noexcept {
  dequantize<uint16_t>(x, n, zero_point, scale, y, qu16_f32_dequantize_reference);
}
void qs16_f32_dequantize_simd128(const void* x, size_t n, int32_t zero_point, float scale,
                                 float* y) noexcept {
  dequantize<int16_t>(x, n, zero_point, scale, y, qs16_f32_dequantize_reference);
}
void qs32_f32_dequantize_simd128(const void* x, size_t n, int32_t zero_point, float scale,
                                 float* y) noexcept {
  dequantize<int32_t>(x, n, zero_point, scale, y, qs32_f32_dequantize_reference);
}

void qu8_qs16_widen_simd128(const void* x, size_t n, int32_t zero_point, int16_t* y) noexcept {
  widen<uint8_t>(x, n, zero_point, y, qu8_qs16_widen_reference);
}
void qs8_qs16_widen_simd128(const void* x, size_t n, int32_t zero_point, int16_t* y) noexcept {
  widen<int8_t>(x, n, zero_point, y, qs8_qs16_widen_reference);
}

void qs16_qu8_narrow_simd128(const int16_t* x, size_t n, int32_t zero_point, void* y) noexcept {
  narrow<uint8_t>(x, n, zero_point, y, qs16_qu8_narrow_reference);
}
void qs16_qs8_narrow_simd128(const int16_t* x, size_t n, int32_t zero_point, void* y) noexcept {
  narrow<int8_t>(x, n, zero_point, y, qs16_qs8_narrow_reference);
}

} // namespace octet::kernels

// Eight codes at a time; what is left of a row goes to the reference, which gives the same bits.
#include "kernels/dispatch.h"
#include "kernels/qgemm/output_simd128.h"

namespace octet::kernels {
namespace {

v128_t scale4(v128_t x, v128_t scale) noexcept {
  return wasm_f32x4_mul(wasm_f32x4_convert_i32x4(x), scale);
}

V8 scale8(v128_t codes, v128_t scale) noexcept {
  return {scale4(wasm_i32x4_extend_low_i16x8(codes), scale),
          scale4(wasm_i32x4_extend_high_i16x8(codes), scale)};
}

v128_t round4(v128_t x, v128_t lo, v128_t hi) noexcept {
  return round_to_int(wasm_f32x4_pmin(hi, wasm_f32x4_pmax(lo, x)));
}

template <bool kRepeats>
v128_t load8(const int16_t* x, size_t i) noexcept {
  if constexpr (kRepeats) return wasm_v128_load16_splat(x);
  return wasm_v128_load(x + i);
}

/// f(eight of a, eight of b) gives eight floats.
template <bool kRepeatsA, bool kRepeatsB, class F>
void run_rows(const QBinaryRows& rows, const QBinaryParams& p, QBinaryFn* rest, F&& f) noexcept {
  const v128_t lo = wasm_f32x4_splat(p.lo), hi = wasm_f32x4_splat(p.hi);
  const size_t whole = rows.columns / 8 * 8;
  const int16_t *a = rows.a, *b = rows.b;
  int16_t* y = rows.y;
  for (size_t r = 0; r < rows.rows; ++r) {
    for (size_t i = 0; i < whole; i += 8) {
      const V8 x = f(load8<kRepeatsA>(a, i), load8<kRepeatsB>(b, i));
      wasm_v128_store(y + i, wasm_i16x8_narrow_i32x4(round4(x.lo, lo, hi), round4(x.hi, lo, hi)));
    }
    a += rows.a_stride;
    b += rows.b_stride;
    y += rows.y_stride;
  }
  if (whole == rows.columns) return;
  QBinaryRows tail = rows;
  tail.columns -= whole;
  tail.a += kRepeatsA ? 0 : whole;
  tail.b += kRepeatsB ? 0 : whole;
  tail.y += whole;
  rest(tail, p);
}

template <class F>
void run(const QBinaryRows& rows, const QBinaryParams& params, QBinaryFn* rest, F&& f) noexcept {
  if (rows.a_repeats && rows.b_repeats) return rest(rows, params);
  if (rows.b_repeats) return run_rows<false, true>(rows, params, rest, f);
  if (rows.a_repeats) return run_rows<true, false>(rows, params, rest, f);
  run_rows<false, false>(rows, params, rest, f);
}

} // namespace

void qs16_add_simd128(const QBinaryRows& rows, const QBinaryParams& params) noexcept {
  const v128_t a_scale = wasm_f32x4_splat(params.a_scale);
  const v128_t b_scale = wasm_f32x4_splat(params.b_scale);
  run(rows, params, qs16_add_reference, [=](v128_t a, v128_t b) {
    const V8 left = scale8(a, a_scale), right = scale8(b, b_scale);
    return V8{wasm_f32x4_add(left.lo, right.lo), wasm_f32x4_add(left.hi, right.hi)};
  });
}

void qs16_mul_simd128(const QBinaryRows& rows, const QBinaryParams& params) noexcept {
  const v128_t scale = wasm_f32x4_splat(params.a_scale);
  run(rows, params, qs16_mul_reference, [=](v128_t a, v128_t b) {
    return V8{scale4(wasm_i32x4_extmul_low_i16x8(a, b), scale),
              scale4(wasm_i32x4_extmul_high_i16x8(a, b), scale)};
  });
}

void qs16_accumulate_simd128(const int16_t* x, size_t n, int32_t* sums) noexcept {
  size_t c = 0;
  for (; c + 8 <= n; c += 8) {
    const v128_t codes = wasm_v128_load(x + c);
    const V8 sum = load_v8(sums + c);
    wasm_v128_store(sums + c, wasm_i32x4_add(sum.lo, wasm_i32x4_extend_low_i16x8(codes)));
    wasm_v128_store(sums + c + 4, wasm_i32x4_add(sum.hi, wasm_i32x4_extend_high_i16x8(codes)));
  }
  qs16_accumulate_reference(x + c, n - c, sums + c);
}

} // namespace octet::kernels

// Eight codes at a time; what is left of a row goes to the reference, which gives the same bits,
// and so do scales under which numbers could be too large to round in one addition.
#include <algorithm>
#include <cmath>

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

constexpr float kMostCode = 255;

/// False for NaN, too.
bool can_round(float most) noexcept {
  return most < kMostRounded;
}

v128_t splat_code(float bound) noexcept {
  return wasm_i16x8_splat(static_cast<int16_t>(bound));
}

template <bool kRepeats>
v128_t load8(const int16_t* x, size_t i) noexcept {
  if constexpr (kRepeats) return wasm_v128_load16_splat(x);
  return wasm_v128_load(x + i);
}

/// f(eight of a, eight of b) gives eight floats.
template <bool kRepeatsA, bool kRepeatsB, class F>
void run_rows(const QBinaryRows& rows, const QBinaryParams& p, QBinaryFn* rest, F&& f) noexcept {
  const v128_t lo = splat_code(p.lo), hi = splat_code(p.hi);
  const size_t whole = rows.columns / 8 * 8;
  const int16_t *a = rows.a, *b = rows.b;
  int16_t* y = rows.y;
  for (size_t r = 0; r < rows.rows; ++r) {
    for (size_t i = 0; i < whole; i += 8) {
      const V8 x = f(load8<kRepeatsA>(a, i), load8<kRepeatsB>(b, i));
      wasm_v128_store(y + i, round_to_codes(x, lo, hi));
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

/// Sums of so many codes fit 16 bits.
constexpr size_t kNarrowRows = 128;

/// Adds kVectors columns of eight, of at most kNarrowRows rows.
template <size_t kVectors>
void add_columns(const int16_t* x, size_t rows, size_t stride, int32_t* sums) noexcept {
  v128_t narrow[kVectors];
  for (v128_t& sum : narrow) sum = wasm_i16x8_splat(0);
  for (size_t r = 0; r < rows; ++r, x += stride)
    for (size_t v = 0; v < kVectors; ++v)
      narrow[v] = wasm_i16x8_add(narrow[v], wasm_v128_load(x + 8 * v));
  for (size_t v = 0; v < kVectors; ++v, sums += 8) {
    const V8 sum = load_v8(sums);
    wasm_v128_store(sums, wasm_i32x4_add(sum.lo, wasm_i32x4_extend_low_i16x8(narrow[v])));
    wasm_v128_store(sums + 4, wasm_i32x4_add(sum.hi, wasm_i32x4_extend_high_i16x8(narrow[v])));
  }
}

} // namespace

void qs16_add_simd128(const QBinaryRows& rows, const QBinaryParams& params) noexcept {
  if (!can_round(kMostCode * (std::abs(params.a_scale) + std::abs(params.b_scale))))
    return qs16_add_reference(rows, params);
  const v128_t a_scale = wasm_f32x4_splat(params.a_scale);
  const v128_t b_scale = wasm_f32x4_splat(params.b_scale);
  run(rows, params, qs16_add_reference, [=](v128_t a, v128_t b) {
    const V8 left = scale8(a, a_scale), right = scale8(b, b_scale);
    return V8{wasm_f32x4_add(left.lo, right.lo), wasm_f32x4_add(left.hi, right.hi)};
  });
}

void qs16_mul_simd128(const QBinaryRows& rows, const QBinaryParams& params) noexcept {
  if (!can_round(kMostCode * kMostCode * std::abs(params.a_scale)))
    return qs16_mul_reference(rows, params);
  const v128_t scale = wasm_f32x4_splat(params.a_scale);
  run(rows, params, qs16_mul_reference, [=](v128_t a, v128_t b) {
    return V8{scale4(wasm_i32x4_extmul_low_i16x8(a, b), scale),
              scale4(wasm_i32x4_extmul_high_i16x8(a, b), scale)};
  });
}

void qs16_accumulate_simd128(const int16_t* x, size_t rows, size_t columns,
                             int32_t* sums) noexcept {
  const size_t whole = columns / 8 * 8;
  for (size_t row = 0; row < rows; row += kNarrowRows) {
    const size_t count = std::min(kNarrowRows, rows - row);
    const int16_t* from = x + row * columns;
    size_t c = 0;
    for (; c + 32 <= whole; c += 32) add_columns<4>(from + c, count, columns, sums + c);
    for (; c < whole; c += 8) add_columns<1>(from + c, count, columns, sums + c);
    for (size_t r = 0; whole < columns && r < count; ++r)
      for (c = whole; c < columns; ++c) sums[c] += from[r * columns + c];
  }
}

} // namespace octet::kernels

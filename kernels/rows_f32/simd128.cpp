#include "kernels/dispatch.h"
#include "kernels/math_simd128.h"
#include "kernels/vectors_simd128.h"

namespace octet::kernels {
namespace {

/// The dot products of kRows rows from `row` on with x, each in all lanes.
template <size_t kRows>
void dot_rows(const RowProductF32& args, size_t row) noexcept {
  const float* from = args.matrix + row * args.stride;
  const size_t whole = args.columns / 4 * 4, rest = args.columns - whole;
  v128_t sums[kRows];
  for (v128_t& sum : sums) sum = splat(0.0f);
  for (size_t c = 0; c < whole; c += 4) {
    const v128_t x = wasm_v128_load(args.x + c);
    for (size_t r = 0; r < kRows; ++r)
      sums[r] = multiply_add(wasm_v128_load(from + r * args.stride + c), x, sums[r]);
  }
  if (rest > 0) {
    const v128_t x = load_first_floats(args.x + whole, rest);
    for (size_t r = 0; r < kRows; ++r)
      sums[r] = multiply_add(load_first_floats(from + r * args.stride + whole, rest), x, sums[r]);
  }
  for (size_t r = 0; r < kRows; ++r)
    wasm_v128_store32_lane(args.y + row + r, horizontal_sum(sums[r]), 0);
}

/// Columns [column, column + 4 · kVectors).
template <size_t kVectors>
void sum_rows(const RowProductF32& args, size_t column) noexcept {
  const float* from = args.matrix + column;
  v128_t sums[kVectors];
  for (v128_t& sum : sums) sum = splat(0.0f);
  for (size_t r = 0; r < args.rows; ++r, from += args.stride) {
    const v128_t x = wasm_v128_load32_splat(args.x + r);
    for (size_t v = 0; v < kVectors; ++v)
      sums[v] = multiply_add(wasm_v128_load(from + 4 * v), x, sums[v]);
  }
  for (size_t v = 0; v < kVectors; ++v) wasm_v128_store(args.y + column + 4 * v, sums[v]);
}

/// The `count` (< 4) columns from `column` on.
void sum_last_rows(const RowProductF32& args, size_t column, size_t count) noexcept {
  v128_t sum = splat(0.0f);
  for (size_t r = 0; r < args.rows; ++r)
    sum = multiply_add(load_first_floats(args.matrix + r * args.stride + column, count),
                       splat(args.x[r]), sum);
  store_first_floats(sum, count, args.y + column);
}

} // namespace

void f32_dot_rows_simd128(const RowProductF32& args) noexcept {
  size_t r = 0;
  for (; r + 4 <= args.rows; r += 4) dot_rows<4>(args, r);
  for (; r < args.rows; ++r) dot_rows<1>(args, r);
}

void f32_sum_rows_simd128(const RowProductF32& args) noexcept {
  size_t c = 0;
  for (; c + 16 <= args.columns; c += 16) sum_rows<4>(args, c);
  for (; c + 4 <= args.columns; c += 4) sum_rows<1>(args, c);
  if (c < args.columns) sum_last_rows(args, c, args.columns - c);
}

} // namespace octet::kernels

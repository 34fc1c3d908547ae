// The loops of the matrix tile of tile.h, for any way to multiply a vector of activations with
// packed weights. A Product has
//   Weight                     the type of a packed weight
//   kStep                      packed weights of one pair of int16 activations, over 8 columns
//   load(b)                    those weights
//   add(acc, a, weights)       adds their products with the pair that `a` repeats
#pragma once

#include "kernels/qgemm/output_simd128.h"
#include "kernels/qgemm/tile.h"

namespace octet::kernels {

/// Adds the products of one tap to the accumulators of four rows and returns the end of its
/// weights. An odd k is finished by pairing the last activation with itself: the packed weights
/// beside it are zero.
template <class Product, class Weight = typename Product::Weight>
const Weight* add_tap(V8 (&acc)[kTileRows], const int16_t* const* rows, const Weight* b,
                      size_t k) noexcept {
  const int16_t* a0 = rows[0];
  const int16_t* a1 = rows[1];
  const int16_t* a2 = rows[2];
  const int16_t* a3 = rows[3];
  for (const Weight* end = b + k / 2 * Product::kStep; b != end; b += Product::kStep) {
    const V8 weights = Product::load(b);
    Product::add(acc[0], wasm_v128_load32_splat(a0), weights);
    Product::add(acc[1], wasm_v128_load32_splat(a1), weights);
    Product::add(acc[2], wasm_v128_load32_splat(a2), weights);
    Product::add(acc[3], wasm_v128_load32_splat(a3), weights);
    a0 += 2;
    a1 += 2;
    a2 += 2;
    a3 += 2;
  }
  if (k % 2 == 0) return b;
  const V8 weights = Product::load(b);
  Product::add(acc[0], wasm_v128_load16_splat(a0), weights);
  Product::add(acc[1], wasm_v128_load16_splat(a1), weights);
  Product::add(acc[2], wasm_v128_load16_splat(a2), weights);
  Product::add(acc[3], wasm_v128_load16_splat(a3), weights);
  return b + Product::kStep;
}

/// The same for one row, in two sums: each addition waits for the one before.
template <class Product, class Weight = typename Product::Weight>
const Weight* add_tap(V8& even, V8& odd, const int16_t* a, const Weight* b, size_t k) noexcept {
  constexpr size_t kStep = Product::kStep;
  for (const Weight* end = b + k / 4 * 2 * kStep; b != end; b += 2 * kStep) {
    Product::add(even, wasm_v128_load32_splat(a), Product::load(b));
    Product::add(odd, wasm_v128_load32_splat(a + 2), Product::load(b + kStep));
    a += 4;
  }
  if (k % 4 >= 2) {
    Product::add(even, wasm_v128_load32_splat(a), Product::load(b));
    a += 2;
    b += kStep;
  }
  if (k % 2 == 0) return b;
  Product::add(odd, wasm_v128_load16_splat(a), Product::load(b));
  return b + kStep;
}

/// b: the weights from tile.column_begin on.
template <QOutput kOutput, class Product>
void run_four_rows(const QTile& tile, const typename Product::Weight* b) noexcept {
  const OutputStep<kOutput> output(*tile.params);
  const v128_t zero = wasm_i32x4_splat(0);
  for (size_t n = tile.column_begin; n < tile.column_end; n += kPanelWidth) {
    V8 acc[kTileRows] = {{zero, zero}, {zero, zero}, {zero, zero}, {zero, zero}};
    for (size_t t = 0; t < tile.taps; ++t)
      b = add_tap<Product>(acc, tile.a + t * kTileRows, b, tile.k);
    output.store(acc, tile.row_sum, n, tile.column_end, tile.c);
  }
}

/// One panel after the other: weights that come from memory come fastest as a single stream.
template <QOutput kOutput, class Product>
void run_one_row(const QTile& tile, const typename Product::Weight* b) noexcept {
  const OutputStep<kOutput> output(*tile.params);
  const v128_t zero = wasm_i32x4_splat(0);
  for (size_t n = tile.column_begin; n < tile.column_end; n += kPanelWidth) {
    V8 even{zero, zero}, odd{zero, zero};
    for (size_t t = 0; t < tile.taps; ++t)
      b = add_tap<Product>(even, odd, tile.a[t * kTileRows], b, tile.k);
    V8 sums[] = {{wasm_i32x4_add(even.lo, odd.lo), wasm_i32x4_add(even.hi, odd.hi)}};
    output.store(sums, tile.row_sum, n, tile.column_end, tile.c);
  }
}

/// Products of int16 pairs with weights of tile.h's panels: int8, widened while loading.
struct PairProduct {
  using Weight = int8_t;
  static constexpr size_t kStep = 16;

  static V8 load(const int8_t* b) noexcept {
    return {wasm_i16x8_load8x8(b), wasm_i16x8_load8x8(b + 8)};
  }
  [[clang::always_inline]] static void add(V8& acc, v128_t a, const V8& weights) noexcept {
    acc.lo = wasm_i32x4_add(acc.lo, wasm_i32x4_dot_i16x8(a, weights.lo));
    acc.hi = wasm_i32x4_add(acc.hi, wasm_i32x4_dot_i16x8(a, weights.hi));
  }
};

} // namespace octet::kernels

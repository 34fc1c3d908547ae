// The loops of the matrix tile of tile.h, for any way to multiply a vector of activations with
// packed weights. A Product has
//   Weight                     the type of a packed weight
//   kStep                      packed weights of one pair of int16 activations, over 8 columns
//   load(b)                    those weights
//   add(acc, a, weights)       adds their products with the pair that `a` repeats
//   panel_elements(tile)       packed weights of one panel
#pragma once

#include "kernels/qgemm/output_simd128.h"
#include "kernels/qgemm/pack.h"
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

/// b: the weights from tile.column_begin on.
template <QOutput kOutput, class Product>
void run_four_rows(const QTile& tile, const typename Product::Weight* b) noexcept {
  const OutputStep<kOutput> output(*tile.params);
  for (size_t n = tile.column_begin; n < tile.column_end; n += kPanelWidth) {
    const V8 initial = output.initial(n);
    V8 acc[kTileRows] = {initial, initial, initial, initial};
    for (size_t t = 0; t < tile.taps; ++t)
      b = add_tap<Product>(acc, tile.a + t * kTileRows, b, tile.k);
    output.store_begun(acc, tile.row_sum, n, tile.column_end, tile.c);
  }
}

/// One row of the panel at column n, with weights at b, and of kPanels − 1 more panels that lie
/// `apart` panels from one another. An odd k is finished as above.
template <QOutput kOutput, class Product, size_t kPanels, class Weight = typename Product::Weight>
[[clang::always_inline]] void run_panels(const QTile& tile, const OutputStep<kOutput>& output,
                                         const Weight* b, size_t n, size_t apart) noexcept {
  constexpr size_t kStep = Product::kStep;
  const size_t distance = apart * Product::panel_elements(tile);
  V8 acc[kPanels];
  for (size_t p = 0; p < kPanels; ++p) acc[p] = output.initial(n + p * apart * kPanelWidth);
  for (size_t t = 0; t < tile.taps; ++t) {
    const int16_t* a = tile.a[t * kTileRows];
    for (const Weight* end = b + tile.k / 2 * kStep; b != end; b += kStep, a += 2) {
      const v128_t pair = wasm_v128_load32_splat(a);
      for (size_t p = 0; p < kPanels; ++p)
        Product::add(acc[p], pair, Product::load(b + p * distance));
    }
    if (tile.k % 2 == 0) continue;
    const v128_t last = wasm_v128_load16_splat(a);
    for (size_t p = 0; p < kPanels; ++p)
      Product::add(acc[p], last, Product::load(b + p * distance));
    b += kStep;
  }
#pragma clang loop unroll(full)
  for (size_t p = 0; p < kPanels; ++p) {
    V8 sums[] = {acc[p]};
    output.store_begun(sums, tile.row_sum, n + p * apart * kPanelWidth, tile.column_end, tile.c);
  }
}

/// Three streams of weights, each a third of them long: far apart, they come faster from memory
/// than a single one.
template <QOutput kOutput, class Product>
void run_one_row(const QTile& tile, const typename Product::Weight* b) noexcept {
  const OutputStep<kOutput> output(*tile.params);
  const size_t panels = (tile.column_end - tile.column_begin + kPanelWidth - 1) / kPanelWidth;
  const size_t apart = (panels + 2) / 3;
  const size_t panel = Product::panel_elements(tile);
  for (size_t i = 0; i < apart; ++i, b += panel) {
    const size_t n = tile.column_begin + i * kPanelWidth;
    if (i + 2 * apart < panels)
      run_panels<kOutput, Product, 3>(tile, output, b, n, apart);
    else if (i + apart < panels)
      run_panels<kOutput, Product, 2>(tile, output, b, n, apart);
    else
      run_panels<kOutput, Product, 1>(tile, output, b, n, apart);
  }
}

/// Products of int16 pairs with weights of tile.h's panels: int8, widened while loading.
struct PairProduct {
  using Weight = int8_t;
  static constexpr size_t kStep = 16;

  static size_t panel_elements(const QTile& tile) noexcept {
    return packed_panel_bytes(tile.taps, tile.k);
  }
  static V8 load(const int8_t* b) noexcept {
    return {wasm_i16x8_load8x8(b), wasm_i16x8_load8x8(b + 8)};
  }
  [[clang::always_inline]] static void add(V8& acc, v128_t a, const V8& weights) noexcept {
    acc.lo = wasm_i32x4_add(acc.lo, wasm_i32x4_dot_i16x8(a, weights.lo));
    acc.hi = wasm_i32x4_add(acc.hi, wasm_i32x4_dot_i16x8(a, weights.hi));
  }
};

/// The same with panels that were widened before.
struct WideProduct : PairProduct {
  using Weight = int16_t;
  static V8 load(const int16_t* b) noexcept { return load_v8(b); }
};

} // namespace octet::kernels

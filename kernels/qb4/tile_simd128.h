// The product for SIMD instruction sets that differ in how they multiply codes of 4 bits. A Way has
// row(a), the activations as it reads them, load(a), the operands of 8 of them, and
// add(sums, codes, operands), which adds the products with 16 bytes of codes to eight lanes of 16
// bits, two per column.
#pragma once

#include <algorithm>

#include "kernels/qb4/tile.h"
#include "kernels/qgemm/output_simd128.h"

namespace octet::kernels {

inline constexpr size_t kQb4Step = 8;       // of k
inline constexpr size_t kQb4StepBytes = 32; // of a panel
/// As many k as lanes of 16 bits hold the sums of: half of them a lane, of at most 127 · 15 each.
inline constexpr size_t kQb4Run = 32;
inline constexpr size_t kQb4Panels = 2; // at a time, so that activations are loaded once for both

/// Adds products of up to kQb4Run of k, from a and codes to a_end, for panels that lie
/// panel_distance bytes apart; leaves a and codes at their ends.
template <class Way, class Number>
[[clang::always_inline]] inline void add_qb4_run(V8 (&products)[kQb4Panels], const Number*& a,
                                                 const Number* a_end, const uint8_t*& codes,
                                                 size_t panel_distance) noexcept {
  const v128_t none = wasm_i32x4_splat(0);
  V8 lanes[kQb4Panels] = {{none, none}, {none, none}};
  for (; a != a_end; a += kQb4Step, codes += kQb4StepBytes) {
    const auto operands = Way::load(a);
#pragma clang loop unroll(full)
    for (size_t p = 0; p < kQb4Panels; ++p) {
      const V8 loaded = load_v8(codes + p * panel_distance);
      lanes[p].lo = Way::add(lanes[p].lo, loaded.lo, operands);
      lanes[p].hi = Way::add(lanes[p].hi, loaded.hi, operands);
    }
  }
#pragma clang loop unroll(full)
  for (size_t p = 0; p < kQb4Panels; ++p) {
    const V8 wide{wasm_i32x4_extadd_pairwise_i16x8(lanes[p].lo),
                  wasm_i32x4_extadd_pairwise_i16x8(lanes[p].hi)};
    products[p].lo = wasm_i32x4_add(products[p].lo, wide.lo);
    products[p].hi = wasm_i32x4_add(products[p].hi, wide.hi);
  }
}

/// A block's scale and Σ codes of the row.
struct Qb4Block {
  v128_t scale, sum;

  /// Adds the block's products with four columns, as floats.
  v128_t add(v128_t sums, v128_t products, const float* scales, const float* zeros) const noexcept {
    const v128_t shift = wasm_f32x4_mul(wasm_v128_load(zeros), sum);
    const v128_t centred = wasm_f32x4_sub(wasm_f32x4_convert_i32x4(products), shift);
    const v128_t factor = wasm_f32x4_mul(scale, wasm_v128_load(scales));
    return wasm_f32x4_add(sums, wasm_f32x4_mul(centred, factor));
  }
};

inline void store_qb4_columns(const Qb4Tile& tile, V8 sums, size_t n) noexcept {
  if (tile.bias) {
    const V8 bias = load_v8(tile.bias + n);
    sums = {wasm_f32x4_add(sums.lo, bias.lo), wasm_f32x4_add(sums.hi, bias.hi)};
  }
  auto* to = reinterpret_cast<char*>(tile.c + n);
  if (n + kFPanelWidth <= tile.column_end)
    store_columns<QOutput::f32>(sums, to);
  else
    store_first_columns<QOutput::f32>(sums, tile.column_end - n, to);
}

/// Two panels, the one of column n and the one that lies `apart` panels after it.
template <class Way>
[[clang::always_inline]] inline void multiply_panels(const Qb4Tile& tile, size_t n,
                                                     size_t apart) noexcept {
  const size_t panel = n / kFPanelWidth, floats = tile.blocks * kFPanelWidth;
  const size_t panel_bytes = qb4_panel_bytes(tile.blocks, tile.block);
  const uint8_t* codes = tile.codes + panel * panel_bytes;
  const float* scales = tile.scales + panel * floats;
  const float* zeros = tile.zeros + panel * floats;
  const auto* a = Way::row(tile.a);
  const v128_t none = wasm_i32x4_splat(0);
  V8 sums[kQb4Panels] = {{none, none}, {none, none}};
  for (size_t b = 0; b < tile.blocks; ++b, scales += kFPanelWidth, zeros += kFPanelWidth) {
    V8 products[kQb4Panels] = {{none, none}, {none, none}};
    for (size_t k = 0; k < tile.block; k += kQb4Run)
      add_qb4_run<Way>(products, a, a + std::min(kQb4Run, tile.block - k), codes,
                       apart * panel_bytes);
    const Qb4Block block{wasm_v128_load32_splat(tile.a.scales + b),
                         wasm_v128_load32_splat(tile.a.sums + b)};
#pragma clang loop unroll(full)
    for (size_t p = 0; p < kQb4Panels; ++p) {
      const size_t at = p * apart * floats;
      sums[p].lo = block.add(sums[p].lo, products[p].lo, scales + at, zeros + at);
      sums[p].hi = block.add(sums[p].hi, products[p].hi, scales + at + 4, zeros + at + 4);
    }
  }
#pragma clang loop unroll(full)
  for (size_t p = 0; p < kQb4Panels; ++p)
    store_qb4_columns(tile, sums[p], n + p * apart * kFPanelWidth);
}

/// The halves of the matrix side by side. The middle panel of an odd number is its own partner.
template <class Way>
void run_qb4_row(const Qb4Tile& tile) noexcept {
  const size_t panels = (tile.column_end - tile.column_begin + kFPanelWidth - 1) / kFPanelWidth;
  const size_t half = (panels + 1) / 2;
  for (size_t i = 0; i < half; ++i)
    multiply_panels<Way>(tile, tile.column_begin + i * kFPanelWidth, i + half < panels ? half : 0);
}

} // namespace octet::kernels

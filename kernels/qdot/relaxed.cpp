#include "kernels/relaxed.h"
#include "kernels/dispatch.h"
#include "kernels/qgemm/tile_simd128.h"

namespace octet::kernels {
namespace {

// The two ways to add the sums of four neighbouring products to each of four columns, the second
// for weights within ±kMostPairWeight.

struct OneStep {
  static v128_t add(v128_t sums, v128_t codes, v128_t weights) noexcept {
    return relaxed_dot_add(weights, codes, sums);
  }
};

struct TwoSteps {
  static v128_t add(v128_t sums, v128_t codes, v128_t weights) noexcept {
    const v128_t pairs = relaxed_dot_pairs(weights, codes);
    return wasm_i32x4_add(sums, wasm_i32x4_dot_i16x8(pairs, wasm_i16x8_splat(1)));
  }
};

template <class Way>
struct ByteProduct {
  using Weight = int8_t;
  static constexpr size_t kStep = 32;

  static V8 load(const int8_t* b) noexcept { return load_v8(b); }
  [[clang::always_inline]] static void add(V8& acc, v128_t codes, const V8& weights) noexcept {
    acc.lo = Way::add(acc.lo, codes, weights.lo);
    acc.hi = Way::add(acc.hi, codes, weights.hi);
  }
};

/// As packed_dot_panel_bytes, which is not part of the pack.
template <class Product>
const int8_t* first_panel(const QTile& tile) noexcept {
  const size_t panel_bytes = tile.taps * ((tile.k + 1) / 2) * Product::kStep;
  return tile.b + tile.column_begin / kPanelWidth * panel_bytes;
}

template <QOutput kOutput, class Way>
void run_four(const QTile& tile) noexcept {
  using Product = ByteProduct<Way>;
  run_four_rows<kOutput, Product>(tile, first_panel<Product>(tile));
}

template <QOutput kOutput, class Way>
void run_one(const QTile& tile) noexcept {
  using Product = ByteProduct<Way>;
  run_one_row<kOutput, Product>(tile, first_panel<Product>(tile));
}

template <class Way>
int32_t row_sum(const int16_t* x, size_t n) noexcept {
  const v128_t ones = wasm_i8x16_splat(1), zero = wasm_i32x4_splat(0);
  v128_t sum = zero;
  size_t i = 0;
  for (; i + 8 <= n; i += 8) sum = Way::add(sum, wasm_v128_load(x + i), ones);
  for (; i < n; ++i) {
    const v128_t pair = wasm_i16x8_replace_lane(zero, 0, x[i]);
    sum = Way::add(sum, pair, ones);
  }
  sum = wasm_i32x4_add(sum, swap_halves(sum));
  sum = wasm_i32x4_add(sum, swap_neighbours(sum));
  return wasm_i32x4_extract_lane(sum, 0);
}

template <class Way>
void dot(const int8_t* w, const uint8_t* a, int32_t* sums) noexcept {
  wasm_v128_store(sums, Way::add(wasm_i32x4_splat(0), wasm_v128_load(a), wasm_v128_load(w)));
}

} // namespace

#define OCTET_DOT_TILES(output)                                                                    \
  void q8_qc8w_gemm_##output##_4x8_relaxed(const QTile& tile) noexcept {                           \
    run_four<QOutput::output, OneStep>(tile);                                                      \
  }                                                                                                \
  void q8_qc8w_gemv_##output##_1x8_relaxed(const QTile& tile) noexcept {                           \
    run_one<QOutput::output, OneStep>(tile);                                                       \
  }                                                                                                \
  void q8_qc7w_gemm_##output##_4x8_relaxed(const QTile& tile) noexcept {                           \
    run_four<QOutput::output, TwoSteps>(tile);                                                     \
  }                                                                                                \
  void q8_qc7w_gemv_##output##_1x8_relaxed(const QTile& tile) noexcept {                           \
    run_one<QOutput::output, TwoSteps>(tile);                                                      \
  }
OCTET_DOT_TILES(i32)
OCTET_DOT_TILES(f32)
OCTET_DOT_TILES(u8)
OCTET_DOT_TILES(s8)
OCTET_DOT_TILES(s16)
#undef OCTET_DOT_TILES

int32_t q8_row_sum_relaxed(const int16_t* x, size_t n) noexcept {
  return row_sum<OneStep>(x, n);
}
int32_t q8_row_sum_two_steps_relaxed(const int16_t* x, size_t n) noexcept {
  return row_sum<TwoSteps>(x, n);
}

void s8_q8_dot_relaxed(const int8_t* w, const uint8_t* a, int32_t* sums) noexcept {
  dot<OneStep>(w, a, sums);
}
void s7_q8_dot_relaxed(const int8_t* w, const uint8_t* a, int32_t* sums) noexcept {
  dot<TwoSteps>(w, a, sums);
}

} // namespace octet::kernels

#include "kernels/relaxed.h"
#include "kernels/dispatch.h"
#include "kernels/qdot/panel.h"
#include "kernels/qgemm/tile_simd128.h"

namespace octet::kernels {
namespace {

/// Neighbouring int16 added up.
v128_t widened(v128_t pairs) noexcept {
  return wasm_i32x4_dot_i16x8(pairs, wasm_i16x8_splat(1));
}

// The two ways to add the sums of four neighbouring products to each of four columns, the second
// for weights within ±kMostPairWeight.

struct OneStep {
  static v128_t add(v128_t sums, v128_t codes, v128_t weights) noexcept {
    return relaxed_dot_add(weights, codes, sums);
  }
};

struct TwoSteps {
  static v128_t add(v128_t sums, v128_t codes, v128_t weights) noexcept {
    return wasm_i32x4_add(sums, widened(relaxed_dot_pairs(weights, codes)));
  }
};

template <class Way>
struct ByteProduct {
  using Weight = int8_t;
  static constexpr size_t kStep = kGroupBytes;

  static size_t panel_elements(const QTile& tile) noexcept {
    return tile.taps * dot_tap_bytes(tile.k);
  }
  static V8 load(const int8_t* b) noexcept { return load_v8(b); }
  [[clang::always_inline]] static void add(V8& acc, v128_t codes, const V8& weights) noexcept {
    acc.lo = Way::add(acc.lo, codes, weights.lo);
    acc.hi = Way::add(acc.hi, codes, weights.hi);
  }
};

struct OneStepProduct : ByteProduct<OneStep> {};

struct TwoStepProduct : ByteProduct<TwoSteps> {
  static size_t panel_elements(const QTile& tile) noexcept {
    return TwoStepPanel{tile.taps, tile.k}.bytes();
  }

  /// A bounded step.
  [[clang::always_inline]] static void add_step(V8& acc, const int16_t* codes, const V8& first,
                                                const V8& second) noexcept {
    const v128_t a = wasm_v128_load32_splat(codes), b = wasm_v128_load32_splat(codes + 2);
    const v128_t lo =
        wasm_i16x8_add(relaxed_dot_pairs(first.lo, a), relaxed_dot_pairs(second.lo, b));
    const v128_t hi =
        wasm_i16x8_add(relaxed_dot_pairs(first.hi, a), relaxed_dot_pairs(second.hi, b));
    acc.lo = wasm_i32x4_add(acc.lo, widened(lo));
    acc.hi = wasm_i32x4_add(acc.hi, widened(hi));
  }
};

/// Adds the products of one tap, all of whose steps are bounded but those that the list at `next`
/// names, where the tap's are counted from first_step on. Moves `next` on and returns the end of
/// the tap's weights.
[[clang::always_inline]] const int8_t* add_bounded_tap(V8 (&acc)[kTileRows],
                                                       const int16_t* const* rows, const int8_t* b,
                                                       size_t k, size_t first_step,
                                                       const int8_t*& next) noexcept {
  const int16_t* a[kTileRows] = {rows[0], rows[1], rows[2], rows[3]};
  const int8_t* end = b + k / kStepPairs * kStepBytes;
  while (true) {
    const size_t ahead = TwoStepPanel::unbounded(next, 0) - first_step;
    const int8_t* stop = ahead < k / kStepPairs ? end - (k / kStepPairs - ahead) * kStepBytes : end;
    for (; b != stop; b += kStepBytes) {
      const V8 first = load_v8(b), second = load_v8(b + kGroupBytes);
#pragma clang loop unroll(full)
      for (size_t r = 0; r < kTileRows; ++r) {
        TwoStepProduct::add_step(acc[r], a[r], first, second);
        a[r] += kStepPairs;
      }
    }
    if (stop == end) return add_tap<TwoStepProduct>(acc, a, b, k % kStepPairs);
    b = add_tap<TwoStepProduct>(acc, a, b, kStepPairs);
    for (const int16_t*& row : a) row += kStepPairs;
    next += sizeof(uint32_t);
  }
}

[[clang::always_inline]] void add_panel(V8 (&acc)[kTileRows], const QTile& tile,
                                        const int8_t* panel) noexcept {
  const TwoStepPanel shape{tile.taps, tile.k};
  const int8_t* next = panel + shape.group_bytes();
  const bool bounded = TwoStepPanel::unbounded(next, 0) != TwoStepPanel::kUnbounded;
  for (size_t t = 0; t < tile.taps; ++t) {
    const int16_t* const* rows = tile.a + t * kTileRows;
    panel = bounded ? add_bounded_tap(acc, rows, panel, tile.k, t * shape.tap_steps(), next)
                    : add_tap<TwoStepProduct>(acc, rows, panel, tile.k);
  }
}

template <class Product>
const int8_t* first_panel(const QTile& tile) noexcept {
  return tile.b + tile.column_begin / kPanelWidth * Product::panel_elements(tile);
}

template <QOutput kOutput>
void run_four_in_two_steps(const QTile& tile) noexcept {
  const OutputStep<kOutput> output(*tile.params);
  const size_t panel_bytes = TwoStepProduct::panel_elements(tile);
  const int8_t* panel = first_panel<TwoStepProduct>(tile);
  for (size_t n = tile.column_begin; n < tile.column_end; n += kPanelWidth, panel += panel_bytes) {
    const V8 initial = output.initial(n);
    V8 acc[kTileRows] = {initial, initial, initial, initial};
    add_panel(acc, tile, panel);
    output.store_begun(acc, tile.row_sum, n, tile.column_end, tile.c);
  }
}

template <QOutput kOutput, class Product>
void run_one(const QTile& tile) noexcept {
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
    run_four_rows<QOutput::output, OneStepProduct>(tile, first_panel<OneStepProduct>(tile));       \
  }                                                                                                \
  void q8_qc8w_gemv_##output##_1x8_relaxed(const QTile& tile) noexcept {                           \
    run_one<QOutput::output, OneStepProduct>(tile);                                                \
  }                                                                                                \
  void q8_qc7w_gemm_##output##_4x8_relaxed(const QTile& tile) noexcept {                           \
    run_four_in_two_steps<QOutput::output>(tile);                                                  \
  }                                                                                                \
  void q8_qc7w_gemv_##output##_1x8_relaxed(const QTile& tile) noexcept {                           \
    run_one<QOutput::output, TwoStepProduct>(tile);                                                \
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

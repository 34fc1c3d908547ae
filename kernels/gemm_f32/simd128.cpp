#include "kernels/dispatch.h"
#include "kernels/qgemm/output_simd128.h"

namespace octet::kernels {
namespace {

void add_products(V8& acc, v128_t a, const V8& b) noexcept {
  acc.lo = wasm_f32x4_add(acc.lo, wasm_f32x4_mul(a, b.lo));
  acc.hi = wasm_f32x4_add(acc.hi, wasm_f32x4_mul(a, b.hi));
}

/// The output step with its constants in registers.
class FOutputStep {
public:
  explicit FOutputStep(const FTile& tile) noexcept
      : bias_(tile.params.bias), lo_(wasm_f32x4_splat(tile.params.lo)),
        hi_(wasm_f32x4_splat(tile.params.hi)), column_end_(tile.column_end) {}

  /// Stores the columns [n, n + 8) that lie before the end. NaN passes through the clamp.
  template <size_t kRows>
  [[clang::always_inline]] void store(V8 (&acc)[kRows], size_t n, float* const* c) const noexcept {
    if (bias_) {
      const V8 bias = load_v8(bias_ + n);
      for (V8& row : acc) row = {wasm_f32x4_add(row.lo, bias.lo), wasm_f32x4_add(row.hi, bias.hi)};
    }
    for (V8& row : acc) row = {clamp(row.lo), clamp(row.hi)};
    if (n + kFPanelWidth <= column_end_)
      for (size_t r = 0; r < kRows; ++r)
        store_columns<QOutput::f32>(acc[r], reinterpret_cast<char*>(c[r] + n));
    else
      for (size_t r = 0; r < kRows; ++r)
        store_first_columns<QOutput::f32>(acc[r], column_end_ - n,
                                          reinterpret_cast<char*>(c[r] + n));
  }

private:
  v128_t clamp(v128_t x) const noexcept { return wasm_f32x4_pmin(wasm_f32x4_pmax(x, lo_), hi_); }

  const float* bias_;
  v128_t lo_;
  v128_t hi_;
  size_t column_end_;
};

const float* add_tap(V8 (&acc)[kFTileRows], const float* const* rows, const float* b,
                     size_t k) noexcept {
  const float* a0 = rows[0];
  const float* a1 = rows[1];
  const float* a2 = rows[2];
  const float* a3 = rows[3];
  for (; k > 0; --k, b += kFPanelWidth) {
    const V8 weights = load_v8(b);
    add_products(acc[0], wasm_v128_load32_splat(a0++), weights);
    add_products(acc[1], wasm_v128_load32_splat(a1++), weights);
    add_products(acc[2], wasm_v128_load32_splat(a2++), weights);
    add_products(acc[3], wasm_v128_load32_splat(a3++), weights);
  }
  return b;
}

/// Adds the products of one tap, those of even and of odd k apart, and returns the end of its
/// weights.
const float* add_tap(V8& even, V8& odd, const float* a, const float* b, size_t k) noexcept {
  for (const float* end = b + k / 2 * 2 * kFPanelWidth; b != end; b += 2 * kFPanelWidth) {
    add_products(even, wasm_v128_load32_splat(a), load_v8(b));
    add_products(odd, wasm_v128_load32_splat(a + 1), load_v8(b + kFPanelWidth));
    a += 2;
  }
  if (k % 2 == 0) return b;
  add_products(even, wasm_v128_load32_splat(a), load_v8(b));
  return b + kFPanelWidth;
}

/// Columns [n, n + 8 · kPanels).
template <size_t kPanels>
void run_panels(const FTile& tile, const FOutputStep& output, size_t n) noexcept {
  const size_t panel = tile.taps * tile.k * kFPanelWidth;
  const float* b = tile.b + n / kFPanelWidth * panel;
  const v128_t zero = wasm_f32x4_splat(0);
  V8 acc[kPanels];
  for (V8& a : acc) a = {zero, zero};
  for (size_t t = 0; t < tile.taps; ++t) {
    const float* a = tile.a[t * kFTileRows];
    for (size_t k = 0; k < tile.k; ++k, b += kFPanelWidth) {
      const v128_t value = wasm_v128_load32_splat(a + k);
      for (size_t p = 0; p < kPanels; ++p) add_products(acc[p], value, load_v8(b + p * panel));
    }
  }
  for (size_t p = 0; p < kPanels; ++p) {
    V8 sums[] = {acc[p]};
    output.store(sums, n + p * kFPanelWidth, tile.c);
  }
}

void run_as_stream(const FTile& tile, const FOutputStep& output) noexcept {
  const float* b = tile.b + tile.column_begin * tile.taps * tile.k;
  const v128_t zero = wasm_f32x4_splat(0);
  for (size_t n = tile.column_begin; n < tile.column_end; n += kFPanelWidth) {
    V8 even{zero, zero}, odd{zero, zero};
    for (size_t t = 0; t < tile.taps; ++t)
      b = add_tap(even, odd, tile.a[t * kFTileRows], b, tile.k);
    V8 sums[] = {{wasm_f32x4_add(even.lo, odd.lo), wasm_f32x4_add(even.hi, odd.hi)}};
    output.store(sums, n, tile.c);
  }
}

} // namespace

void f32_gemm_4x8_simd128(const FTile& tile) noexcept {
  const FOutputStep output(tile);
  const float* b = tile.b + tile.column_begin * tile.taps * tile.k;
  const v128_t zero = wasm_f32x4_splat(0);
  for (size_t n = tile.column_begin; n < tile.column_end; n += kFPanelWidth) {
    V8 acc[kFTileRows] = {{zero, zero}, {zero, zero}, {zero, zero}, {zero, zero}};
    for (size_t t = 0; t < tile.taps; ++t) b = add_tap(acc, tile.a + t * kFTileRows, b, tile.k);
    output.store(acc, n, tile.c);
  }
}

void f32_gemv_1x24_simd128(const FTile& tile) noexcept {
  constexpr size_t kPanels = 3;
  const FOutputStep output(tile);
  if (tile.is_streamed) return run_as_stream(tile, output);
  size_t n = tile.column_begin;
  for (; n + (kPanels - 1) * kFPanelWidth < tile.column_end; n += kPanels * kFPanelWidth)
    run_panels<kPanels>(tile, output, n);
  if (n + kFPanelWidth < tile.column_end)
    run_panels<2>(tile, output, n);
  else if (n < tile.column_end)
    run_panels<1>(tile, output, n);
}

} // namespace octet::kernels

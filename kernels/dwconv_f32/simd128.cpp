#include "kernels/dispatch.h"
#include "kernels/qgemm/output_simd128.h"

namespace octet::kernels {
namespace {

v128_t finish(v128_t sum, const FOutputParams& params, const float* bias) noexcept {
  if (bias) sum = wasm_f32x4_add(sum, wasm_v128_load(bias));
  return wasm_f32x4_pmin(wasm_f32x4_pmax(sum, wasm_f32x4_splat(params.lo)),
                         wasm_f32x4_splat(params.hi));
}

/// kVectors · 4 channels from c on, for both pixels.
template <size_t kVectors>
void run_vectors(const FDwTile& tile, size_t c) noexcept {
  v128_t sum[kFDwTilePixels][kVectors];
  for (auto& pixel : sum)
    for (v128_t& v : pixel) v = wasm_f32x4_splat(0);
  const float* const* x = tile.x;
  const float* w = tile.w + c;
  for (size_t t = 0; t < tile.taps; ++t, x += kFDwTilePixels, w += tile.channels)
    for (size_t v = 0; v < kVectors; ++v) {
      const v128_t weight = wasm_v128_load(w + v * 4);
      for (size_t p = 0; p < kFDwTilePixels; ++p)
        sum[p][v] =
            wasm_f32x4_add(sum[p][v], wasm_f32x4_mul(wasm_v128_load(x[p] + c + v * 4), weight));
    }
  for (size_t v = 0; v < kVectors; ++v) {
    const float* bias = tile.params.bias ? tile.params.bias + c + v * 4 : nullptr;
    for (size_t p = 0; p < kFDwTilePixels; ++p)
      wasm_v128_store(tile.y[p] + c + v * 4, finish(sum[p][v], tile.params, bias));
  }
}

void run_channel(const FDwTile& tile, size_t c) noexcept {
  const v128_t bias =
      tile.params.bias ? wasm_v128_load32_splat(tile.params.bias + c) : wasm_f32x4_splat(-0.0f);
  for (size_t p = 0; p < kFDwTilePixels; ++p) {
    float sum = 0;
    for (size_t t = 0; t < tile.taps; ++t)
      sum += tile.x[t * kFDwTilePixels + p][c] * tile.w[t * tile.channels + c];
    const v128_t y = wasm_f32x4_add(wasm_f32x4_splat(sum), bias);
    tile.y[p][c] = wasm_f32x4_extract_lane(finish(y, tile.params, nullptr), 0);
  }
}

} // namespace

void f32_dwconv_2x8_simd128(const FDwTile& tile) noexcept {
  size_t c = 0;
  for (; c + 8 <= tile.channels; c += 8) run_vectors<2>(tile, c);
  for (; c + 4 <= tile.channels; c += 4) run_vectors<1>(tile, c);
  for (; c < tile.channels; ++c) run_channel(tile, c);
}

} // namespace octet::kernels

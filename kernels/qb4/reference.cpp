#include <algorithm>
#include <cmath>

#include "kernels/dispatch.h"

namespace octet::kernels {
namespace {

constexpr size_t kWidth = kFPanelWidth;

int32_t code_at(const uint8_t* panel, size_t n, size_t k) noexcept {
  const Qb4Place place = qb4_place(n, k);
  return panel[place.byte] >> place.shift & 15;
}

float column(const Qb4Tile& tile, size_t n) noexcept {
  const size_t panel = n / kWidth;
  const uint8_t* codes = tile.codes + panel * qb4_panel_bytes(tile.blocks, tile.block);
  float sum = 0;
  for (size_t b = 0; b < tile.blocks; ++b) {
    int32_t products = 0;
    for (size_t k = b * tile.block; k < (b + 1) * tile.block; ++k)
      products += tile.a.codes[qb8_place(k)] * code_at(codes, n % kWidth, k);
    const size_t at = (panel * tile.blocks + b) * kWidth + n % kWidth;
    const float centred = static_cast<float>(products) - tile.zeros[at] * tile.a.sums[b];
    sum += centred * (tile.a.scales[b] * tile.scales[at]);
  }
  return tile.bias ? sum + tile.bias[n] : sum;
}

/// NaN gives −127.
int8_t quantized(float x) noexcept {
  const float bounded = x > -127.0f ? std::min(x, 127.0f) : -127.0f;
  return static_cast<int8_t>(std::nearbyint(bounded));
}

} // namespace

void f32_qb8_quantize_reference(const float* x, size_t k, size_t block,
                                const Qb8Row& row) noexcept {
  for (size_t begin = 0, b = 0; begin < k; begin += block, ++b) {
    float max = 0;
    for (size_t i = begin; i < std::min(k, begin + block); ++i) max = std::max(max, std::abs(x[i]));
    const float inverse = max > 0 ? 127.0f / max : 0.0f;
    int32_t sum = 0;
    for (size_t i = begin; i < begin + block; ++i) {
      const int8_t code = i < k ? quantized(x[i] * inverse) : int8_t{0};
      const int before = i % 8 < 2 ? 0 : row.codes[qb8_place(i - 2)];
      row.codes[qb8_place(i)] = code;
      row.factors[i] = static_cast<int16_t>(code - 16 * before);
      sum += code;
    }
    row.scales[b] = max / 127.0f;
    row.sums[b] = static_cast<float>(sum);
  }
}

void qb8_qb4w_gemv_1x16_reference(const Qb4Tile& tile) noexcept {
  for (size_t n = tile.column_begin; n < tile.column_end; ++n) tile.c[n] = column(tile, n);
}

void qb4w_f32_unpack_reference(const Qb4Panel& panel) noexcept {
  for (size_t k = 0; k < panel.blocks * panel.block; ++k)
    for (size_t n = 0; n < kWidth; ++n) {
      const size_t at = k / panel.block * kWidth + n;
      const auto code = static_cast<float>(code_at(panel.codes, n, k));
      panel.to[k * kWidth + n] = (code - panel.zeros[at]) * panel.scales[at];
    }
}

} // namespace octet::kernels

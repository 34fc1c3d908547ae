#include "quant/rows.h"

#include <algorithm>

namespace octet {
namespace {
constexpr size_t kLanes = 8;
// A tile of the matrix of products is summed up in registers.
constexpr size_t kTall = 4, kWide = kLanes;
constexpr size_t kChunk = 64; // rows, of which tiles of columns stay in the cache

// Columns in panels: [panel, row, kWide], filled up with zeros.
std::vector<float> in_panels(const float* rows, size_t count, size_t columns) {
  const size_t panels = (columns + kWide - 1) / kWide;
  std::vector<float> out(panels * count * kWide);
  for (size_t r = 0; r < count; ++r)
    for (size_t p = 0; p < panels; ++p)
      std::copy_n(rows + r * columns + p * kWide, std::min(kWide, columns - p * kWide),
                  &out[(p * count + r) * kWide]);
  return out;
}

// [row, kWide] twice → [kTall, kWide]; `tall` starts at the first of kTall columns of its panel.
void add_tile(const float* tall, const float* wide, size_t rows, float* to) {
  float sums[kTall][kWide] = {};
  for (size_t r = 0; r < rows; ++r, tall += kWide, wide += kWide) {
#pragma clang loop unroll(full)
    for (size_t i = 0; i < kTall; ++i)
#pragma clang loop unroll(full)
      for (size_t j = 0; j < kWide; ++j) sums[i][j] += tall[i] * wide[j];
  }
  std::copy_n(&sums[0][0], kTall * kWide, to);
}

void add_chunk(const float* rows, size_t count, size_t columns, float* matrix) {
  const std::vector<float> panels = in_panels(rows, count, columns);
  float tile[kTall * kWide];
  for (size_t i = 0; i < columns; i += kTall)
    for (size_t j = 0; j <= i; j += kWide) {
      add_tile(&panels[i / kWide * count * kWide + i % kWide], &panels[j * count], count, tile);
      const size_t height = std::min(kTall, columns - i), width = std::min(kWide, columns - j);
      for (size_t a = 0; a < height; ++a)
        for (size_t b = 0; b < width; ++b) matrix[(i + a) * columns + j + b] += tile[a * kWide + b];
    }
}
} // namespace

float dot(const float* a, const float* b, size_t count) {
  float sums[kLanes] = {};
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
#pragma clang loop unroll(full)
    for (size_t lane = 0; lane < kLanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  float sum = 0;
  for (const float lane : sums) sum += lane;
  for (; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

void add_products(float* __restrict to, const float* __restrict a, const float* __restrict b,
                  float factor, size_t count) {
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
#pragma clang loop unroll(full)
    for (size_t lane = 0; lane < kLanes; ++lane) to[i + lane] += factor * a[i + lane] * b[i + lane];
  for (; i < count; ++i) to[i] += factor * a[i] * b[i];
}

float least_sum(const float* a, const float* b, const float* c, float factor, size_t count) {
  float least[kLanes] = {};
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
#pragma clang loop unroll(full)
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const float sum = a[i + lane] + factor * b[i + lane] * c[i + lane];
      least[lane] = sum < least[lane] ? sum : least[lane];
    }
  float found = *std::min_element(least, least + kLanes);
  for (; i < count; ++i) found = std::min(found, a[i] + factor * b[i] * c[i]);
  return found;
}

void add_outer_products(std::span<const float> rows, size_t columns, float* matrix) {
  const size_t count = rows.size() / columns;
  for (size_t begin = 0; begin < count; begin += kChunk)
    add_chunk(&rows[begin * columns], std::min(kChunk, count - begin), columns, matrix);
}

} // namespace octet

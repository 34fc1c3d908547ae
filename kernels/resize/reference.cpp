#include "kernels/dispatch.h"

namespace octet::kernels {
namespace {

float mix(float a, float b, float weight) noexcept {
  return a * (1.0f - weight) + b * weight;
}

} // namespace

void f32_resize_linear_row_reference(const LinearRow& row) noexcept {
  for (size_t x = 0; x < row.out_w; ++x) {
    const size_t first = row.columns.first[x] * row.channels;
    const size_t second = row.columns.second[x] * row.channels;
    for (size_t c = 0; c < row.channels; ++c) {
      const float left = mix(row.first[first + c], row.second[first + c], row.weight);
      const float right = mix(row.first[second + c], row.second[second + c], row.weight);
      row.y[x * row.channels + c] = mix(left, right, row.columns.weight[x]);
    }
  }
}

} // namespace octet::kernels

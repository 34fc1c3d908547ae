#include <cmath>

#include "kernels/dispatch.h"

namespace octet::kernels {
namespace {

template <class F>
float mean_of(const float* x, size_t n, F&& f) noexcept {
  float sum = 0;
  for (size_t i = 0; i < n; ++i) sum += f(x[i]);
  return sum / static_cast<float>(n);
}

/// y = (x − mean) / √(mean((x − mean)²) + epsilon) · scale + bias
void normalize(const RowNorm& args, size_t row, float mean) noexcept {
  const float* x = args.x + row * args.columns;
  float* y = args.y + row * args.columns;
  const float variance =
      mean_of(x, args.columns, [mean](float v) { return (v - mean) * (v - mean); });
  const float inverse = 1.0f / std::sqrt(variance + args.epsilon);
  for (size_t i = 0; i < args.columns; ++i)
    y[i] = (x[i] - mean) * inverse * args.scale[i] + (args.bias ? args.bias[i] : 0.0f);
  if (args.inverse_std) args.inverse_std[row] = inverse;
}

} // namespace

void f32_layer_norm_reference(const RowNorm& args, size_t row_begin, size_t row_end) noexcept {
  for (size_t row = row_begin; row < row_end; ++row) {
    const float mean =
        mean_of(args.x + row * args.columns, args.columns, [](float v) { return v; });
    if (args.mean) args.mean[row] = mean;
    normalize(args, row, mean);
  }
}

void f32_rms_norm_reference(const RowNorm& args, size_t row_begin, size_t row_end) noexcept {
  for (size_t row = row_begin; row < row_end; ++row) normalize(args, row, 0.0f);
}

} // namespace octet::kernels

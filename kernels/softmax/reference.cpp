#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/dispatch.h"

namespace octet::kernels {
namespace {

/// finish(x − max, Σ exp(x − max)) for every element.
template <class Finish>
void run(const Softmax& args, Finish&& finish) noexcept {
  const auto& [shape, x, y] = args;
  const size_t step = shape.inner;
  for (size_t o = 0; o < shape.outer; ++o)
    for (size_t i = 0; i < shape.inner; ++i) {
      const size_t first = o * shape.axis * step + i;
      float max = -std::numeric_limits<float>::infinity();
      for (size_t k = 0; k < shape.axis; ++k) max = std::max(max, x[first + k * step]);
      float sum = 0;
      for (size_t k = 0; k < shape.axis; ++k) sum += std::exp(x[first + k * step] - max);
      for (size_t k = 0; k < shape.axis; ++k) {
        const size_t at = first + k * step;
        y[at] = finish(x[at] - max, sum);
      }
    }
}

} // namespace

void f32_softmax_reference(const Softmax& args) noexcept {
  run(args, [](float x, float sum) { return std::exp(x) / sum; });
}
void f32_log_softmax_reference(const Softmax& args) noexcept {
  run(args, [](float x, float sum) { return x - std::log(sum); });
}

void f32_score_softmax_reference(const ScoreSoftmax& args) noexcept {
  for (size_t row = 0; row < args.rows; ++row) {
    float* x = args.x + row * args.columns;
    for (size_t i = 0; i < args.columns; ++i)
      x[i] = x[i] * args.scale + (args.mask ? args.mask[row * args.mask_stride + i] : 0.0f);
    f32_softmax_reference({.shape = {.axis = args.columns}, .x = x, .y = x});
  }
}

} // namespace octet::kernels

#include <cmath>

#include "kernels/dispatch.h"

namespace octet::kernels {
namespace {

template <class Fold>
void reduce(const AxisShape& shape, const float* x, float* y, Fold&& fold) noexcept {
  for (size_t o = 0; o < shape.outer; ++o, y += shape.inner)
    for (size_t k = 0; k < shape.axis; ++k)
      for (size_t i = 0; i < shape.inner; ++i) y[i] = fold(y[i], *x++);
}

} // namespace

void f32_reduce_sum_reference(const AxisShape& shape, const float* x, float* y) noexcept {
  reduce(shape, x, y, [](float a, float v) { return a + v; });
}
void f32_reduce_sum_abs_reference(const AxisShape& shape, const float* x, float* y) noexcept {
  reduce(shape, x, y, [](float a, float v) { return a + std::abs(v); });
}
void f32_reduce_sum_square_reference(const AxisShape& shape, const float* x, float* y) noexcept {
  reduce(shape, x, y, [](float a, float v) { return a + v * v; });
}
void f32_reduce_product_reference(const AxisShape& shape, const float* x, float* y) noexcept {
  reduce(shape, x, y, [](float a, float v) { return a * v; });
}
void f32_reduce_max_reference(const AxisShape& shape, const float* x, float* y) noexcept {
  reduce(shape, x, y, [](float a, float v) { return a > v || a != a ? a : v; });
}
void f32_reduce_min_reference(const AxisShape& shape, const float* x, float* y) noexcept {
  reduce(shape, x, y, [](float a, float v) { return a < v || a != a ? a : v; });
}

} // namespace octet::kernels

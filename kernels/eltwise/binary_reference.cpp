#include <cmath>

#include "kernels/dispatch.h"

namespace octet::kernels {
namespace {

// One function per row of binary_list.inc.
namespace one {
float add(float a, float b) {
  return a + b;
}
float sub(float a, float b) {
  return a - b;
}
float mul(float a, float b) {
  return a * b;
}
float div(float a, float b) {
  return a / b;
}
float min(float a, float b) {
  return a < b || a != a ? a : b;
}
float max(float a, float b) {
  return a > b || a != a ? a : b;
}
float prelu(float a, float b) {
  return a < 0 ? a * b : a;
}
float pow(float a, float b) {
  return std::pow(a, b);
}
bool equal(float a, float b) {
  return a == b;
}
bool less(float a, float b) {
  return a < b;
}
bool less_or_equal(float a, float b) {
  return a <= b;
}
bool greater(float a, float b) {
  return a > b;
}
bool greater_or_equal(float a, float b) {
  return a >= b;
}
} // namespace one

template <class Result, class F>
void run(const BinaryRows& rows, F&& f) noexcept {
  for (size_t r = 0; r < rows.rows; ++r) {
    const float* a = rows.a + static_cast<ptrdiff_t>(r) * rows.a_stride;
    const float* b = rows.b + static_cast<ptrdiff_t>(r) * rows.b_stride;
    Result* y = static_cast<Result*>(rows.y) + static_cast<ptrdiff_t>(r) * rows.y_stride;
    for (size_t c = 0; c < rows.columns; ++c)
      y[c] = f(a[rows.a_repeats ? 0 : c], b[rows.b_repeats ? 0 : c]);
  }
}

} // namespace

#define OCTET_BINARY(name, Result)                                                                 \
  void f32_##name##_reference(const BinaryRows& rows) noexcept {                                   \
    run<Result>(rows, one::name);                                                                  \
  }
#include "kernels/eltwise/binary_list.inc"
#undef OCTET_BINARY

} // namespace octet::kernels

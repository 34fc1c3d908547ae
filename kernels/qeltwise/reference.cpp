#include "kernels/dispatch.h"

namespace octet::kernels {
namespace {

template <class F>
void for_each_element(const QBinaryRows& rows, F&& f) noexcept {
  for (size_t r = 0; r < rows.rows; ++r) {
    const auto row = static_cast<ptrdiff_t>(r);
    const int16_t* a = rows.a + row * rows.a_stride;
    const int16_t* b = rows.b + row * rows.b_stride;
    int16_t* y = rows.y + row * rows.y_stride;
    for (size_t c = 0; c < rows.columns; ++c)
      y[c] = f(a[rows.a_repeats ? 0 : c], b[rows.b_repeats ? 0 : c]);
  }
}

} // namespace

void qs16_add_reference(const QBinaryRows& rows, const QBinaryParams& params) noexcept {
  for_each_element(rows, [&](int32_t a, int32_t b) {
    const float left = static_cast<float>(a) * params.a_scale;
    const float right = static_cast<float>(b) * params.b_scale;
    return round_to_code(left + right, params);
  });
}

void qs16_mul_reference(const QBinaryRows& rows, const QBinaryParams& params) noexcept {
  for_each_element(rows, [&](int32_t a, int32_t b) {
    return round_to_code(static_cast<float>(a * b) * params.a_scale, params);
  });
}

void qs16_accumulate_reference(const int16_t* x, size_t rows, size_t columns,
                               int32_t* sums) noexcept {
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = 0; c < columns; ++c) sums[c] += x[r * columns + c];
}

} // namespace octet::kernels

#include "kernels/dispatch.h"

namespace octet::kernels {

void f32_dot_rows_reference(const RowProductF32& args) noexcept {
  for (size_t r = 0; r < args.rows; ++r) {
    float sum = 0;
    for (size_t c = 0; c < args.columns; ++c) sum += args.matrix[r * args.stride + c] * args.x[c];
    args.y[r] = sum;
  }
}

void f32_sum_rows_reference(const RowProductF32& args) noexcept {
  for (size_t c = 0; c < args.columns; ++c) {
    float sum = 0;
    for (size_t r = 0; r < args.rows; ++r) sum += args.x[r] * args.matrix[r * args.stride + c];
    args.y[c] = sum;
  }
}

} // namespace octet::kernels

#include "kernels/reduce/reduce.h"

#include <limits>

#include "kernels/dispatch.h"

namespace octet::kernels {

float reduce_initial(Reduction op) noexcept {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  switch (op) {
  case Reduction::product:
    return 1;
  case Reduction::max:
    return -kInfinity;
  case Reduction::min:
    return kInfinity;
  default:
    return 0;
  }
}

void reduce_f32(Reduction op, const AxisShape& shape, const float* x, float* y) noexcept {
  const KernelTable& table = kernel_table();
  switch (op) {
  case Reduction::sum:
    return table.reduce_sum_f32(shape, x, y);
  case Reduction::sum_abs:
    return table.reduce_sum_abs_f32(shape, x, y);
  case Reduction::sum_square:
    return table.reduce_sum_square_f32(shape, x, y);
  case Reduction::product:
    return table.reduce_product_f32(shape, x, y);
  case Reduction::max:
    return table.reduce_max_f32(shape, x, y);
  case Reduction::min:
    return table.reduce_min_f32(shape, x, y);
  }
}

} // namespace octet::kernels

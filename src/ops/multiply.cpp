#include "ops/multiply.h"

#include "kernels/eltwise/binary.h"

namespace octet {

void multiply(std::span<const float> values, float factor, float* to) {
  kernels::BinaryNest nest;
  nest.add_inner(values.size(), {1, 0, 1});
  kernels::binary_f32(kernels::Binary::mul, nest, values.data(), &factor, to);
}

} // namespace octet

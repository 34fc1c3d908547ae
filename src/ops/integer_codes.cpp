#include "ops/integer_codes.h"

#include "kernels/qdot/byte_dot.h"

namespace octet {

bool reads_codes(const Node& product, const Tensor& weights) {
  const Shape& shape = weights.shape();
  const bool is_conv = product.op_type.starts_with("Conv");
  if (kernels::byte_dot() == kernels::ByteDot::none) return false;
  if (weights.dtype() != DType::UInt8 && weights.dtype() != DType::Int8) return false;
  if (is_conv ? shape.rank() < 2 || product.attributes.get_int("group", 1) != 1 : shape.rank() != 2)
    return false;
  return (is_conv ? shape[1] : shape[0]) % 2 == 0;
}

} // namespace octet

#include "ops/integer_codes.h"

#include "kernels/qdot/byte_dot.h"

namespace octet {

bool reads_codes(const Node& product, const Tensor& weights) {
  const Shape& shape = weights.shape();
  const bool is_conv = product.op_type.starts_with("Conv");
  if (kernels::byte_dot() == kernels::ByteDot::none) return false;
  if (weights.dtype() != DType::UInt8 && weights.dtype() != DType::Int8) return false;
  if (shape.rank() < 2 || (!is_conv && shape.rank() > 2)) return false;
  const int64_t groups = is_conv ? product.attributes.get_int("group", 1) : 1;
  // Depthwise: those of int8 rarely have zero points, which it could not do.
  if (groups != 1) return groups == shape[0] && shape[1] == 1 && weights.dtype() == DType::Int8;
  return (is_conv ? shape[1] : shape[0]) % 2 == 0;
}

} // namespace octet

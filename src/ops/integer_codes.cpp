#include "ops/integer_codes.h"

#include <algorithm>

#include "kernels/qdot/pack.h"
#include "kernels/winograd/winograd.h"

namespace octet {
namespace {
// Whether the convolution is one for Winograd's transform, which is faster than products in two
// steps, unless its image is small.
bool may_transform(const Node& product, const Shape& weights) {
  if (!product.op_type.starts_with("Conv") || weights.rank() != 4) return false;
  const auto is_one = [&](const char* name) {
    const auto values = product.attributes.get_ints(name);
    return std::all_of(values.begin(), values.end(), [](int64_t value) { return value == 1; });
  };
  constexpr size_t kLargeImage = 64;
  const kernels::ConvShape shape{.in_channels = static_cast<size_t>(weights[1]),
                                 .out_h = kLargeImage,
                                 .out_w = kLargeImage,
                                 .out_channels = static_cast<size_t>(weights[0]),
                                 .kernel_h = static_cast<size_t>(weights[2]),
                                 .kernel_w = static_cast<size_t>(weights[3])};
  return is_one("strides") && is_one("dilations") && kernels::qwinograd_beats_byte_dot(shape);
}

bool in_one_step() {
  return kernels::byte_dot_steps() == kernels::ByteDotSteps::one;
}

// Products in one step take all weights, which are then not read.
bool takes(const Tensor& weights) {
  if (in_one_step()) return true;
  const bool out =
      kernels::dot_takes(weights.bytes(), weights.elements(), weights.dtype() == DType::UInt8);
  weights.data().drop();
  return out;
}
} // namespace

bool reads_codes(const Node& product, const Tensor& weights) {
  const Shape& shape = weights.shape();
  const bool is_conv = product.op_type.starts_with("Conv");
  if (kernels::byte_dot() == kernels::ByteDot::none) return false;
  if (weights.dtype() != DType::UInt8 && weights.dtype() != DType::Int8) return false;
  if (shape.rank() < 2 || (!is_conv && shape.rank() > 2)) return false;
  const int64_t groups = is_conv ? product.attributes.get_int("group", 1) : 1;
  // Depthwise: those of int8 rarely have zero points, which it could not do.
  const bool has_kernel =
      groups == 1
          ? (is_conv ? shape[1] : shape[0]) % 2 == 0 && !may_transform(product, shape)
          : groups == shape[0] && shape[1] == 1 && weights.dtype() == DType::Int8 && in_one_step();
  return has_kernel && takes(weights);
}

} // namespace octet

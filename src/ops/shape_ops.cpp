// Operators that read only the shape of their operand: answered while planning.
#include <algorithm>

#include "ops/op_def.h"

namespace octet {

namespace {
// ONNX Shape: `start` and `end` (since opset 15) are clamped to [0, rank].
void infer_shape(InferContext& ctx) {
  const Shape& shape = ctx.shape(0);
  const auto rank = static_cast<int64_t>(shape.rank());
  const auto clamp = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + rank : i, 0, rank); };
  const int64_t start = clamp(ctx.attributes().get_int("start", 0));
  const int64_t end = std::max(start, clamp(ctx.attributes().get_int("end", rank)));
  ctx.set_output_value(
      0, Tensor::of_dims({shape.dims().data() + start, static_cast<size_t>(end - start)}));
}
} // namespace

extern const OpDef op_shape{.infer = infer_shape};

} // namespace octet

// Cast and CastLike between number types and bool. Floats truncate towards zero; what does not fit
// saturates at 64 bits and then wraps; any number but zero is true.
#include <cstring>

#include "ops/element.h"
#include "ops/elementwise.h"

namespace octet {
namespace {
void infer_cast(InferContext& ctx) {
  const auto to = dtype_from_onnx(ctx.attributes().get_int("to", 0));
  if (!to || *to == DType::Undefined) ctx.fail("attribute 'to' names no element type");
  ctx.set_output(0, *to, ctx.shape(0));
}

void infer_cast_like(InferContext& ctx) {
  ctx.set_output(0, ctx.dtype(1), ctx.shape(0));
}

template <class T>
void is_nonzero(const void* x, size_t n, void* y) noexcept {
  for (size_t i = 0; i < n; ++i) static_cast<int64_t*>(y)[i] = static_cast<const T*>(x)[i] != 0;
}

Kernel prepare_cast(PrepareContext& ctx) {
  const DType from = ctx.dtype(0), to = ctx.output(0).dtype;
  const size_t count = ctx.shape(0).elements();
  if (from == to)
    return [bytes = dtype_bytes(from, count)](const RunContext& run) {
      if (run.outputs[0] != run.inputs[0]) std::memcpy(run.outputs[0], run.inputs[0], bytes);
    };
  const WideType &source = wide_type(ctx, from), &target = wide_type(ctx, to);
  WideConvert convert = wide_convert(source.wide, target.wide);
  if (to == DType::Bool && source.wide == Wide::F32) convert = is_nonzero<float>;
  if (to == DType::Bool && source.wide == Wide::F64) convert = is_nonzero<double>;
  return [=, &source, &target](const RunContext& run) {
    ElementwiseBlock wide, result;
    for (size_t i = 0; i < count; i += kElementwiseBlock) {
      const size_t n = std::min(kElementwiseBlock, count - i);
      source.load(run.input<uint8_t>(0) + i * source.bytes, 1, n, wide.data());
      convert(wide.data(), n, result.data());
      target.store(result.data(), n, run.output<uint8_t>(0) + i * target.bytes);
    }
  };
}
} // namespace

extern const OpDef op_cast{
    .infer = infer_cast, .prepare = prepare_cast, .layout = LayoutRule::Elementwise};
extern const OpDef op_cast_like{.infer = infer_cast_like, .prepare = prepare_cast};

} // namespace octet

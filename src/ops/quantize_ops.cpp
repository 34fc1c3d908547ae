// Between real and quantized numbers: QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear, and
// the lowered DynamicQuantize, which yields what integer kernels read.
#include <array>

#include "kernels/convert/convert.h"
#include "ops/element.h"
#include "ops/quantize_any.h"

namespace octet {
namespace {
using kernels::QType;

// Of the codes that kernels know.
std::optional<QType> code_type(DType dtype) {
  switch (dtype) {
  case DType::UInt8:
    return QType::u8;
  case DType::Int8:
    return QType::s8;
  case DType::UInt16:
    return QType::u16;
  case DType::Int16:
    return QType::s16;
  case DType::Int32:
    return QType::s32;
  default:
    return std::nullopt;
  }
}

// Whether there is a kernel for real numbers of a type, and no blocks.
bool has_kernel(const NodeContext& ctx, DType real, std::optional<QType> codes) {
  return codes && real == DType::Float32 && ctx.dtype(1) == DType::Float32 &&
         ctx.attributes().get_int("block_size", 0) == 0;
}

// Scale and zero point are inputs 1 and 2: of one element, or of as many as the axis is long.
kernels::QuantAxis quant_axis(const NodeContext& ctx) {
  const Shape& x = ctx.shape(0);
  const size_t scales = ctx.shape(1).elements();
  if (ctx.has_input(2) && ctx.shape(2).elements() != scales)
    ctx.fail(ctx.shape(2).elements(), " zero points for ", scales, " scales");
  if (scales == 1) return {.inner = x.elements()};
  const size_t axis = ctx.normalize_axis(ctx.attributes().get_int("axis", 1), x.rank());
  if (scales != dim(x, axis)) ctx.fail(scales, " scales for an axis of ", x[axis]);
  return {.outer = x.elements(0, axis), .axis = scales, .inner = x.elements(axis + 1, x.rank())};
}

void infer_quantize(InferContext& ctx) {
  const auto declared = dtype_from_onnx(ctx.attributes().get_int("output_dtype", 0));
  const DType named = declared.value_or(DType::Undefined);
  const DType code = ctx.has_input(2)            ? ctx.dtype(2)
                     : named == DType::Undefined ? DType::UInt8
                                                 : named;
  ctx.set_output(0, code, ctx.shape(0));
}

Kernel prepare_quantize(PrepareContext& ctx) {
  const auto type = code_type(ctx.output(0).dtype);
  if (!has_kernel(ctx, ctx.dtype(0), type) || type == QType::s32) return prepare_quantize_any(ctx);
  return [axes = quant_axis(ctx), type = *type, count = ctx.shape(0).elements(),
          has_zero = ctx.has_input(2)](const RunContext& run) {
    kernels::QuantAxis given = axes;
    given.scale = run.input<float>(1);
    given.zero_point = has_zero ? run.inputs[2] : nullptr;
    run.workers.split(count, kElementGrain, kElementCost, [&](size_t begin, size_t end, size_t) {
      kernels::quantize_linear(given, run.input<float>(0), type, run.outputs[0], begin, end);
    });
  };
}

void infer_dequantize(InferContext& ctx) {
  const auto named = dtype_from_onnx(ctx.attributes().get_int("output_dtype", 0));
  const bool is_named = named.value_or(DType::Undefined) != DType::Undefined;
  ctx.set_output(0, is_named ? *named : ctx.dtype(1), ctx.shape(0));
}

Kernel prepare_dequantize(PrepareContext& ctx) {
  const auto type = code_type(ctx.dtype(0));
  if (!has_kernel(ctx, ctx.output(0).dtype, type)) return prepare_dequantize_any(ctx);
  return [axes = quant_axis(ctx), type = *type, count = ctx.shape(0).elements(),
          has_zero = ctx.has_input(2)](const RunContext& run) {
    kernels::QuantAxis given = axes;
    given.scale = run.input<float>(1);
    given.zero_point = has_zero ? run.inputs[2] : nullptr;
    run.workers.split(count, kElementGrain, kElementCost, [&](size_t begin, size_t end, size_t) {
      kernels::dequantize_linear(given, run.inputs[0], type, run.output<float>(0), begin, end);
    });
  };
}

kernels::DynamicQuantParams dynamic_params(const RunContext& run, size_t count) {
  std::array<kernels::ValueRange, Workers::kMaxCount> ranges{};
  run.workers.split(
      count, kElementGrain, kElementCost / 4, [&](size_t begin, size_t end, size_t worker) {
        const auto range = kernels::value_range(run.input<float>(0) + begin, end - begin);
        ranges[worker] = kernels::merge(ranges[worker], range);
      });
  kernels::ValueRange all;
  for (size_t i = 0; i < run.workers.count; ++i) all = kernels::merge(all, ranges[i]);
  return kernels::choose_dynamic_params(all);
}

void check_float_input(const PrepareContext& ctx) {
  if (ctx.dtype(0) != DType::Float32) ctx.unsupported("data of type ", dtype_name(ctx.dtype(0)));
}

void infer_dynamic_quantize_linear(InferContext& ctx) {
  ctx.set_output(0, DType::UInt8, ctx.shape(0));
  ctx.set_output(1, DType::Float32, {});
  ctx.set_output(2, DType::UInt8, {});
}

Kernel prepare_dynamic_quantize_linear(PrepareContext& ctx) {
  check_float_input(ctx);
  return [count = ctx.shape(0).elements()](const RunContext& run) {
    const auto params = dynamic_params(run, count);
    if (run.outputs[0])
      run.workers.split(count, kElementGrain, kElementCost, [&](size_t begin, size_t end, size_t) {
        kernels::quantize_u8(run.input<float>(0) + begin, end - begin, params,
                             run.output<uint8_t>(0) + begin);
      });
    if (run.outputs[1]) *run.output<float>(1) = params.scale;
    if (run.outputs[2]) *run.output<uint8_t>(2) = params.zero_point;
  };
}

void infer_dynamic_quantize(InferContext& ctx) {
  ctx.set_output(0, DType::Int16, ctx.shape(0));
  ctx.set_output(1, DType::Float32, {});
}

Kernel prepare_dynamic_quantize(PrepareContext& ctx) {
  check_float_input(ctx);
  return [count = ctx.shape(0).elements()](const RunContext& run) {
    const auto params = dynamic_params(run, count);
    run.workers.split(count, kElementGrain, kElementCost, [&](size_t begin, size_t end, size_t) {
      kernels::quantize_s16(run.input<float>(0) + begin, end - begin, params,
                            run.output<int16_t>(0) + begin);
    });
    *run.output<float>(1) = params.scale;
  };
}
} // namespace

extern const OpDef op_quantize_linear{
    .infer = infer_quantize, .prepare = prepare_quantize, .layout = LayoutRule::Elementwise};
extern const OpDef op_dequantize_linear{
    .infer = infer_dequantize, .prepare = prepare_dequantize, .layout = LayoutRule::Elementwise};
// Spelled out as those of ONNX (passes/spell_out.h). In the branch of an If, where that happens
// when it is known to run, shapes must show before: else they would be found at each run.
extern const OpDef op_microsoft_quantize_linear{.infer = infer_quantize};
extern const OpDef op_microsoft_dequantize_linear{.infer = infer_dequantize};
extern const OpDef op_dynamic_quantize_linear{.infer = infer_dynamic_quantize_linear,
                                              .prepare = prepare_dynamic_quantize_linear,
                                              .layout = LayoutRule::Elementwise};
extern const OpDef op_dynamic_quantize{.infer = infer_dynamic_quantize,
                                       .prepare = prepare_dynamic_quantize,
                                       .layout = LayoutRule::Elementwise};

} // namespace octet

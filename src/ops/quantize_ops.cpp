// Between real and quantized numbers: QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear, and
// the lowered DynamicQuantize, which yields what integer kernels read.
#include <array>

#include "kernels/convert/convert.h"
#include "ops/element.h"

namespace octet {
namespace {
using kernels::QType;

QType code_type(const NodeContext& ctx, DType dtype) {
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
    ctx.unsupported("codes of type ", dtype_name(dtype));
  }
}

// Scale and zero point are inputs 1 and 2: of one element, or of as many as the axis is long.
kernels::QuantAxis quant_axis(const NodeContext& ctx) {
  const Shape& x = ctx.shape(0);
  const size_t scales = ctx.shape(1).elements();
  if (ctx.attributes().get_int("block_size", 0) != 0) ctx.unsupported("blocks along an axis");
  if (ctx.dtype(1) != DType::Float32) ctx.unsupported("a scale of type ", dtype_name(ctx.dtype(1)));
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
  if (ctx.dtype(0) != DType::Float32) ctx.unsupported("data of type ", dtype_name(ctx.dtype(0)));
  const QType type = code_type(ctx, ctx.output(0).dtype);
  if (type == QType::s32) ctx.fail("int32 codes");
  return [axes = quant_axis(ctx), type, count = ctx.shape(0).elements(),
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
  ctx.set_output(0, DType::Float32, ctx.shape(0));
}

// Codes of 4 bits, and scales in blocks along an axis: for constants, which are dequantized once.
// x is seen as [outer, axis, inner]; the scale of (o, a, i) is at o · outer_step +
// a / block · axis_step + i · inner_step.
struct BlockScales {
  size_t outer = 1, axis = 1, inner = 1, block = 1;
  size_t outer_step = 0, axis_step = 0, inner_step = 0;
};

BlockScales block_scales(const NodeContext& ctx) {
  const int64_t block = ctx.attributes().get_int("block_size", 0);
  if (block == 0) {
    const kernels::QuantAxis plain = quant_axis(ctx);
    return {.outer = plain.outer, .axis = plain.axis, .inner = plain.inner, .axis_step = 1};
  }
  const Shape &x = ctx.shape(0), &scale = ctx.shape(1);
  if (block < 0 || block > INT32_MAX) ctx.fail("block_size is ", block);
  if (ctx.dtype(1) != DType::Float32) ctx.unsupported("a scale of type ", dtype_name(ctx.dtype(1)));
  const size_t axis = ctx.normalize_axis(ctx.attributes().get_int("axis", 1), x.rank());
  Shape expected = x;
  expected[axis] = x[axis] / block + (x[axis] % block != 0 ? 1 : 0);
  if (scale != expected || (ctx.has_input(2) && ctx.shape(2) != expected))
    ctx.fail("scales of shape ", to_string(scale), " for blocks of ", block, " along axis ", axis,
             " of ", to_string(x), ", which want ", to_string(expected));
  const size_t inner = x.elements(axis + 1, x.rank());
  return {.outer = x.elements(0, axis),
          .axis = dim(x, axis),
          .inner = inner,
          .block = static_cast<size_t>(block),
          .outer_step = dim(expected, axis) * inner,
          .axis_step = inner,
          .inner_step = 1};
}

using ReadCode = int32_t (*)(const void* codes, size_t i);

template <class T>
int32_t read_code(const void* codes, size_t i) {
  return static_cast<const T*>(codes)[i];
}
int32_t read_u4(const void* codes, size_t i) {
  return static_cast<const uint8_t*>(codes)[i / 2] >> (i % 2 * 4) & 15;
}
int32_t read_s4(const void* codes, size_t i) {
  return (read_u4(codes, i) ^ 8) - 8;
}

ReadCode code_reader(const NodeContext& ctx) {
  switch (ctx.dtype(0)) {
  case DType::UInt4:
    return read_u4;
  case DType::Int4:
    return read_s4;
  case DType::UInt8:
    return read_code<uint8_t>;
  case DType::Int8:
    return read_code<int8_t>;
  default:
    ctx.unsupported("blocks of codes of type ", dtype_name(ctx.dtype(0)));
  }
}

Kernel prepare_block_dequantize(PrepareContext& ctx) {
  if (ctx.has_input(2) && ctx.dtype(2) != ctx.dtype(0))
    ctx.fail("zero points of type ", dtype_name(ctx.dtype(2)), " for codes of type ",
             dtype_name(ctx.dtype(0)));
  return [s = block_scales(ctx), read = code_reader(ctx),
          has_zero = ctx.has_input(2)](const RunContext& run) {
    const auto* scale = run.input<float>(1);
    auto* y = run.output<float>(0);
    size_t x = 0;
    for (size_t o = 0; o < s.outer; ++o)
      for (size_t a = 0; a < s.axis; ++a)
        for (size_t i = 0; i < s.inner; ++i, ++x) {
          const size_t at = o * s.outer_step + a / s.block * s.axis_step + i * s.inner_step;
          const int32_t zero = has_zero ? read(run.inputs[2], at) : 0;
          y[x] = static_cast<float>(read(run.inputs[0], x) - zero) * scale[at];
        }
  };
}

Kernel prepare_dequantize(PrepareContext& ctx) {
  if (ctx.attributes().get_int("block_size", 0) != 0 || dtype_bits(ctx.dtype(0)) == 4)
    return prepare_block_dequantize(ctx);
  return [axes = quant_axis(ctx), type = code_type(ctx, ctx.dtype(0)),
          count = ctx.shape(0).elements(), has_zero = ctx.has_input(2)](const RunContext& run) {
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
extern const OpDef op_dynamic_quantize_linear{.infer = infer_dynamic_quantize_linear,
                                              .prepare = prepare_dynamic_quantize_linear,
                                              .layout = LayoutRule::Elementwise};
extern const OpDef op_dynamic_quantize{.infer = infer_dynamic_quantize,
                                       .prepare = prepare_dynamic_quantize,
                                       .layout = LayoutRule::Elementwise};

} // namespace octet

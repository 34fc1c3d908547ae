// Integer convolutions: ConvInteger, QLinearConv, and the lowered ConvIntegerToFloat and
// ConvIntegerToCodes, which add scale, bias and activation. All run channels-last.
#include "kernels/qconv/qconv.h"
#include "kernels/qdot/pack.h"
#include "kernels/qdwconv/qdwconv.h"
#include "kernels/winograd/winograd.h"
#include "ops/activation.h"
#include "ops/integer_any.h"
#include "ops/integer_operands.h"
#include "ops/scratch_layout.h"
#include "ops/window_geometry.h"

namespace octet {
namespace {
using kernels::ConvShape;

struct ConvFamily {
  size_t (*scratch_bytes)(const ConvShape&) noexcept; // of one worker
  void (*run)(const kernels::QConv&, size_t, size_t, void*) noexcept;
};
constexpr ConvFamily kDense{kernels::qconv_scratch_bytes, kernels::qconv};
constexpr ConvFamily kDepthwise{kernels::qdwconv_scratch_bytes, kernels::qdwconv};
constexpr ConvFamily kWinograd{kernels::qwinograd_scratch_bytes, kernels::qwinograd};

// Whether the largest of each 2x2 pixels is the result (passes/fuse_pool).
bool pools(const NodeContext& ctx) {
  return ctx.attributes().get_int("pool", 0) != 0;
}

Shape output_shape(const NodeContext& ctx) {
  Shape shape = conv_geometry(ctx, 1).output;
  if (!pools(ctx)) return shape;
  if (shape.rank() != 4) ctx.unsupported("pooling of ", shape.rank(), " dims");
  shape[1] /= 2;
  shape[2] /= 2;
  return shape;
}

struct IntegerConv {
  IntegerConv(PrepareContext& ctx, size_t x_zero, size_t w_input, size_t w_zero)
      : geometry(conv_geometry(ctx, w_input)), x(ctx, 0, x_zero), pools(octet::pools(ctx)) {
    if (is_empty()) return;
    shape = geometry.kernel_shape(ctx);
    const Tensor* w = ctx.constant(w_input);
    if (!w) ctx.unsupported("weights that are not constant");
    const Tensor* w_zeros = ctx.has_input(w_zero) ? ctx.constant(w_zero) : nullptr;
    if (ctx.has_input(w_zero) && !w_zeros)
      ctx.unsupported("a zero point of weights that is not constant");
    zero = column_zero_points(ctx, w_input, w_zero, shape.out_channels);
    if (geometry.is_depthwise())
      pack_depthwise(ctx, *w, w_input, w_zeros);
    else
      pack_dense(ctx, *w, w_input);
    if (pools && !(kernels::qconv_pools(shape) && zero.empty()))
      ctx.unsupported("pooling behind this convolution");
    ScratchLayout scratch;
    x_scratch = scratch.reserve(x.scratch_bytes());
    column_scratch = scratch.reserve(byte_dot.scratch_bytes());
    if (family == &kWinograd)
      winograd_scratch = scratch.reserve(kernels::qwinograd_weight_bytes(shape));
    worker_bytes = aligned_scratch(family->scratch_bytes(shape));
    worker_scratch = scratch.reserve(checked_mul(worker_bytes, ctx.worker_count()));
    ctx.request_scratch(scratch.bytes());
  }

  void pack_depthwise(PrepareContext& ctx, const Tensor& w, size_t w_input, const Tensor* w_zeros) {
    family = &kDepthwise;
    const bool has_kernel = kernels::byte_dot_steps() == kernels::ByteDotSteps::one;
    if (!has_kernel || !x.has_codes() || !zero.empty())
      return pack_centered(ctx, w, w_input, w_zeros);
    byte_dot = ByteDotWeights(ctx, w_input, zero,
                              {.columns = shape.out_channels,
                               .column_codes = kernels::tap_count(shape),
                               .packed_bytes = kernels::packed_dot_dwconv_weight_bytes(shape)},
                              [&](const uint8_t* source, int8_t* to, int32_t* sums) {
                                kernels::pack_dot_dwconv_weights(
                                    shape, source, is_unsigned_code(ctx, w_input), to, sums);
                              });
    if (!byte_dot) pack_centered(ctx, w, w_input, w_zeros);
  }

  void pack_dense(PrepareContext& ctx, const Tensor& w, size_t w_input) {
    if (!kernels::qwinograd_beats_byte_dot(shape) && pack_byte_dot(ctx, w_input)) return;
    if (!pools && !x.is_wide() && kernels::qwinograd_pays(shape)) family = &kWinograd;
    packed = ctx.packed(w_input, concat("qconv/", shape.groups), [&] {
      Buffer out(kernels::packed_conv_weight_bytes(shape));
      kernels::pack_conv_weights(shape, w.bytes(), is_unsigned_code(ctx, w_input), out.data());
      return out;
    });
  }

  // Then the shape counts pairs of channels.
  bool pack_byte_dot(PrepareContext& ctx, size_t w_input) {
    if (shape.groups != 1 || shape.in_channels % 2 != 0 || !x.has_codes()) return false;
    ConvShape pairs = shape;
    pairs.in_channels /= 2;
    byte_dot = ByteDotWeights(ctx, w_input, zero,
                              {.columns = shape.out_channels,
                               .column_codes = shape.in_channels * shape.kernel_h * shape.kernel_w,
                               .packed_bytes = kernels::packed_dot_conv_weight_bytes(pairs)},
                              [&](const uint8_t* source, int8_t* to, int32_t* sums) {
                                kernels::pack_dot_conv_weights(
                                    pairs, source, is_unsigned_code(ctx, w_input), to, sums);
                              });
    if (byte_dot) shape = pairs;
    return static_cast<bool>(byte_dot);
  }

  // The depthwise kernels of int16 read weights without zero points, which packing subtracts.
  void pack_centered(PrepareContext& ctx, const Tensor& w, size_t w_input, const Tensor* w_zeros) {
    const bool per_channel = w_zeros && w_zeros->elements() != 1;
    if (per_channel && w_zeros->elements() != shape.out_channels)
      ctx.fail(w_zeros->elements(), " zero points for ", shape.out_channels, " channels");
    zero.clear();
    packed = ctx.packed(w_input, "qdwconv", [&] {
      Buffer out(kernels::packed_dwconv_weight_bytes(shape));
      kernels::pack_dwconv_weights(shape, w.bytes(), is_unsigned_code(ctx, w_input),
                                   w_zeros ? w_zeros->bytes() : nullptr, per_channel, out.data());
      return out;
    });
  }

  void run(const RunContext& context, kernels::QOutput output, kernels::QOutputParams params,
           const FusedActivation& activation) const noexcept {
    params.w_zero = data_or_null(zero);
    kernels::QConv conv{.shape = shape,
                        .x_stride = shape.in_channels,
                        .y = context.outputs[0],
                        .y_stride = shape.out_channels,
                        .pools = pools,
                        .wide = x.is_wide(),
                        .output = output};
    if (byte_dot) {
      const int32_t x_zero = x.code_zero(context);
      byte_dot.set(params, x_zero, context.scratch + column_scratch);
      conv.byte_dot = true;
      conv.padding = static_cast<int16_t>((x_zero & 255) * 257);
      conv.x = x.codes(context, context.scratch + x_scratch);
      conv.w = byte_dot.data();
    } else {
      conv.x = x.widen(context, context.scratch + x_scratch);
      conv.w = packed->data();
    }
    conv.params = params;
    MatrixSplit split = pixel_split(shape);
    if (pools) split.rows = shape.batch * (shape.out_h / 2) * (shape.out_w / 2);
    if (family == &kWinograd) {
      split.keep_rows(kernels::winograd_grain(shape));
      transform_weights(context, conv);
    }
    run_activated(context.workers, split, activation, context.output<float>(0),
                  [&](const MatrixBlock& block, size_t worker) {
                    family->run(kernels::channels_of(conv, block.column_begin, block.column_end),
                                block.row_begin, block.row_end,
                                context.scratch + worker_scratch + worker * worker_bytes);
                  });
  }

  void transform_weights(const RunContext& context, kernels::QConv& conv) const noexcept {
    uint8_t* const transformed = context.scratch + winograd_scratch;
    context.workers.split(shape.out_channels, kernels::kPanelWidth,
                          kernels::winograd_weight_cost(shape),
                          [&](size_t begin, size_t end, size_t) {
                            kernels::transform_qwinograd_weights(conv, begin, end, transformed);
                          });
    conv.w = transformed;
    conv.params.w_zero = nullptr;
  }

  ProductSize size() const {
    const size_t inputs = geometry.in_channels / shape.groups;
    return {shape.out_channels, kernels::tap_count(shape) * inputs};
  }
  bool is_empty() const { return geometry.output.elements() == 0; }

  ConvGeometry geometry;
  ConvShape shape;
  const ConvFamily* family = &kDense;
  IntegerActivation x;
  bool pools;
  std::shared_ptr<const Buffer> packed;
  ByteDotWeights byte_dot;   // instead of packed, where it has weights
  std::vector<int32_t> zero; // of dense weights
  size_t x_scratch = 0, column_scratch = 0, winograd_scratch = 0, worker_scratch = 0;
  size_t worker_bytes = 0; // of worker_scratch
};

// (x, w, x_zero, w_zero)
void infer_conv_integer(InferContext& ctx) {
  ctx.set_output(0, DType::Int32, conv_geometry(ctx, 1).output);
}

Kernel prepare_conv_integer(PrepareContext& ctx) {
  IntegerConv conv(ctx, 2, 1, 3);
  if (conv.is_empty()) return do_nothing();
  return [conv = std::move(conv)](const RunContext& run) {
    conv.run(run, kernels::QOutput::i32, {}, {});
  };
}

// (x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias)
void infer_qlinear_conv(InferContext& ctx) {
  ctx.set_output(0, ctx.dtype(7), conv_geometry(ctx, 3).output);
}

std::vector<int32_t> integer_bias(const PrepareContext& ctx, size_t input, size_t columns) {
  if (!ctx.has_input(input)) return {};
  const Tensor* bias = ctx.constant(input);
  if (!bias || bias->dtype() != DType::Int32 || bias->elements() != columns)
    ctx.unsupported("the bias is not ", columns, " int32 constants");
  std::vector<int32_t> out(kernels::column_capacity(columns), 0);
  std::copy_n(bias->values<int32_t>().begin(), columns, out.begin());
  return out;
}

Kernel prepare_qlinear_conv(PrepareContext& ctx) {
  IntegerConv conv(ctx, 2, 3, 5);
  if (conv.is_empty()) return do_nothing();
  const ProductSize size = conv.size();
  auto bias = integer_bias(ctx, 8, size.columns);
  Requantize requantize = requantize_params(ctx, 1, 4, 6, 7, size, bias);
  return [conv = std::move(conv), requantize = std::move(requantize),
          bias = std::move(bias)](const RunContext& run) {
    kernels::QOutputParams params{.bias = data_or_null(bias)};
    requantize.set(params);
    conv.run(run, requantize.output, params, {});
  };
}

// (x, w, x_scale, w_scale, x_zero, w_zero, bias)
void infer_conv_to_float(InferContext& ctx) {
  ctx.set_output(0, DType::Float32, output_shape(ctx));
}

Kernel prepare_conv_to_float(PrepareContext& ctx) {
  IntegerConv conv(ctx, 4, 1, 5);
  if (conv.is_empty()) return do_nothing();
  ToFloat finish = to_float_params(ctx, conv.shape.out_channels);
  return [conv = std::move(conv), finish = std::move(finish)](const RunContext& run) {
    conv.run(run, kernels::QOutput::f32, finish.params(run), finish.activation);
  };
}

// The same; the result are codes or bytes.
void infer_conv_to_codes(InferContext& ctx) {
  ctx.set_output(0, to_codes_type(ctx), output_shape(ctx));
}

Kernel prepare_conv_to_codes(PrepareContext& ctx) {
  IntegerConv conv(ctx, 4, 1, 5);
  if (conv.is_empty()) return do_nothing();
  ToCodes finish = to_codes_params(ctx, conv.size());
  return [conv = std::move(conv), finish = std::move(finish)](const RunContext& run) {
    conv.run(run, finish.output, finish.params(), {});
  };
}
} // namespace

extern const OpDef op_conv_integer{.infer = infer_conv_integer,
                                   .prepare = prepare_conv_integer_any};
extern const OpDef op_lowered_conv_integer{.infer = infer_conv_integer,
                                           .prepare = prepare_conv_integer};
extern const OpDef op_qlinear_conv{.infer = infer_qlinear_conv,
                                   .prepare = prepare_qlinear_conv_any};
extern const OpDef op_lowered_qlinear_conv{.infer = infer_qlinear_conv,
                                           .prepare = prepare_qlinear_conv};
extern const OpDef op_conv_integer_to_float{.infer = infer_conv_to_float,
                                            .prepare = prepare_conv_to_float};
extern const OpDef op_conv_integer_to_codes{.infer = infer_conv_to_codes,
                                            .prepare = prepare_conv_to_codes};

} // namespace octet

#include "ops/elementwise.h"

#include "ops/element.h"
#include "ops/split_nest.h"

namespace octet {
void infer_same(InferContext& ctx) {
  ctx.pass_through();
}

Kernel unary_kernel(PrepareContext& ctx, const UnaryOp& op) {
  const WideType& type = wide_type(ctx, ctx.dtype(0));
  const UnaryFn function = op.functions[static_cast<int>(type.wide)];
  if (!function) ctx.unsupported("elements of type ", dtype_name(ctx.dtype(0)));
  std::array<float, kMaxUnaryParams> params{};
  for (size_t i = 0; i < params.size(); ++i)
    if (const auto& [attribute, fallback] = op.params[i]; attribute)
      params[i] = ctx.attributes().get_float(attribute, fallback);
  const size_t count = ctx.shape(0).elements();
  return [=, &type](const RunContext& run) {
    run.workers.split(count, kElementGrain, kFunctionCost, [&](size_t begin, size_t end, size_t) {
      map_blocks(type, run.input<uint8_t>(0) + begin * type.bytes,
                 run.output<uint8_t>(0) + begin * type.bytes, end - begin,
                 [&](const void* x, void* y, size_t n) { function(x, y, n, params.data()); });
    });
  };
}

BinaryLoop::BinaryLoop(const NodeContext& ctx, const BinaryOp& op, Wide compute, Operand a,
                       Operand b, Operand out)
    : function_(op.functions[static_cast<int>(compute)]),
      nest_(broadcast_nest<3>({a.shape, b.shape}, *out.shape)) {
  if (!function_) ctx.unsupported("elements of type ", dtype_name(a.dtype));
  for (size_t i = 0; i < 2; ++i) {
    const WideType& type = wide_type(ctx, i == 0 ? a.dtype : b.dtype);
    sources_[i] = {&type, type.wide == compute ? nullptr : wide_convert(type.wide, compute)};
    direct_ = direct_ && type.is_native && !sources_[i].convert;
  }
  if (!op.is_predicate) {
    out_ = &wide_type(ctx, out.dtype);
    if (out_->wide != compute) convert_out_ = wide_convert(compute, out_->wide);
    direct_ = direct_ && out_->is_native && !convert_out_;
  }
  if (direct_ && compute == Wide::F32) kernel_ = op.kernel;
}

const void* BinaryLoop::fetch(size_t operand, const uint8_t* x, size_t n, bool repeats,
                              void* block) const noexcept {
  const auto& [type, convert] = sources_[operand];
  if (type->is_native && !repeats && !convert) return x;
  if (!convert) {
    type->load(x, repeats ? 0 : 1, n, block);
    return block;
  }
  ElementwiseBlock wide;
  type->load(x, repeats ? 0 : 1, n, wide.data());
  convert(wide.data(), n, block);
  return block;
}

void BinaryLoop::operator()(const Workers& workers, const void* a, const void* b,
                            void* y) const noexcept {
  if (!kernel_) return run_blocks(a, b, y);
  const auto out_bytes = static_cast<ptrdiff_t>(out_ ? out_->bytes : 1);
  split_nest(workers, nest_, kElementCost,
             [&](const kernels::BinaryNest& nest, const kernels::BinaryNest::Offsets& at) {
               kernels::binary_f32(*kernel_, nest, static_cast<const float*>(a) + at[0],
                                   static_cast<const float*>(b) + at[1],
                                   static_cast<uint8_t*>(y) + at[2] * out_bytes);
             });
}

void BinaryLoop::run_blocks(const void* a, const void* b, void* y) const noexcept {
  kernels::BinaryNest outer = nest_;
  const auto run = outer.take_inner();
  const std::array bases{static_cast<const uint8_t*>(a), static_cast<const uint8_t*>(b)};
  const size_t out_bytes = out_ ? out_->bytes : 1;
  std::array<ElementwiseBlock, 2> blocks;
  ElementwiseBlock result;
  outer.for_each([&](const kernels::BinaryNest::Offsets& at) {
    std::array<const uint8_t*, 2> x;
    for (size_t i = 0; i < 2; ++i)
      x[i] = bases[i] + at[i] * static_cast<ptrdiff_t>(sources_[i].type->bytes);
    auto* to = static_cast<uint8_t*>(y) + at[2] * static_cast<ptrdiff_t>(out_bytes);
    if (direct_ && run.strides[0] == 1 && run.strides[1] == 1)
      return function_(x[0], x[1], to, run.size);
    std::array<const void*, 2> wide;
    for (size_t begin = 0; begin < run.size; begin += kElementwiseBlock) {
      const size_t n = std::min(kElementwiseBlock, run.size - begin);
      for (size_t i = 0; i < 2; ++i) {
        const bool repeats = run.strides[i] == 0;
        if (repeats && begin != 0) continue; // the block still holds the repeated element
        wide[i] = fetch(i, x[i] + begin * sources_[i].type->bytes, n, repeats, blocks[i].data());
      }
      uint8_t* target = to + begin * out_bytes;
      if (!out_ || (out_->is_native && !convert_out_)) {
        function_(wide[0], wide[1], target, n);
        continue;
      }
      function_(wide[0], wide[1], result.data(), n);
      if (convert_out_) convert_out_(result.data(), n, result.data());
      out_->store(result.data(), n, target);
    }
  });
}

Shape broadcast_inputs(const InferContext& ctx) {
  Shape out = ctx.shape(0);
  try {
    for (size_t i = 1; i < ctx.input_count(); ++i) out = broadcast_shapes(out, ctx.shape(i));
  } catch (const Error& error) {
    fail(error.code(), ctx.describe_node(), ": ", error.message());
  }
  return out;
}

namespace {
void check_one_type(const InferContext& ctx) {
  for (size_t i = 1; i < ctx.input_count(); ++i)
    if (ctx.dtype(i) != ctx.dtype(0))
      ctx.fail("input ", i, " is ", dtype_name(ctx.dtype(i)), ", but input 0 is ",
               dtype_name(ctx.dtype(0)));
}
} // namespace

// Before version 7 `axis` said which axis of the first operand the second one's first axis is.
void check_old_axis(const NodeContext& ctx) {
  if (ctx.opset() >= 7 || !ctx.attributes().has("axis")) return;
  const size_t rank = ctx.shape(0).rank();
  const size_t axis = ctx.normalize_axis(ctx.attributes().get_int("axis", 0), rank);
  if (axis + ctx.shape(1).rank() != rank) ctx.unsupported("broadcasting along axis ", axis);
}

void infer_broadcast(InferContext& ctx) {
  check_old_axis(ctx);
  check_one_type(ctx);
  ctx.set_output(0, ctx.dtype(0), broadcast_inputs(ctx));
}

void infer_predicate(InferContext& ctx) {
  check_one_type(ctx);
  ctx.set_output(0, DType::Bool, broadcast_inputs(ctx));
}

Kernel binary_kernel(PrepareContext& ctx, const BinaryOp& op) {
  const Wide wide = wide_type(ctx, ctx.dtype(0)).wide;
  return [loop = BinaryLoop(ctx, op, wide, {ctx.dtype(0), &ctx.shape(0)},
                            {ctx.dtype(1), &ctx.shape(1)},
                            {ctx.output(0).dtype, &ctx.output_shape(0)})](const RunContext& run) {
    loop(run.workers, run.inputs[0], run.inputs[1], run.outputs[0]);
  };
}

} // namespace octet

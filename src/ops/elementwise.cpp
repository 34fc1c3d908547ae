#include "ops/elementwise.h"

#include "ops/element.h"

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
    map_blocks(type, run.inputs[0], run.outputs[0], count,
               [&](const void* x, void* y, size_t n) { function(x, y, n, params.data()); });
  };
}

BinaryLoop::BinaryLoop(const NodeContext& ctx, const BinaryOp& op, Wide compute, Operand a,
                       Operand b, Operand out)
    : function_(op.functions[static_cast<int>(compute)]), out_(nullptr), convert_out_(nullptr),
      broadcast_(*out.shape, std::array{a.shape, b.shape}) {
  if (!function_) ctx.unsupported("elements of type ", dtype_name(a.dtype));
  direct_ = true;
  for (size_t i = 0; i < 2; ++i) {
    const WideType& type = wide_type(ctx, i == 0 ? a.dtype : b.dtype);
    sources_[i] = {&type, type.wide == compute ? nullptr : wide_convert(type.wide, compute)};
    direct_ = direct_ && type.is_native && !sources_[i].convert;
  }
  if (op.is_predicate) return;
  out_ = &wide_type(ctx, out.dtype);
  if (out_->wide != compute) convert_out_ = wide_convert(compute, out_->wide);
  direct_ = direct_ && out_->is_native && !convert_out_;
}

const void* BinaryLoop::fetch(size_t operand, const uint8_t* x, size_t n,
                              void* block) const noexcept {
  const auto& [type, convert] = sources_[operand];
  const size_t stride = broadcast_.run_stride(operand);
  if (type->is_native && stride == 1 && !convert) return x;
  if (!convert) {
    type->load(x, stride, n, block);
    return block;
  }
  ElementwiseBlock wide;
  type->load(x, stride, n, wide.data());
  convert(wide.data(), n, block);
  return block;
}

void BinaryLoop::operator()(const void* a, const void* b, void* y) const noexcept {
  const std::array bases{static_cast<const uint8_t*>(a), static_cast<const uint8_t*>(b)};
  auto* out = static_cast<uint8_t*>(y);
  const size_t out_bytes = out_ ? out_->bytes : 1;
  const size_t length = broadcast_.run_length();
  std::array<ElementwiseBlock, 2> blocks;
  ElementwiseBlock result;
  broadcast_.for_each_run([&](size_t out_offset, const Broadcast::Offsets& offsets) {
    std::array<const uint8_t*, 2> x;
    for (size_t i = 0; i < 2; ++i) x[i] = bases[i] + offsets[i] * sources_[i].type->bytes;
    uint8_t* to = out + out_offset * out_bytes;
    const bool contiguous = broadcast_.run_stride(0) == 1 && broadcast_.run_stride(1) == 1;
    if (direct_ && contiguous) return function_(x[0], x[1], to, length);
    std::array<const void*, 2> wide;
    for (size_t begin = 0; begin < length; begin += kElementwiseBlock) {
      const size_t n = std::min(kElementwiseBlock, length - begin);
      for (size_t i = 0; i < 2; ++i) {
        const bool repeats = broadcast_.run_stride(i) == 0;
        if (repeats && begin != 0) continue; // the block still holds the repeated element
        wide[i] =
            fetch(i, x[i] + (repeats ? 0 : begin * sources_[i].type->bytes), n, blocks[i].data());
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

void infer_broadcast(InferContext& ctx) {
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
    loop(run.inputs[0], run.inputs[1], run.outputs[0]);
  };
}

} // namespace octet

// Cast and CastLike between number types, bool and strings (ops/strings.h). Floats truncate towards
// zero; what does not fit saturates at 64 bits and then wraps; any number but zero is true. BitCast
// keeps the bits.
#include <cstring>

#include "base/minifloat.h"
#include "ops/element.h"
#include "ops/elementwise.h"
#include "ops/strings.h"

namespace octet {
namespace {
// CastLike's is that of its second operand.
DType target_dtype(const NodeContext& ctx) {
  if (ctx.has_input(1)) return ctx.dtype(1);
  const auto to = dtype_from_onnx(ctx.attributes().get_int("to", 0));
  if (!to || *to == DType::Undefined) ctx.fail("attribute 'to' names no element type");
  return *to;
}

MiniRounding rounding_of(const NodeContext& ctx) {
  const std::string mode = ctx.attributes().get_string("round_mode", "up");
  if (mode == "down") return MiniRounding::Down;
  if (mode == "nearest") return MiniRounding::Nearest;
  if (mode != "up") ctx.fail("attribute 'round_mode' is '", mode, "'");
  return MiniRounding::Up;
}

void infer_cast(InferContext& ctx) {
  rounding_of(ctx); // an unknown name is one for every type
  ctx.set_output(0, target_dtype(ctx), ctx.shape(0));
}

template <class T>
void is_nonzero(const void* x, size_t n, void* y) noexcept {
  for (size_t i = 0; i < n; ++i) static_cast<int64_t*>(y)[i] = static_cast<const T*>(x)[i] != 0;
}

// To 8 bits or fewer, where attributes say what rounding does.
Kernel cast_to_minifloat(PrepareContext& ctx, const MiniFloat& format) {
  const WideType& source = stored_type(ctx, ctx.dtype(0));
  return [&format, &source, convert = wide_convert(source.wide, Wide::F32),
          bits = dtype_bits(ctx.dtype(0)), count = ctx.shape(0).elements(),
          saturate = ctx.attributes().get_int("saturate", 1) != 0,
          rounding = rounding_of(ctx)](const RunContext& run) {
    ElementwiseBlock wide, real;
    for (size_t i = 0; i < count; i += kElementwiseBlock) {
      const size_t n = std::min(kElementwiseBlock, count - i);
      source.load(run.input<uint8_t>(0) + i * bits / 8, 1, n, wide.data());
      convert(wide.data(), n, real.data());
      const auto* from = reinterpret_cast<const float*>(real.data());
      for (size_t k = 0; k < n; ++k)
        run.output<uint8_t>(0)[i + k] = float32_to_minifloat(format, from[k], saturate, rounding);
    }
  };
}

Kernel prepare_cast(PrepareContext& ctx) {
  const DType from = ctx.dtype(0), to = ctx.output(0).dtype;
  const size_t count = ctx.shape(0).elements();
  if (from == to)
    return [bytes = dtype_bytes(from, count)](const RunContext& run) {
      if (run.outputs[0] != run.inputs[0]) std::memcpy(run.outputs[0], run.inputs[0], bytes);
    };
  const MiniFloat* mini = find_minifloat(to);
  if (mini && dtype_bits(to) == 8) return cast_to_minifloat(ctx, *mini);
  const WideType &source = stored_type(ctx, from), &target = stored_type(ctx, to);
  WideConvert convert = wide_convert(source.wide, target.wide);
  if (to == DType::Bool && source.wide == Wide::F32) convert = is_nonzero<float>;
  if (to == DType::Bool && source.wide == Wide::F64) convert = is_nonzero<double>;
  return [=, &source, &target, from_bits = dtype_bits(from),
          to_bits = dtype_bits(to)](const RunContext& run) {
    ElementwiseBlock wide, result;
    for (size_t i = 0; i < count; i += kElementwiseBlock) {
      const size_t n = std::min(kElementwiseBlock, count - i);
      source.load(run.input<uint8_t>(0) + i * from_bits / 8, 1, n, wide.data());
      convert(wide.data(), n, result.data());
      target.store(result.data(), n, run.output<uint8_t>(0) + i * to_bits / 8);
    }
  };
}

// ONNX BitCast: between types of as many bits.
void infer_bit_cast(InferContext& ctx) {
  const auto to = dtype_from_onnx(ctx.attributes().get_int("to", 0));
  const size_t bits = dtype_bits(ctx.dtype(0));
  if (!to || bits == 0 || dtype_bits(*to) != bits)
    ctx.fail("attribute 'to' names no type of the ", bits, " bits that ", dtype_name(ctx.dtype(0)),
             " has");
  ctx.set_output(0, *to, ctx.shape(0));
}

Kernel prepare_bit_cast(PrepareContext& ctx) {
  return [bytes = dtype_bytes(ctx.dtype(0), ctx.shape(0).elements())](const RunContext& run) {
    if (bytes) std::memcpy(run.outputs[0], run.inputs[0], bytes);
  };
}
// Of and to strings.
std::vector<Tensor> compute_cast(const NodeContext& ctx) {
  const DType from = ctx.dtype(0), to = target_dtype(ctx);
  if (from == to) return {ctx.value(0)};
  return {to == DType::String ? to_strings(ctx, ctx.value(0))
                              : from_strings(ctx, ctx.value(0), to)};
}
} // namespace

extern const OpDef op_cast{.infer = infer_cast,
                           .prepare = prepare_cast,
                           .compute = compute_cast,
                           .layout = LayoutRule::Elementwise};
extern const OpDef op_cast_like{
    .infer = infer_cast, .prepare = prepare_cast, .compute = compute_cast};
extern const OpDef op_bit_cast{.infer = infer_bit_cast, .prepare = prepare_bit_cast};

} // namespace octet

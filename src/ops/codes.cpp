// Operators on codes: int16 tensors that hold 8-bit codes minus their zero point. In this form
// passes/chain_codes hands tensors from one integer operator to the next; their scales are
// attributes of the operators. Results lie between the attributes `low` and `high`.
#include "kernels/convert/convert.h"
#include "kernels/qeltwise/qeltwise.h"
#include "ops/element.h"
#include "ops/elementwise.h"
#include "ops/integer_operands.h"
#include "ops/scratch_layout.h"
#include "ops/split_nest.h"
#include "ops/window_geometry.h"

namespace octet {
namespace {
struct Bounds {
  int32_t low, high;
};

Bounds bounds_of(const NodeContext& ctx) {
  const int64_t low = ctx.attributes().get_int("low", -255);
  const int64_t high = ctx.attributes().get_int("high", 255);
  if (low < -255 || high > 255) ctx.fail("codes from ", low, " to ", high);
  return {static_cast<int32_t>(low), static_cast<int32_t>(high)};
}

void check_type(const NodeContext& ctx, size_t input, DType expected) {
  if (ctx.dtype(input) != expected)
    ctx.unsupported("input ", input, " of type ", dtype_name(ctx.dtype(input)), "; ",
                    dtype_name(expected), " expected");
}

void infer_codes(InferContext& ctx) {
  ctx.set_output(0, DType::Int16, ctx.shape(0));
}

// Real numbers to codes: attribute `scale`.
Kernel prepare_quantize_codes(PrepareContext& ctx) {
  check_type(ctx, 0, DType::Float32);
  return [count = ctx.shape(0).elements(), scale = ctx.attributes().get_float("scale", 1),
          bounds = bounds_of(ctx)](const RunContext& run) {
    run.workers.split(count, kElementGrain, kElementCost, [&](size_t begin, size_t end, size_t) {
      kernels::quantize_codes(run.input<float>(0) + begin, end - begin, scale, bounds.low,
                              bounds.high, run.output<int16_t>(0) + begin);
    });
  };
}

// Between codes and bytes: int8 or uint8 minus the attribute `zero_point` give codes, which plus it
// give bytes of the ONNX type `to`.
void infer_shift(InferContext& ctx) {
  ctx.set_output(0, ctx.dtype(0) == DType::Int16 ? to_codes_type(ctx) : DType::Int16, ctx.shape(0));
}

template <class Byte>
Kernel shift_kernel(PrepareContext& ctx, void (*widen)(const Byte*, size_t, Byte, int16_t*),
                    void (*narrow)(const int16_t*, size_t, Byte, Byte*)) {
  const size_t count = ctx.shape(0).elements();
  const auto zero = static_cast<Byte>(ctx.attributes().get_int("zero_point", 0));
  constexpr size_t kShiftCost = kElementCost / 2;
  if (ctx.dtype(0) == DType::Int16)
    return [=](const RunContext& run) {
      run.workers.split(count, kElementGrain, kShiftCost, [&](size_t begin, size_t end, size_t) {
        narrow(run.input<int16_t>(0) + begin, end - begin, zero, run.output<Byte>(0) + begin);
      });
    };
  return [=](const RunContext& run) {
    run.workers.split(count, kElementGrain, kShiftCost, [&](size_t begin, size_t end, size_t) {
      widen(run.input<Byte>(0) + begin, end - begin, zero, run.output<int16_t>(0) + begin);
    });
  };
}

Kernel prepare_shift(PrepareContext& ctx) {
  const bool narrows = ctx.dtype(0) == DType::Int16;
  const DType to = ctx.output(0).dtype;
  if (narrows && to == DType::Int16) ctx.unsupported("a shift between codes");
  const bool is_unsigned = narrows ? to == DType::UInt8 : is_unsigned_code(ctx, 0);
  return is_unsigned ? shift_kernel<uint8_t>(ctx, kernels::widen_u8, kernels::narrow_u8)
                     : shift_kernel<int8_t>(ctx, kernels::widen_s8, kernels::narrow_s8);
}

// Any function of one code: attribute `table`, for the codes from `first` on.
Kernel prepare_lookup(PrepareContext& ctx) {
  check_type(ctx, 0, DType::Int16);
  const std::vector<int64_t> entries = ctx.attributes().get_ints("table");
  std::array<int16_t, 256> table{};
  if (entries.size() != table.size()) ctx.fail("a table of ", entries.size(), " entries");
  std::transform(entries.begin(), entries.end(), table.begin(),
                 [](int64_t entry) { return static_cast<int16_t>(entry); });
  return [=, count = ctx.shape(0).elements(),
          first =
              static_cast<int32_t>(ctx.attributes().get_int("first", 0))](const RunContext& run) {
    run.workers.split(count, kElementGrain, kElementCost, [&](size_t begin, size_t end, size_t) {
      kernels::qs16_lookup(run.input<int16_t>(0) + begin, end - begin, table.data(), first,
                           run.output<int16_t>(0) + begin);
    });
  };
}

// Sums and products under new scales: attributes a_scale, b_scale and y_scale.
using Binary = decltype(kernels::qs16_add);

template <Binary* function>
Kernel prepare_binary_codes(PrepareContext& ctx) {
  check_type(ctx, 0, DType::Int16);
  check_type(ctx, 1, DType::Int16);
  const auto scale = [&](const char* name) { return ctx.attributes().get_float(name, 1); };
  const Bounds bounds = bounds_of(ctx);
  kernels::QBinaryParams params{.a_scale = scale("a_scale") / scale("y_scale"),
                                .b_scale = scale("b_scale") / scale("y_scale"),
                                .lo = static_cast<float>(bounds.low),
                                .hi = static_cast<float>(bounds.high)};
  if (function == kernels::qs16_mul) params.a_scale *= scale("b_scale");
  return [=, nest = broadcast_nest<3>({&ctx.shape(0), &ctx.shape(1)}, ctx.output_shape(0))](
             const RunContext& run) {
    split_nest(run.workers, nest, kElementCost,
               [&](const kernels::BinaryNest& part, const kernels::BinaryNest::Offsets& at) {
                 function(part, run.input<int16_t>(0) + at[0], run.input<int16_t>(1) + at[1],
                          run.output<int16_t>(0) + at[2], params);
               });
  };
}

template <Binary* function>
constexpr OpDef binary_codes_def() {
  return {.infer = infer_broadcast,
          .prepare = prepare_binary_codes<function>,
          .aliasing = Aliasing::InPlace,
          .layout = LayoutRule::Elementwise};
}

// Means over all pixels, channels last: attributes x_scale and y_scale.
void infer_global_average_pool(InferContext& ctx) {
  Shape out = ctx.shape(0);
  if (out.rank() < 3) ctx.fail("data of shape ", to_string(out), " has no pixels");
  const bool last = layout_of(ctx.node()) == TensorLayout::ChannelsLast;
  for (size_t i = last ? 1 : 2; i < out.rank() - (last ? 1 : 0); ++i) out[i] = 1;
  ctx.set_output(0, DType::Int16, std::move(out));
}

Kernel prepare_global_average_pool(PrepareContext& ctx) {
  check_type(ctx, 0, DType::Int16);
  const Shape& x = ctx.shape(0);
  if (x.elements() == 0) ctx.unsupported("an image without pixels");
  const size_t batch = dim(x, 0), channels = dim(x, x.rank() - 1);
  const size_t pixels = x.elements() / batch / channels;
  constexpr size_t kMaxPixels = size_t{1} << 23; // their sum fits 32 bits
  if (pixels > kMaxPixels) ctx.unsupported("an image of ", pixels, " pixels");
  const Bounds bounds = bounds_of(ctx);
  const float scale =
      ctx.attributes().get_float("x_scale", 1) / ctx.attributes().get_float("y_scale", 1);
  const kernels::QBinaryParams params{.a_scale = scale / static_cast<float>(pixels),
                                      .lo = static_cast<float>(bounds.low),
                                      .hi = static_cast<float>(bounds.high)};
  ctx.request_scratch(channels * sizeof(int32_t));
  return [=](const RunContext& run) {
    for (size_t n = 0; n < batch; ++n)
      kernels::qs16_mean(run.input<int16_t>(0) + n * pixels * channels, pixels, channels, params,
                         run.output<int16_t>(0) + n * channels,
                         reinterpret_cast<int32_t*>(run.scratch));
  };
}
} // namespace

extern const OpDef op_quantize_codes{
    .infer = infer_codes, .prepare = prepare_quantize_codes, .layout = LayoutRule::Elementwise};
extern const OpDef op_shift_codes{
    .infer = infer_shift, .prepare = prepare_shift, .layout = LayoutRule::Elementwise};
extern const OpDef op_lookup_codes{.infer = infer_codes,
                                   .prepare = prepare_lookup,
                                   .aliasing = Aliasing::InPlace,
                                   .layout = LayoutRule::Elementwise};
extern const OpDef op_add_codes = binary_codes_def<kernels::qs16_add>();
extern const OpDef op_mul_codes = binary_codes_def<kernels::qs16_mul>();
extern const OpDef op_global_average_pool_codes{.infer = infer_global_average_pool,
                                                .prepare = prepare_global_average_pool};

} // namespace octet

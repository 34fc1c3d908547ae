// Operators of several broadcast operands, element by element.
#include <cmath>
#include <cstring>

#include "ops/element.h"
#include "ops/elementwise.h"
#include "ops/strings.h"

namespace octet {
namespace {
// --- arithmetic; integers wrap, division by zero yields 0 instead of a trap
template <class T>
T divide(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) return a / b;
  if (b == 0) return 0;
  if constexpr (std::is_signed_v<T>)
    if (b == -1) return static_cast<T>(0 - static_cast<uint64_t>(a));
  return a / b;
}

// The remainder with the sign of the dividend (C's fmod).
template <class T>
T truncated_mod(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return std::fmod(a, b);
  else if (b == 0 || (std::is_signed_v<T> && b == static_cast<T>(-1)))
    return 0;
  else
    return a % b;
}

// The remainder with the sign of the divisor (Python's %).
template <class T>
T floored_mod(T a, T b) {
  const T rest = truncated_mod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? static_cast<T>(rest + b) : rest;
}

// Wrapping arithmetic on signed integers is done on their unsigned bits.
template <kernels::Binary kernel, class F>
constexpr BinaryOp wrapping_op(F) {
  return {{binary_kernel_loop<kernel>, binary_loop<double, F>, binary_loop<uint64_t, F>,
           binary_loop<uint64_t, F>},
          false,
          kernel};
}

using kernels::Binary;
constexpr BinaryOp kAdd = wrapping_op<Binary::add>([](auto a, auto b) { return a + b; });
constexpr BinaryOp kSub = wrapping_op<Binary::sub>([](auto a, auto b) { return a - b; });
constexpr BinaryOp kMul = wrapping_op<Binary::mul>([](auto a, auto b) { return a * b; });
constexpr BinaryOp kDiv = kernel_op<Binary::div>([](auto a, auto b) { return divide(a, b); });
constexpr BinaryOp kMod = binary_op([](auto a, auto b) { return floored_mod(a, b); });
constexpr BinaryOp kFmod = binary_op([](auto a, auto b) { return truncated_mod(a, b); });
// A NaN on either side wins, as in numpy.
constexpr BinaryOp kMax =
    kernel_op<Binary::max>([](auto a, auto b) { return a > b || a != a ? a : b; });
constexpr BinaryOp kMin =
    kernel_op<Binary::min>([](auto a, auto b) { return a < b || a != a ? a : b; });
constexpr BinaryOp kPRelu = kernel_op<Binary::prelu>([](auto x, auto slope) {
  if constexpr (std::is_integral_v<decltype(x)>)
    return x < 0 ? static_cast<decltype(x)>(static_cast<uint64_t>(x) * static_cast<uint64_t>(slope))
                 : x;
  else
    return x < 0 ? x * slope : x;
});

// --- PRelu: before operator set 7, a list of slopes has one for
// each channel.
Shape slope_shape(const NodeContext& ctx) {
  const Shape &x = ctx.shape(0), &slope = ctx.shape(1);
  const bool by_channel = ctx.opset() < 7 && slope.rank() == 1 && x.rank() > 1 && slope[0] == x[1];
  if (!by_channel) return slope;
  Shape out(std::vector<int64_t>(x.rank() - 1, 1));
  out[0] = slope[0];
  return out;
}

void infer_prelu(InferContext& ctx) {
  if (broadcast_shapes(ctx.shape(0), slope_shape(ctx)) != ctx.shape(0))
    ctx.fail("slopes of shape ", to_string(ctx.shape(1)), " do not broadcast to ",
             to_string(ctx.shape(0)));
  if (ctx.dtype(1) != ctx.dtype(0)) ctx.fail("x and slope must have one type");
  ctx.pass_through();
}

Kernel prepare_prelu(PrepareContext& ctx) {
  const Shape slope = slope_shape(ctx);
  return [loop = BinaryLoop(ctx, kPRelu, wide_type(ctx, ctx.dtype(0)).wide,
                            {ctx.dtype(0), &ctx.shape(0)}, {ctx.dtype(1), &slope},
                            {ctx.dtype(0), &ctx.output_shape(0)})](const RunContext& run) {
    loop(run.workers, run.inputs[0], run.inputs[1], run.outputs[0]);
  };
}

Kernel prepare_mod(PrepareContext& ctx) {
  return binary_kernel(ctx, ctx.attributes().get_int("fmod", 0) != 0 ? kFmod : kMod);
}

// --- Pow: the exponent may have another type; the result has the base's.
template <class T>
T power(T base, T exponent) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::pow(base, exponent);
  } else {
    uint64_t factor = static_cast<uint64_t>(base), result = 1;
    if (std::is_signed_v<T> && exponent < 0) {
      if (base == 1) return 1;
      return base == static_cast<T>(-1) ? (exponent % 2 == 0 ? T(1) : static_cast<T>(-1)) : T(0);
    }
    for (auto left = static_cast<uint64_t>(exponent); left != 0; left >>= 1) {
      if (left & 1) result *= factor;
      factor *= factor;
    }
    return static_cast<T>(result);
  }
}
constexpr BinaryOp kPow = kernel_op<Binary::pow>([](auto a, auto b) { return power(a, b); });

void infer_pow(InferContext& ctx) {
  ctx.set_output(0, ctx.dtype(0), broadcast_inputs(ctx));
}

void cube(const float* x, float* y, size_t n, const float*) noexcept {
  for (size_t i = 0; i < n; ++i) y[i] = x[i] * x[i] * x[i];
}

// The function that a constant exponent stands for, or null.
kernels::UnaryFn* power_function(const PrepareContext& ctx) {
  const Tensor* exponent = ctx.constant(1);
  if (!exponent || exponent->elements() != 1 || ctx.dtype(0) != DType::Float32 ||
      ctx.output_shape(0) != ctx.shape(0))
    return nullptr;
  const double value = float64_values(*exponent, "Pow")[0];
  return value == 2     ? kernels::square_f32
         : value == 3   ? cube
         : value == 0.5 ? kernels::sqrt_f32
         : value == -1  ? kernels::reciprocal_f32
                        : nullptr;
}

Kernel prepare_pow(PrepareContext& ctx) {
  if (kernels::UnaryFn* function = power_function(ctx))
    return [=, count = ctx.shape(0).elements()](const RunContext& run) {
      function(run.input<float>(0), run.output<float>(0), count, nullptr);
    };
  const Wide base = wide_type(ctx, ctx.dtype(0)).wide, exponent = wide_type(ctx, ctx.dtype(1)).wide;
  const auto is_real = [](Wide wide) { return wide == Wide::F32 || wide == Wide::F64; };
  const Wide compute = is_real(exponent) && !is_real(base) ? Wide::F64 : base;
  return [loop = BinaryLoop(ctx, kPow, compute, {ctx.dtype(0), &ctx.shape(0)},
                            {ctx.dtype(1), &ctx.shape(1)},
                            {ctx.dtype(0), &ctx.output_shape(0)})](const RunContext& run) {
    loop(run.workers, run.inputs[0], run.inputs[1], run.outputs[0]);
  };
}

// --- comparisons and logic
constexpr BinaryOp kEqual = kernel_op<Binary::equal>([](auto a, auto b) { return a == b; });
constexpr BinaryOp kGreater = kernel_op<Binary::greater>([](auto a, auto b) { return a > b; });
constexpr BinaryOp kLess = kernel_op<Binary::less>([](auto a, auto b) { return a < b; });
constexpr BinaryOp kGreaterOrEqual =
    kernel_op<Binary::greater_or_equal>([](auto a, auto b) { return a >= b; });
constexpr BinaryOp kLessOrEqual =
    kernel_op<Binary::less_or_equal>([](auto a, auto b) { return a <= b; });

template <class F>
constexpr BinaryOp integer_op(F) {
  return {{nullptr, nullptr, binary_loop<uint64_t, F>, binary_loop<uint64_t, F>}};
}
constexpr BinaryOp kAnd = integer_op([](uint64_t a, uint64_t b) { return a & b; });
constexpr BinaryOp kOr = integer_op([](uint64_t a, uint64_t b) { return a | b; });
constexpr BinaryOp kXor = integer_op([](uint64_t a, uint64_t b) { return a ^ b; });
constexpr BinaryOp kShiftLeft =
    integer_op([](uint64_t a, uint64_t b) { return b < 64 ? a << b : uint64_t{0}; });
constexpr BinaryOp kShiftRight =
    integer_op([](uint64_t a, uint64_t b) { return b < 64 ? a >> b : uint64_t{0}; });

Kernel prepare_bit_shift(PrepareContext& ctx) {
  const std::string direction = ctx.attributes().get_string("direction", "");
  if (direction != "LEFT" && direction != "RIGHT")
    ctx.fail("direction must be LEFT or RIGHT, not '", direction, "'");
  return binary_kernel(ctx, direction == "LEFT" ? kShiftLeft : kShiftRight);
}

constexpr UnaryOp kBitwiseNot{
    .functions = {nullptr, nullptr,
                  unary_loop<uint64_t, decltype([](uint64_t x, const float*) { return ~x; })>,
                  unary_loop<uint64_t, decltype([](uint64_t x, const float*) { return ~x; })>}};

// --- any number of operands: folded from the left into the output
Kernel fold_kernel(PrepareContext& ctx, const BinaryOp& op) {
  const DType dtype = ctx.dtype(0);
  const Wide wide = wide_type(ctx, dtype).wide;
  const Shape& out = ctx.output_shape(0);
  const size_t bytes = dtype_bytes(dtype, out.elements());
  if (ctx.input_count() == 1)
    return [=](const RunContext& run) { std::memcpy(run.outputs[0], run.inputs[0], bytes); };
  std::vector<BinaryLoop> loops;
  for (size_t i = 1; i < ctx.input_count(); ++i)
    loops.emplace_back(ctx, op, wide, BinaryLoop::Operand{dtype, i == 1 ? &ctx.shape(0) : &out},
                       BinaryLoop::Operand{dtype, &ctx.shape(i)}, BinaryLoop::Operand{dtype, &out});
  return [loops = std::move(loops)](const RunContext& run) {
    loops[0](run.workers, run.inputs[0], run.inputs[1], run.outputs[0]);
    for (size_t i = 1; i < loops.size(); ++i)
      loops[i](run.workers, run.outputs[0], run.inputs[i + 1], run.outputs[0]);
  };
}

template <const BinaryOp& op>
Kernel prepare_fold(PrepareContext& ctx) {
  return fold_kernel(ctx, op);
}

constexpr UnaryOp kScale = float_op([](auto x, const float* p) { return x * p[0]; });

Kernel prepare_mean(PrepareContext& ctx) {
  const WideType& type = wide_type(ctx, ctx.dtype(0));
  const UnaryFn scale = kScale.functions[static_cast<int>(type.wide)];
  if (!scale) ctx.unsupported("elements of type ", dtype_name(ctx.dtype(0)));
  return [=, &type, sum = fold_kernel(ctx, kAdd), count = ctx.output_shape(0).elements(),
          factor = 1.0f / static_cast<float>(ctx.input_count())](const RunContext& run) {
    sum(run);
    map_blocks(type, run.outputs[0], run.outputs[0], count,
               [&](const void* x, void* y, size_t n) { scale(x, y, n, &factor); });
  };
}

// --- Where
void infer_where(InferContext& ctx) {
  if (ctx.dtype(0) != DType::Bool) ctx.fail("the condition must be bool");
  if (ctx.dtype(1) != ctx.dtype(2)) ctx.fail("both choices must have one type");
  ctx.set_output(0, ctx.dtype(1), broadcast_inputs(ctx));
}

template <class T>
void select_run(const uint8_t* condition, const void* a, const void* b, void* y, size_t n,
                const kernels::LoopNest<4>::Offsets& strides) {
  const T* left = static_cast<const T*>(a);
  const T* right = static_cast<const T*>(b);
  T* to = static_cast<T*>(y);
  for (ptrdiff_t i = 0; i < static_cast<ptrdiff_t>(n); ++i)
    to[i] = condition[i * strides[0]] ? left[i * strides[1]] : right[i * strides[2]];
}

Kernel prepare_where(PrepareContext& ctx) {
  const auto bytes = static_cast<ptrdiff_t>(element_bytes(ctx, ctx.dtype(1)));
  if (bytes > 8) ctx.unsupported("elements of type ", dtype_name(ctx.dtype(1)));
  const auto select = bytes == 1   ? select_run<uint8_t>
                      : bytes == 2 ? select_run<uint16_t>
                      : bytes == 4 ? select_run<uint32_t>
                                   : select_run<uint64_t>;
  auto outer =
      broadcast_nest<4>({&ctx.shape(0), &ctx.shape(1), &ctx.shape(2)}, ctx.output_shape(0));
  const auto inner = outer.take_inner();
  return [=](const RunContext& run) {
    outer.for_each([&](const kernels::LoopNest<4>::Offsets& at) {
      select(run.input<uint8_t>(0) + at[0], run.input<uint8_t>(1) + at[1] * bytes,
             run.input<uint8_t>(2) + at[2] * bytes, run.output<uint8_t>(0) + at[3] * bytes,
             inner.size, inner.strides);
    });
  };
}

constexpr OpDef binary_def(void (*infer)(InferContext&), Kernel (*prepare)(PrepareContext&),
                           Aliasing aliasing = Aliasing::InPlace) {
  return {
      .infer = infer, .prepare = prepare, .aliasing = aliasing, .layout = LayoutRule::Elementwise};
}
} // namespace

extern const OpDef op_add = binary_def(infer_broadcast, prepare_binary<kAdd>);
extern const OpDef op_sub = binary_def(infer_broadcast, prepare_binary<kSub>);
extern const OpDef op_mul = binary_def(infer_broadcast, prepare_binary<kMul>);
extern const OpDef op_div = binary_def(infer_broadcast, prepare_binary<kDiv>);
extern const OpDef op_mod = binary_def(infer_broadcast, prepare_mod);
extern const OpDef op_pow = binary_def(infer_pow, prepare_pow);
extern const OpDef op_prelu = binary_def(infer_prelu, prepare_prelu);
extern const OpDef op_equal{.infer = infer_predicate,
                            .prepare = prepare_binary<kEqual>,
                            .compute = equal_strings,
                            .aliasing = Aliasing::InPlace,
                            .layout = LayoutRule::Elementwise};
extern const OpDef op_greater = binary_def(infer_predicate, prepare_binary<kGreater>);
extern const OpDef op_less = binary_def(infer_predicate, prepare_binary<kLess>);
extern const OpDef op_greater_or_equal =
    binary_def(infer_predicate, prepare_binary<kGreaterOrEqual>);
extern const OpDef op_less_or_equal = binary_def(infer_predicate, prepare_binary<kLessOrEqual>);
extern const OpDef op_and = binary_def(infer_broadcast, prepare_binary<kAnd>);
extern const OpDef op_or = binary_def(infer_broadcast, prepare_binary<kOr>);
extern const OpDef op_xor = binary_def(infer_broadcast, prepare_binary<kXor>);
extern const OpDef op_bit_shift = binary_def(infer_broadcast, prepare_bit_shift);
extern const OpDef op_bitwise_not = binary_def(infer_same, prepare_unary<kBitwiseNot>);
// Folding writes the output before it has read the third operand.
extern const OpDef op_max = binary_def(infer_broadcast, prepare_fold<kMax>, Aliasing::None);
extern const OpDef op_min = binary_def(infer_broadcast, prepare_fold<kMin>, Aliasing::None);
extern const OpDef op_sum = binary_def(infer_broadcast, prepare_fold<kAdd>, Aliasing::None);
extern const OpDef op_mean = binary_def(infer_broadcast, prepare_mean, Aliasing::None);
extern const OpDef op_where{.infer = infer_where,
                            .prepare = prepare_where,
                            .aliasing = Aliasing::InPlace,
                            .layout = LayoutRule::Elementwise,
                            .moves = true};

} // namespace octet

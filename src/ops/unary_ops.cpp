// Operators of one operand, element by element.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <type_traits>

#include "ops/element.h"
#include "ops/elementwise.h"

namespace octet {
namespace {
using P = const float*;

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

double softplus(double x) {
  return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
}

double hard_sigmoid(double x, double alpha, double beta) {
  return std::max(0.0, std::min(1.0, alpha * x + beta));
}

double relu6(double x) {
  return std::max(0.0, std::min(6.0, x));
}

template <class T>
T negate(T x) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(0 - static_cast<uint64_t>(x));
  else
    return -x;
}

template <kernels::UnaryFn* kernel, class F>
constexpr UnaryOp kernel_number_op(F) {
  return {{unary_kernel_loop<kernel>, unary_loop<double, F>, unary_loop<int64_t, F>,
           unary_loop<uint64_t, F>}};
}

constexpr UnaryOp kAbs =
    kernel_number_op<kernels::abs_f32>([](auto x, P) { return x <= 0 ? negate(x) : x; });
constexpr UnaryOp kNeg = kernel_number_op<kernels::neg_f32>([](auto x, P) { return negate(x); });
constexpr UnaryOp kSign =
    number_op([](auto x, P) { return static_cast<decltype(x)>((x > 0) - (x < 0)); });
constexpr UnaryOp kRelu =
    kernel_number_op<kernels::relu_f32>([](auto x, P) { return x < 0 ? decltype(x)(0) : x; });

constexpr UnaryOp kExp = kernel_op<kernels::exp_f32>([](auto x, P) { return std::exp(x); });
constexpr UnaryOp kLog = kernel_op<kernels::log_f32>([](auto x, P) { return std::log(x); });
constexpr UnaryOp kSqrt = kernel_op<kernels::sqrt_f32>([](auto x, P) { return std::sqrt(x); });
constexpr UnaryOp kReciprocal = kernel_op<kernels::reciprocal_f32>([](auto x, P) { return 1 / x; });
constexpr UnaryOp kFloor = kernel_op<kernels::floor_f32>([](auto x, P) { return std::floor(x); });
constexpr UnaryOp kCeil = kernel_op<kernels::ceil_f32>([](auto x, P) { return std::ceil(x); });
constexpr UnaryOp kRound =
    kernel_op<kernels::round_f32>([](auto x, P) { return std::nearbyint(x); });
constexpr UnaryOp kErf = kernel_op<kernels::erf_f32>([](auto x, P) { return std::erf(x); });

constexpr UnaryOp kSin = float_op([](auto x, P) { return std::sin(x); });
constexpr UnaryOp kCos = float_op([](auto x, P) { return std::cos(x); });
constexpr UnaryOp kTan = float_op([](auto x, P) { return std::tan(x); });
constexpr UnaryOp kAsin = float_op([](auto x, P) { return std::asin(x); });
constexpr UnaryOp kAcos = float_op([](auto x, P) { return std::acos(x); });
constexpr UnaryOp kAtan = float_op([](auto x, P) { return std::atan(x); });
constexpr UnaryOp kSinh = float_op([](auto x, P) { return std::sinh(x); });
constexpr UnaryOp kCosh = float_op([](auto x, P) { return std::cosh(x); });
constexpr UnaryOp kTanh = kernel_op<kernels::tanh_f32>([](auto x, P) { return std::tanh(x); });
constexpr UnaryOp kAsinh = float_op([](auto x, P) { return std::asinh(x); });
constexpr UnaryOp kAcosh = float_op([](auto x, P) { return std::acosh(x); });
constexpr UnaryOp kAtanh = float_op([](auto x, P) { return std::atanh(x); });

constexpr UnaryOp kLeakyRelu = kernel_op<kernels::leaky_relu_f32>(
    [](auto x, P p) { return x < 0 ? x * p[0] : x; }, {{{"alpha", 0.01f}}});
constexpr UnaryOp kThresholdedRelu =
    float_op([](auto x, P p) { return x > p[0] ? x : decltype(x)(0); }, {{{"alpha", 1.0f}}});
constexpr UnaryOp kElu = kernel_op<kernels::elu_f32>(
    [](auto x, P p) { return x < 0 ? p[0] * std::expm1(x) : x; }, {{{"alpha", 1.0f}}});
constexpr UnaryOp kSelu =
    float_op([](auto x, P p) { return p[1] * (x > 0 ? x : p[0] * std::expm1(x)); },
             {{{"alpha", 1.67326319217681884765625f}, {"gamma", 1.05070102214813232421875f}}});
constexpr UnaryOp kCelu = float_op(
    [](auto x, P p) { return x < 0 ? p[0] * std::expm1(x / p[0]) : x; }, {{{"alpha", 1.0f}}});
constexpr UnaryOp kSigmoid = kernel_op<kernels::sigmoid_f32>([](auto x, P) { return sigmoid(x); });
constexpr UnaryOp kHardSigmoid = kernel_op<kernels::hard_sigmoid_f32>(
    [](auto x, P p) { return hard_sigmoid(x, p[0], p[1]); }, {{{"alpha", 0.2f}, {"beta", 0.5f}}});
constexpr UnaryOp kHardSwish =
    kernel_op<kernels::hard_swish_f32>([](auto x, P) { return x * hard_sigmoid(x, 1.0 / 6, 0.5); });
constexpr UnaryOp kRelu6Swish =
    kernel_op<kernels::relu6_swish_f32>([](auto x, P) { return x * relu6(x + 3.0) / 6; });
// No operators of their own: what fuse_activation makes of a HardSwish that is scaled and shifted.
constexpr UnaryOp kScaledHardSwish = kernel_op<kernels::scaled_hard_swish_f32>(
    [](auto x, P p) { return p[0] * x * hard_sigmoid(x, 1.0 / 6, 0.5) + p[1]; });
constexpr UnaryOp kScaledRelu6Swish = kernel_op<kernels::scaled_relu6_swish_f32>(
    [](auto x, P p) { return p[0] * x * relu6(x + 3.0) / 6 + p[1]; });
constexpr UnaryOp kSwish = kernel_op<kernels::swish_f32>(
    [](auto x, P p) { return x * sigmoid(p[0] * x); }, {{{"alpha", 1.0f}}});
constexpr UnaryOp kMish =
    kernel_op<kernels::mish_f32>([](auto x, P) { return x * std::tanh(softplus(x)); });
constexpr UnaryOp kSoftplus =
    kernel_op<kernels::softplus_f32>([](auto x, P) { return softplus(x); });
constexpr UnaryOp kSoftsign =
    kernel_op<kernels::softsign_f32>([](auto x, P) { return x / (1 + std::abs(x)); });
constexpr UnaryOp kShrink = float_op(
    [](auto x, P p) { return x < -p[1]  ? x + p[0]
                             : x > p[1] ? x - p[0]
                                        : decltype(x)(0); },
    {{{"bias", 0.0f}, {"lambd", 0.5f}}});
constexpr UnaryOp kGelu = kernel_op<kernels::gelu_f32>([](auto x, P) {
  using T = decltype(x);
  return T(0.5) * x * (1 + std::erf(x * T(1 / std::numbers::sqrt2)));
});
// sqrt(2/π) = sqrt2 · inv_sqrtpi
constexpr UnaryOp kGeluTanh = kernel_op<kernels::gelu_tanh_f32>([](auto x, P) {
  using T = decltype(x);
  const T inner = T(std::numbers::sqrt2 * std::numbers::inv_sqrtpi) * (x + T(0.044715) * x * x * x);
  return T(0.5) * x * (1 + std::tanh(inner));
});

// `form`, which recognise_functions sets, is "relu6" where the product is divided by 6 at the end.
Kernel prepare_hard_swish(PrepareContext& ctx) {
  const bool divides = ctx.attributes().get_string("form", "") == "relu6";
  return unary_kernel(ctx, divides ? kRelu6Swish : kHardSwish);
}

Kernel prepare_gelu(PrepareContext& ctx) {
  const std::string form = ctx.attributes().get_string("approximate", "none");
  if (form != "none" && form != "tanh") ctx.fail("approximate '", form, "' is not known");
  return unary_kernel(ctx, form == "tanh" ? kGeluTanh : kGelu);
}

// --- Clip: bounds are attributes before opset 11, optional inputs since.
using ClipFn = void (*)(const void* x, const void* low, const void* high, void* y,
                        size_t n) noexcept;

template <class T>
constexpr T kHighest =
    std::is_integral_v<T> ? std::numeric_limits<T>::max() : std::numeric_limits<T>::infinity();

template <class T>
void clip_loop(const void* x, const void* low, const void* high, void* y, size_t n) noexcept {
  const T* from = static_cast<const T*>(x);
  T* to = static_cast<T*>(y);
  const T lo = low ? *static_cast<const T*>(low)
                   : (std::is_integral_v<T> ? std::numeric_limits<T>::min() : -kHighest<T>);
  const T hi = high ? *static_cast<const T*>(high) : kHighest<T>;
  for (size_t i = 0; i < n; ++i) {
    const T raised = from[i] < lo ? lo : from[i];
    to[i] = hi < raised ? hi : raised;
  }
}

void clip_kernel(const void* x, const void* low, const void* high, void* y, size_t n) noexcept {
  const float params[] = {low ? *static_cast<const float*>(low) : -kHighest<float>,
                          high ? *static_cast<const float*>(high) : kHighest<float>};
  kernels::clip_f32(static_cast<const float*>(x), static_cast<float*>(y), n, params);
}

constexpr ClipFn kClip[kWideCount] = {clip_kernel, clip_loop<double>, clip_loop<int64_t>,
                                      clip_loop<uint64_t>};

void infer_clip(InferContext& ctx) {
  for (size_t i = 1; i < 3; ++i)
    if (ctx.has_input(i) && (ctx.dtype(i) != ctx.dtype(0) || ctx.shape(i).elements() != 1))
      ctx.fail("bound ", i, " must be one ", dtype_name(ctx.dtype(0)));
  ctx.set_output(0, ctx.dtype(0), ctx.shape(0));
}

Kernel prepare_clip(PrepareContext& ctx) {
  const WideType& type = wide_type(ctx, ctx.dtype(0));
  const ClipFn clip = kClip[static_cast<int>(type.wide)];
  const size_t count = ctx.shape(0).elements();
  // Bounds as wide numbers: known ones and attributes now, inputs at the run.
  struct Bound {
    bool is_input, is_given;
    uint64_t wide;
  };
  const auto bound = [&](size_t input, const char* attribute) -> Bound {
    Bound out{ctx.has_input(input), ctx.has_input(input) || ctx.attributes().has(attribute), 0};
    if (!out.is_given || out.is_input) return out;
    const float value = ctx.attributes().get_float(attribute, 0);
    wide_convert(Wide::F32, type.wide)(&value, 1, &out.wide);
    return out;
  };
  return [=, &type, low = bound(1, "min"), high = bound(2, "max")](const RunContext& run) {
    uint64_t lo = low.wide, hi = high.wide;
    if (low.is_input) type.load(run.inputs[1], 0, 1, &lo);
    if (high.is_input) type.load(run.inputs[2], 0, 1, &hi);
    map_blocks(type, run.inputs[0], run.outputs[0], count, [&](const void* x, void* y, size_t n) {
      clip(x, low.is_given ? &lo : nullptr, high.is_given ? &hi : nullptr, y, n);
    });
  };
}

// --- predicates
void infer_test(InferContext& ctx) {
  ctx.set_output(0, DType::Bool, ctx.shape(0));
}

// Writes test(x) for each element, x as double (which keeps NaN, infinities and signs).
template <class F>
Kernel test_kernel(PrepareContext& ctx, F test) {
  const WideType& type = wide_type(ctx, ctx.dtype(0));
  const WideConvert widen = wide_convert(type.wide, Wide::F64);
  const size_t count = ctx.shape(0).elements();
  return [=, &type](const RunContext& run) {
    ElementwiseBlock wide;
    std::array<double, kElementwiseBlock> block;
    for (size_t i = 0; i < count; i += block.size()) {
      const size_t n = std::min(block.size(), count - i);
      type.load(run.input<uint8_t>(0) + i * type.bytes, 1, n, wide.data());
      widen(wide.data(), n, block.data());
      for (size_t k = 0; k < n; ++k) run.output<bool>(0)[i + k] = test(block[k]);
    }
  };
}

Kernel prepare_is_nan(PrepareContext& ctx) {
  return test_kernel(ctx, [](double x) { return std::isnan(x); });
}

Kernel prepare_is_inf(PrepareContext& ctx) {
  const bool negative = ctx.attributes().get_int("detect_negative", 1) != 0;
  const bool positive = ctx.attributes().get_int("detect_positive", 1) != 0;
  return test_kernel(ctx, [=](double x) { return std::isinf(x) && (x < 0 ? negative : positive); });
}

Kernel prepare_not(PrepareContext& ctx) {
  if (ctx.dtype(0) != DType::Bool) ctx.fail("a bool tensor expected");
  return test_kernel(ctx, [](double x) { return x == 0; });
}

// `prepare` may choose one of several forms by an attribute.
constexpr OpDef formed_def(Kernel (*prepare)(PrepareContext&)) {
  return {.infer = infer_same,
          .prepare = prepare,
          .aliasing = Aliasing::InPlace,
          .layout = LayoutRule::Elementwise};
}
template <const UnaryOp& op>
constexpr OpDef unary_def = formed_def(prepare_unary<op>);
constexpr OpDef test_def(Kernel (*prepare)(PrepareContext&)) {
  return {.infer = infer_test,
          .prepare = prepare,
          .aliasing = Aliasing::InPlace,
          .layout = LayoutRule::Elementwise};
}
} // namespace

extern const OpDef op_abs = unary_def<kAbs>;
extern const OpDef op_neg = unary_def<kNeg>;
extern const OpDef op_sign = unary_def<kSign>;
extern const OpDef op_relu = unary_def<kRelu>;
extern const OpDef op_exp = unary_def<kExp>;
extern const OpDef op_log = unary_def<kLog>;
extern const OpDef op_sqrt = unary_def<kSqrt>;
extern const OpDef op_reciprocal = unary_def<kReciprocal>;
extern const OpDef op_floor = unary_def<kFloor>;
extern const OpDef op_ceil = unary_def<kCeil>;
extern const OpDef op_round = unary_def<kRound>;
extern const OpDef op_erf = unary_def<kErf>;
extern const OpDef op_sin = unary_def<kSin>;
extern const OpDef op_cos = unary_def<kCos>;
extern const OpDef op_tan = unary_def<kTan>;
extern const OpDef op_asin = unary_def<kAsin>;
extern const OpDef op_acos = unary_def<kAcos>;
extern const OpDef op_atan = unary_def<kAtan>;
extern const OpDef op_sinh = unary_def<kSinh>;
extern const OpDef op_cosh = unary_def<kCosh>;
extern const OpDef op_tanh = unary_def<kTanh>;
extern const OpDef op_asinh = unary_def<kAsinh>;
extern const OpDef op_acosh = unary_def<kAcosh>;
extern const OpDef op_atanh = unary_def<kAtanh>;
extern const OpDef op_leaky_relu = unary_def<kLeakyRelu>;
extern const OpDef op_thresholded_relu = unary_def<kThresholdedRelu>;
extern const OpDef op_elu = unary_def<kElu>;
extern const OpDef op_selu = unary_def<kSelu>;
extern const OpDef op_celu = unary_def<kCelu>;
extern const OpDef op_sigmoid = unary_def<kSigmoid>;
extern const OpDef op_hard_sigmoid = unary_def<kHardSigmoid>;
extern const OpDef op_hard_swish = formed_def(prepare_hard_swish);
extern const OpDef op_swish = unary_def<kSwish>;
extern const OpDef op_mish = unary_def<kMish>;
extern const OpDef op_softplus = unary_def<kSoftplus>;
extern const OpDef op_softsign = unary_def<kSoftsign>;
extern const OpDef op_shrink = unary_def<kShrink>;
extern const OpDef op_gelu = formed_def(prepare_gelu);
extern const OpDef op_clip{.infer = infer_clip,
                           .prepare = prepare_clip,
                           .aliasing = Aliasing::InPlace,
                           .layout = LayoutRule::Elementwise};
extern const OpDef op_is_nan = test_def(prepare_is_nan);
extern const OpDef op_is_inf = test_def(prepare_is_inf);
extern const OpDef op_not = test_def(prepare_not);

UnaryFn find_activation(std::string_view op_type) {
  constexpr auto kF32 = static_cast<size_t>(Wide::F32);
  constexpr std::pair<std::string_view, UnaryFn> kActivations[] = {
      {"Relu", kRelu.functions[kF32]},
      {"LeakyRelu", kLeakyRelu.functions[kF32]},
      {"ThresholdedRelu", kThresholdedRelu.functions[kF32]},
      {"Elu", kElu.functions[kF32]},
      {"Softplus", kSoftplus.functions[kF32]},
      {"Softsign", kSoftsign.functions[kF32]},
      {"Sigmoid", kSigmoid.functions[kF32]},
      {"Tanh", kTanh.functions[kF32]},
      {"HardSigmoid", kHardSigmoid.functions[kF32]},
      {"HardSwish", kHardSwish.functions[kF32]},
      {"Relu6Swish", kRelu6Swish.functions[kF32]},
      {"ScaledHardSwish", kScaledHardSwish.functions[kF32]},
      {"ScaledRelu6Swish", kScaledRelu6Swish.functions[kF32]},
      {"Swish", kSwish.functions[kF32]},
      {"Gelu", kGelu.functions[kF32]}};
  for (const auto& [name, function] : kActivations)
    if (name == op_type) return function;
  return nullptr;
}

} // namespace octet

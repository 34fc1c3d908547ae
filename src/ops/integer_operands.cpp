#include "ops/integer_operands.h"

#include <algorithm>
#include <cmath>

#include "kernels/qdot/byte_dot.h"
#include "kernels/qdot/pack.h"
#include "kernels/qgemm/output_reference.h"
#include "kernels/qgemm/pack.h"
#include "ops/scratch_layout.h"

namespace octet {

bool is_unsigned_code(const NodeContext& ctx, size_t input) {
  const DType dtype = ctx.dtype(input);
  if (dtype != DType::UInt8 && dtype != DType::Int8)
    ctx.unsupported("input ", input, " of type ", dtype_name(dtype), "; int8 or uint8 expected");
  return dtype == DType::UInt8;
}

IntegerActivation::IntegerActivation(const NodeContext& ctx, size_t input, size_t zero_input)
    : input_(input), zero_input_(zero_input), elements_(ctx.shape(input).elements()),
      dtype_(ctx.dtype(input)), has_zero_(ctx.has_input(zero_input)),
      is_wide_(ctx.attributes().get_int("wide", 0) != 0) {
  if (dtype_ == DType::Int16) return;
  is_unsigned_code(ctx, input);
  if (!has_zero_) return;
  if (ctx.dtype(zero_input) != dtype_)
    ctx.fail("a zero point of type ", dtype_name(ctx.dtype(zero_input)), " for ",
             dtype_name(dtype_));
  if (ctx.shape(zero_input).elements() != 1)
    ctx.unsupported("zero points per row of the left operand");
}

size_t IntegerActivation::scratch_bytes() const {
  return dtype_ == DType::Int16 ? 0 : aligned_scratch(elements_ * sizeof(int16_t));
}

const int16_t* IntegerActivation::widen(const RunContext& run, uint8_t* scratch) const noexcept {
  if (dtype_ == DType::Int16) return run.input<int16_t>(input_);
  auto* wide = reinterpret_cast<int16_t*>(scratch);
  const auto* x = run.input<uint8_t>(input_);
  const uint8_t zero = has_zero_ ? *run.input<uint8_t>(zero_input_) : 0;
  run.workers.split(elements_, kElementGrain, kElementCost / 2,
                    [&](size_t begin, size_t end, size_t) {
                      if (dtype_ == DType::UInt8)
                        kernels::widen_u8(x + begin, end - begin, zero, wide + begin);
                      else
                        kernels::widen_s8(reinterpret_cast<const int8_t*>(x) + begin, end - begin,
                                          static_cast<int8_t>(zero), wide + begin);
                    });
  return wide;
}

namespace {
bool has_sign(DType dtype) {
  return dtype == DType::Int8;
}

bool wants_sign() {
  return kernels::byte_dot() == kernels::ByteDot::signed_activations;
}
} // namespace

void drop_zeros(std::vector<int32_t>& points) {
  if (std::all_of(points.begin(), points.end(), [](int32_t z) { return z == 0; })) points.clear();
}

const int16_t* IntegerActivation::codes(const RunContext& run, uint8_t* scratch) const noexcept {
  const auto* x = run.input<uint8_t>(input_);
  if (has_sign(dtype_) == wants_sign()) return reinterpret_cast<const int16_t*>(x);
  kernels::invert_sign(x, elements_, scratch);
  return reinterpret_cast<const int16_t*>(scratch);
}

int32_t IntegerActivation::code_zero(const RunContext& run) const noexcept {
  const int32_t shift = (wants_sign() ? -128 : 0) - (has_sign(dtype_) ? -128 : 0);
  if (!has_zero_) return shift;
  return shift +
         (has_sign(dtype_) ? *run.input<int8_t>(zero_input_) : *run.input<uint8_t>(zero_input_));
}

ByteDotWeights::ByteDotWeights(PrepareContext& ctx, size_t input, const std::vector<int32_t>& zero,
                               const Size& size, const Pack& pack) {
  const Tensor* weights = ctx.constant(input);
  if (kernels::byte_dot() == kernels::ByteDot::none || !weights) return;
  const bool is_unsigned = is_unsigned_code(ctx, input);
  packed_ = ctx.packed(input, concat("qdot/", size.packed_bytes, "/", size.part), [&] {
    if (!kernels::dot_takes(weights->bytes(), weights->elements(), is_unsigned)) return Buffer();
    Buffer out(size.packed_bytes + size.columns * sizeof(int32_t));
    pack(weights->bytes(), reinterpret_cast<int8_t*>(out.data()),
         reinterpret_cast<int32_t*>(out.data() + size.packed_bytes));
    return out;
  });
  if (packed_->size() == 0) packed_.reset();
  if (!packed_) return;
  zero_ = zero;
  if (is_unsigned) move_zero_points(size.columns, 128 - kernels::dot_weight_offset());
  centered_sums_.assign(kernels::column_capacity(size.columns), 0);
  const auto* sums = reinterpret_cast<const int32_t*>(packed_->data() + size.packed_bytes);
  for (size_t n = 0; n < size.columns; ++n) {
    const auto point = static_cast<uint32_t>(zero_.empty() ? 0 : zero_[n]);
    centered_sums_[n] = static_cast<int32_t>(static_cast<uint32_t>(sums[n]) -
                                             static_cast<uint32_t>(size.column_codes) * point);
  }
}

void ByteDotWeights::move_zero_points(size_t columns, int32_t by) {
  if (by == 0) return;
  if (zero_.empty()) zero_.assign(kernels::column_capacity(columns), 0);
  for (int32_t& point : zero_) point += by;
  drop_zeros(zero_);
}

size_t ByteDotWeights::scratch_bytes() const {
  return aligned_scratch(centered_sums_.size() * sizeof(int32_t));
}

void ByteDotWeights::set(kernels::QOutputParams& params, int32_t a_zero,
                         uint8_t* scratch) const noexcept {
  auto* bias = reinterpret_cast<int32_t*>(scratch);
  kernels::move_zero_point(params.bias, a_zero, centered_sums_.data(), centered_sums_.size(), bias);
  params.w_zero = data_or_null(zero_);
  params.bias = bias;
}

int32_t quantize_for_byte_dot(const float* x, size_t n, kernels::DynamicQuantParams params,
                              uint8_t* codes) noexcept {
  kernels::quantize_u8(x, n, params, codes);
  if (!wants_sign()) return params.zero_point;
  kernels::invert_sign(codes, n, codes);
  return params.zero_point - 128;
}

std::vector<int32_t> column_zero_points(const PrepareContext& ctx, size_t weight_input,
                                        size_t zero_input, size_t columns) {
  const bool is_unsigned = is_unsigned_code(ctx, weight_input);
  std::vector<int64_t> values{0};
  if (ctx.has_input(zero_input)) {
    const auto known = ctx.int_values(zero_input);
    if (!known) ctx.unsupported("a zero point of weights that is not constant");
    values = *known;
  }
  if (values.size() != 1 && values.size() != columns)
    ctx.fail(values.size(), " zero points for ", columns, " columns of weights");
  std::vector<int32_t> out(kernels::column_capacity(columns), 0);
  for (size_t i = 0; i < columns; ++i)
    out[i] = kernels::stored_weight_zero(static_cast<int32_t>(values[values.size() == 1 ? 0 : i]),
                                         is_unsigned);
  drop_zeros(out);
  return out;
}

ColumnZeroPoints::ColumnZeroPoints(const PrepareContext& ctx, size_t weight_input,
                                   size_t zero_input, size_t columns)
    : input_(zero_input), columns_(columns), is_unsigned_(is_unsigned_code(ctx, weight_input)) {
  if (!ctx.has_input(zero_input) || ctx.constant(zero_input)) {
    known_ = column_zero_points(ctx, weight_input, zero_input, columns);
    return;
  }
  if (ctx.dtype(zero_input) != ctx.dtype(weight_input))
    ctx.fail("a zero point of type ", dtype_name(ctx.dtype(zero_input)), " for ",
             dtype_name(ctx.dtype(weight_input)));
  count_ = ctx.shape(zero_input).elements();
  if (count_ != 1 && count_ != columns)
    ctx.fail(count_, " zero points for ", columns, " columns of weights");
}

size_t ColumnZeroPoints::scratch_bytes() const {
  return count_ == 0 ? 0 : aligned_scratch(kernels::column_capacity(columns_) * sizeof(int32_t));
}

const int32_t* ColumnZeroPoints::get(const RunContext& run, uint8_t* scratch) const noexcept {
  if (count_ == 0) return data_or_null(known_);
  auto* out = reinterpret_cast<int32_t*>(scratch);
  std::fill_n(out, kernels::column_capacity(columns_), 0);
  for (size_t i = 0; i < columns_; ++i) {
    const size_t at = count_ == 1 ? 0 : i;
    out[i] = kernels::stored_weight_zero(is_unsigned_ ? run.input<uint8_t>(input_)[at]
                                                      : run.input<int8_t>(input_)[at],
                                         is_unsigned_);
  }
  return out;
}

std::vector<float> column_floats(const PrepareContext& ctx, size_t input, size_t columns,
                                 float fallback, const char* what) {
  std::vector<float> out(kernels::column_capacity(columns), fallback);
  if (!ctx.has_input(input)) return out;
  const Tensor* tensor = ctx.constant(input);
  if (!tensor || tensor->dtype() != DType::Float32)
    ctx.unsupported(what, " is not a float32 constant");
  const auto values = tensor->values<float>();
  if (values.size() != 1 && values.size() != columns)
    ctx.fail(what, " has ", values.size(), " values for ", columns, " columns");
  for (size_t i = 0; i < columns; ++i) out[i] = values[values.size() == 1 ? 0 : i];
  return out;
}

namespace {
float scalar(const PrepareContext& ctx, size_t input, const char* what) {
  const Tensor* tensor = ctx.constant(input);
  if (!tensor || tensor->dtype() != DType::Float32 || tensor->elements() != 1)
    ctx.unsupported(what, " is not one float32 constant");
  return tensor->values<float>()[0];
}
// Whether what is rounded stays within kMostRounded for columns that add up to `depth` products of
// codes, an int32 bias (or none), and `shift` on top, of which it is `factor` times as much.
bool are_bounded(const std::vector<float>& scale, const std::vector<int32_t>& bias, double shift,
                 const ProductSize& size, double factor = 1) {
  constexpr double kMostProduct = 255 * 255, kMost = double{kernels::kMostRounded} / 2;
  const double sum = static_cast<double>(size.depth) * kMostProduct;
  for (size_t i = 0; i < size.columns; ++i) {
    const double biased = sum + (bias.empty() ? 0.0 : std::abs(static_cast<double>(bias[i])));
    const double scaled = std::min(biased, 0x1p31) * std::abs(static_cast<double>(scale[i]));
    if (!((scaled + shift) * factor < kMost)) return false;
  }
  return true;
}
} // namespace

Requantize requantize_params(const PrepareContext& ctx, size_t a_scale, size_t w_scale,
                             size_t y_scale, size_t y_zero, const ProductSize& size,
                             const std::vector<int32_t>& bias) {
  const bool is_unsigned = ctx.output(0).dtype == DType::UInt8;
  Requantize out{.scale = column_floats(ctx, w_scale, size.columns, 1, "the scale of the weights"),
                 .output = is_unsigned ? kernels::QOutput::u8 : kernels::QOutput::s8,
                 .zero_point = 0,
                 .qmin = is_unsigned ? 0 : -128,
                 .qmax = is_unsigned ? 255 : 127};
  const float a = scalar(ctx, a_scale, "the scale of the left operand");
  const float y = scalar(ctx, y_scale, "the scale of the result");
  for (float& s : out.scale) s = a * s / y;
  out.bounded = are_bounded(out.scale, bias, 0, size);
  if (ctx.has_input(y_zero)) {
    const auto zero = ctx.int_values(y_zero);
    if (!zero || zero->size() != 1)
      ctx.unsupported("the zero point of the result is not one constant");
    out.zero_point = static_cast<int32_t>((*zero)[0]);
  }
  return out;
}

ToFloat to_float_params(const PrepareContext& ctx, size_t columns) {
  return {.scale = column_floats(ctx, 3, columns, 1, "the scale of the weights"),
          .bias = column_floats(ctx, 6, columns, 0, "the bias"),
          .activation = fused_activation(ctx)};
}

DType to_codes_type(const NodeContext& ctx) {
  const auto type = dtype_from_onnx(ctx.attributes().get_int("to", 0));
  return type == DType::UInt8 || type == DType::Int8 ? *type : DType::Int16;
}

namespace {
kernels::QFunction to_codes_function(const Attributes& attributes) {
  const std::string name = attributes.get_string("activation", "");
  return name == "HardSwish"   ? kernels::QFunction::hard_swish
         : name == "LeakyRelu" ? kernels::QFunction::leaky_relu
                               : kernels::QFunction::none;
}
// Turns real numbers into steps of what is rounded first: the codes that f reads, or the result.
struct Steps {
  float out_scale, y_scale;
  float of(float x) const { return x * out_scale / y_scale; }
};
Steps result_steps(const Attributes& attributes) {
  return {attributes.get_float("out_scale", 1), attributes.get_float("y_scale", 1)};
}
Steps first_steps(const Attributes& attributes) {
  if (!attributes.has("inner_scale")) return result_steps(attributes);
  return {1, attributes.get_float("inner_scale", 1)};
}
int32_t code_attribute(const Attributes& attributes, const char* name) {
  return static_cast<int32_t>(std::clamp<int64_t>(attributes.get_int(name, 0), -255, 255));
}
kernels::QActivation to_codes_activation(const Attributes& attributes) {
  const Steps steps = result_steps(attributes);
  kernels::QActivation out{.function = to_codes_function(attributes),
                           .shift = attributes.get_float("out_shift", 0) / steps.y_scale,
                           .rounds = attributes.has("inner_scale")};
  // What x is a multiple of.
  const float unit =
      out.rounds ? attributes.get_float("inner_scale", 1) : steps.y_scale / steps.out_scale;
  if (out.rounds) {
    out.top = steps.of(unit);
    out.lo = static_cast<float>(code_attribute(attributes, "inner_low"));
    out.hi = static_cast<float>(code_attribute(attributes, "inner_high"));
  }
  out.slope =
      out.top * (out.function == kernels::QFunction::hard_swish ? unit / 6
                                                                : attributes.get_float("alpha", 0));
  return out;
}

// What becomes of a whole number between product and f.
class FinishedCodes {
public:
  explicit FinishedCodes(const Attributes& attributes)
      : activation_(to_codes_activation(attributes)),
        low_(static_cast<float>(code_attribute(attributes, "low"))),
        high_(static_cast<float>(code_attribute(attributes, "high"))) {}

  float of(float x) const {
    return kernels::round_between(kernels::activate(x, activation_), low_, high_);
  }
  const kernels::QActivation& activation() const { return activation_; }

  // The same without the bounds beyond which the codes stay as they are.
  kernels::QActivation with_needed_bounds() const {
    if (!activation_.rounds) return activation_;
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    kernels::QActivation out = activation_;
    FinishedCodes free = *this;
    free.activation_.lo = -kInfinity;
    free.activation_.hi = kInfinity;
    out.lo = free.is_level_below(activation_.lo) ? -kInfinity : activation_.lo;
    out.hi = activation_.hi >= 0 && of(activation_.hi) == high_ ? kInfinity : activation_.hi;
    return out;
  }

private:
  bool is_level_below(float x) const {
    constexpr float kMostSteps = 256;
    const float code = of(x);
    if (activation_.function == kernels::QFunction::leaky_relu) return x <= 0 && code == low_;
    // HardSwish is 0 from here on downwards.
    const float end = std::floor(-activation_.top / (2 * activation_.slope));
    if (!(x - end < kMostSteps)) return false;
    for (; x >= end; --x)
      if (of(x) != code) return false;
    return true;
  }

  kernels::QActivation activation_;
  float low_, high_;
};

// A bias in multiples of `units`; nothing when some are too many. Both are padded.
std::optional<std::vector<int32_t>> bias_steps(const std::vector<float>& bias,
                                               const std::vector<float>& units, size_t columns) {
  std::vector<int32_t> out(bias.size());
  for (size_t i = 0; i < columns; ++i) {
    const double steps = double{bias[i]} / double{units[i]};
    if (!(std::abs(steps) < 0x1p30)) return std::nullopt;
    out[i] = static_cast<int32_t>(std::nearbyint(steps));
  }
  return out;
}
} // namespace

ToCodes to_codes_params(const PrepareContext& ctx, const ProductSize& size) {
  const size_t columns = size.columns;
  ToCodes out{.scale = column_floats(ctx, 3, columns, 1, "the scale of the weights"),
              .low = static_cast<int32_t>(ctx.attributes().get_int("low", 0)),
              .high = static_cast<int32_t>(ctx.attributes().get_int("high", 0))};
  if (const DType type = to_codes_type(ctx); type != DType::Int16) {
    out.output = type == DType::UInt8 ? kernels::QOutput::u8 : kernels::QOutput::s8;
    out.zero_point = static_cast<int32_t>(ctx.attributes().get_int("zero_point", 0));
  }
  const std::vector<float> bias = column_floats(ctx, 6, columns, 0, "the bias");
  const float a = scalar(ctx, 2, "the scale of the left operand");
  const Steps steps = first_steps(ctx.attributes());
  if (const float out_scale = ctx.attributes().get_float("out_scale", 1); !(out_scale > 0))
    ctx.fail("'out_scale' is ", out_scale);
  out.activation = FinishedCodes(ctx.attributes()).with_needed_bounds();
  for (float& scale : out.scale) scale *= a;
  double most = 0; // of what is added to the products
  if (auto multiples = bias_steps(bias, out.scale, columns)) {
    out.bias = std::move(*multiples);
  } else {
    out.bias_f32 = bias;
    for (float& value : out.bias_f32) most += std::abs(value = steps.of(value));
  }
  for (float& scale : out.scale) scale = steps.of(scale);
  const double top = out.activation.top, shift = std::abs(double{out.activation.shift});
  out.bounded = std::isfinite(out.activation.slope) &&
                are_bounded(out.scale, out.bias, most + shift / top, size, top);
  return out;
}

std::vector<int64_t> codes_of_inner_codes(const Attributes& attributes) {
  const FinishedCodes finished(attributes);
  std::vector<int64_t> codes;
  for (float x = finished.activation().lo; x <= finished.activation().hi; ++x)
    codes.push_back(std::llrint(finished.of(x)));
  return codes;
}

} // namespace octet

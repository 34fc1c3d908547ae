// Operands and expectations shared by the tests of the integer kernels.
#pragma once

#include <algorithm>
#include <array>
#include <cfenv>
#include <cmath>
#include <cstring>
#include <string_view>

#include "kernels/qdot/pack.h"
#include "kernels/qgemm/output.h"
#include "tests/kernels/random.h"
#include "tests/kernels/with_isa.h"

namespace octet::kernels::test {

inline constexpr QOutput kOutputs[] = {QOutput::i32, QOutput::f32, QOutput::u8, QOutput::s8,
                                       QOutput::s16};

/// The output type that a family or function name carries.
inline QOutput output_of(std::string_view name) {
  if (name.ends_with("i32")) return QOutput::i32;
  if (name.ends_with("f32")) return QOutput::f32;
  if (name.ends_with("u8")) return QOutput::u8;
  if (name.ends_with("s16")) return QOutput::s16;
  return QOutput::s8;
}

/// Owns the arrays of a QOutputParams. Scales are chosen so that some values saturate.
class OutputOperands {
public:
  OutputOperands(Random& random, QOutput output, size_t n, size_t k)
      : w_zero_(random.integers<int32_t>(column_capacity(n), -128, 127)),
        bias_(random.integers<int32_t>(column_capacity(n), -5000, 5000)),
        bias_f32_(random.reals(column_capacity(n), -1.0f, 1.0f)) {
    const float typical = 10000.0f * std::sqrt(static_cast<float>(k));
    const float reach = output == QOutput::f32 ? 1.0f : 150.0f;
    scale_ = random.reals(column_capacity(n), 0.1f * reach / typical, reach / typical);
    params_.scale = scale_.data();
    if (random.chance()) params_.w_zero = w_zero_.data();
    if (random.chance()) params_.bias = bias_.data();
    if (random.chance()) params_.bias_f32 = bias_f32_.data();
    if (random.chance()) params_.lo = 0.0f;
    if (random.chance()) params_.hi = 0.5f;
    params_.a_scale = random.real(0.5f, 1.5f);
    const int lowest = output == QOutput::s8 ? -128 : 0;
    params_.zero_point = lowest + random.integer(0, 255);
    params_.qmin = lowest;
    params_.qmax = lowest + 255;
    if (random.chance()) params_.qmin = std::max(params_.qmin, params_.zero_point);
    set_activation(random);
    params_.bounded = random.chance();
  }

  QOutputParams& params() { return params_; }

private:
  void set_activation(Random& random) {
    constexpr QFunction kFunctions[] = {QFunction::none, QFunction::none, QFunction::leaky_relu,
                                        QFunction::hard_swish};
    QActivation& activation = params_.activation;
    activation.function = kFunctions[random.integer(0, 3)];
    activation.top = random.chance() ? 1.0f : random.real(0.1f, 2.0f);
    activation.slope = random.real(0.0f, activation.top);
    if (random.chance()) activation.shift = random.real(-20.0f, 20.0f);
    activation.rounds = random.chance();
    if (random.chance()) activation.lo = static_cast<float>(random.integer(-255, 0));
    if (random.chance()) activation.hi = static_cast<float>(random.integer(0, 255));
  }

  std::vector<int32_t> w_zero_;
  std::vector<int32_t> bias_;
  std::vector<float> bias_f32_;
  std::vector<float> scale_;
  QOutputParams params_;
};

/// Selects byte dot products for a scope.
struct WithByteDot {
  struct Kind {
    ByteDot reading;
    ByteDotSteps steps;
  };
  static std::vector<Kind> all() {
    std::vector<Kind> kinds;
    for (const ByteDot reading : {ByteDot::unsigned_activations, ByteDot::signed_activations})
      for (const ByteDotSteps steps : {ByteDotSteps::one, ByteDotSteps::two})
        kinds.push_back({reading, steps});
    return kinds;
  }

  explicit WithByteDot(Kind kind) { select_byte_dot(kind.reading, kind.steps); }
  ~WithByteDot() { select_byte_dot(ByteDot::none); }
  WithByteDot(const WithByteDot&) = delete;
};

/// Whether the kernels for `isa` read as selected. In an engine the kernel pack's have its reading,
/// or none; all others have both.
inline bool has_selected_byte_dot(Isa isa) {
  const ByteDotSteps steps = byte_dot_steps();
  const KernelTable& table = kernel_table(isa);
  ByteDotFn* const dot = steps == ByteDotSteps::one ? table.byte_dot : table.byte_dot7;
  return tried_byte_dot(dot, steps) == byte_dot();
}

/// Random weights that the selected products take. For products in two steps sometimes all are
/// large, sometimes none, sometimes few.
inline std::vector<uint8_t> dot_weights(Random& random, size_t count, bool is_unsigned) {
  if (byte_dot_steps() == ByteDotSteps::one) return random.integers<uint8_t>(count, 0, 255);
  const int large_of_16 = std::array{0, 4, 16}[random.size(0, 2)];
  std::vector<uint8_t> weights;
  for (size_t i = 0; i < count; ++i) {
    const int most = random.integer(0, 15) < large_of_16 ? kMostPairWeight : kMostPairWeight / 4;
    const int weight = random.integer(-most, most);
    weights.push_back(static_cast<uint8_t>(weight + (is_unsigned ? kMostPairWeight : 0)));
  }
  return weights;
}

/// Operands of a byte dot product, and the same for one of int16.
struct ByteDotOperands {
  ByteDotOperands(Random& random, size_t activations, size_t n, size_t k,
                  const QOutputParams& params)
      : is_unsigned(random.chance()), codes(random.integers<uint8_t>(activations, 0, 255)),
        weights(dot_weights(random, n * k, is_unsigned)), wide_params(params) {
    const bool is_signed = byte_dot() == ByteDot::signed_activations;
    a_zero = is_signed ? random.integer(-128, 127) : random.integer(0, 255);
    for (const uint8_t code : codes)
      wide.push_back(static_cast<int16_t>((is_signed ? static_cast<int8_t>(code) : code) - a_zero));
    // uint8 may be stored as less than for int16, and its zero points with it.
    const int32_t shift = is_unsigned ? 128 - dot_weight_offset() : 0;
    if (params.w_zero || shift != 0) zeros.assign(column_capacity(n), shift);
    for (size_t i = 0; params.w_zero && i < zeros.size(); ++i) zeros[i] += params.w_zero[i];
  }

  bool is_unsigned; // the weights
  int32_t a_zero;
  std::vector<uint8_t> codes;
  std::vector<uint8_t> weights;
  std::vector<int32_t> zeros;
  std::vector<int16_t> wide;
  QOutputParams wide_params;
};

/// The output step of kernels/qdot/pack.h; k counts the weights of a column.
struct ByteDotColumns {
  ByteDotColumns(const ByteDotOperands& operand, const std::vector<int32_t>& sums, size_t k)
      : bias(column_capacity(sums.size()), 0), params(operand.wide_params) {
    for (size_t n = 0; n < sums.size(); ++n) {
      const int32_t zero = operand.zeros.empty() ? 0 : operand.zeros[n];
      bias[n] = (params.bias ? params.bias[n] : 0) -
                operand.a_zero * (sums[n] - static_cast<int32_t>(k) * zero);
    }
    params.w_zero = operand.zeros.empty() ? nullptr : operand.zeros.data();
    params.bias = bias.data();
  }
  ByteDotColumns(const ByteDotColumns&) = delete;

  std::vector<int32_t> bias;
  QOutputParams params;
};

/// One output element as bytes, computed from the exact sums by the formula of output.h.
inline std::vector<char> expected_output(QOutput output, int64_t acc, int64_t row_sum, size_t n,
                                         const QOutputParams& p) {
  int64_t t = acc;
  if (p.w_zero) t -= p.w_zero[n] * row_sum;
  if (p.bias) t += p.bias[n];
  const auto real = static_cast<float>(t);
  std::vector<char> bytes(output_bytes(output));
  const auto give = [&](auto value) { std::memcpy(bytes.data(), &value, sizeof value); };
  if (output == QOutput::i32) {
    give(static_cast<int32_t>(t));
  } else if (output == QOutput::f32) {
    float x = real * (p.a_scale * p.scale[n]);
    if (p.bias_f32) x += p.bias_f32[n];
    give(std::min(std::max(x, p.lo), p.hi));
  } else {
    float x = real * p.scale[n];
    if (p.bias_f32) x += p.bias_f32[n];
    const QActivation& activation = p.activation;
    if (activation.function != QFunction::none && activation.rounds)
      x = std::clamp(std::nearbyint(x), activation.lo, activation.hi);
    const float slope = activation.slope, top = activation.top;
    if (activation.function == QFunction::hard_swish)
      x = x * std::min(std::max(x * slope + 0.5f * top, 0.0f), top) + activation.shift;
    else if (activation.function == QFunction::leaky_relu)
      x = std::max(x * top, x * slope) + activation.shift;
    const double rounded = std::nearbyint(static_cast<double>(x));
    const double q = std::clamp<double>(rounded + p.zero_point, p.qmin, p.qmax);
    if (output == QOutput::u8)
      give(static_cast<uint8_t>(q));
    else if (output == QOutput::s8)
      give(static_cast<int8_t>(q));
    else
      give(static_cast<int16_t>(q - p.zero_point));
  }
  return bytes;
}

} // namespace octet::kernels::test

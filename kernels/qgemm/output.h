// What becomes of the int32 accumulators of an integer kernel: the finishing step shared by
// qgemm, qgemv, qconv and qdwconv. It runs on the registers of a tile, so no int32 matrix exists
// in memory unless it was asked for.
//
// With acc[m][n] = Σ_k a[m][k]·w[k][n], a = activation minus its zero point, w = weight as stored:
//   t   = acc − w_zero[n]·Σ_k a[m][k] + bias[n]                          (int32, wraps)
//   i32 : y = t
//   f32 : y = clamp(float(t)·(a_scale·scale[n]) + bias_f32[n], lo, hi)    (NaN passes through)
//   u8, s8 : y = clamp(round_half_even(float(t)·scale[n] + bias_f32[n]), qmin − zero_point,
//                qmax − zero_point) + zero_point
//   s16 : the same without the final "+ zero_point": the form the next integer kernel reads.
// With an activation f the last three round f(x) + shift instead, x = float(t)·scale[n] +
// bias_f32[n]:
//   leaky_relu : f(x) = max(top·x, slope·x), 0 ≤ slope ≤ top
//   hard_swish : f(x) = x·min(max(slope·x + top/2, 0), top), which is top·s·HardSwish(x/s) for a
//                slope of top/(6·s)
// and where codes stood between the product and f, it reads these:
//   x = clamp(round_half_even(float(t)·scale[n] + bias_f32[n]), lo, hi)
// u8 and s8 are ONNX QLinearConv / QLinearMatMul with scale[n] = a_scale·w_scale[n] / y_scale
// computed in float, evaluated in the order onnxruntime uses. Multiplications and additions are
// rounded one by one (no fused multiply-add), so every variant gives the same bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace octet::kernels {

/// Columns (output channels) of one packed weight panel.
inline constexpr size_t kPanelWidth = 8;

/// Rows (output pixels) that one call of a matrix tile computes.
inline constexpr size_t kTileRows = 4;

enum class QOutput : uint8_t { i32, f32, u8, s8, s16 };
enum class QFunction : uint8_t { none, leaky_relu, hard_swish };

inline constexpr size_t output_bytes(QOutput output) noexcept {
  switch (output) {
  case QOutput::i32:
  case QOutput::f32:
    return 4;
  case QOutput::s16:
    return 2;
  case QOutput::u8:
  case QOutput::s8:
    return 1;
  }
  return 0;
}

/// Entries that each per-column array below must hold for n columns: kernels load them a whole
/// panel at a time. What the entries past n contain does not matter.
inline constexpr size_t column_capacity(size_t n) noexcept {
  return n + kPanelWidth - 1;
}

/// What is applied before the last rounding; with `rounds`, to whole numbers between bounds, which
/// may be infinite.
struct QActivation {
  QFunction function = QFunction::none;
  float slope = 0.0f;
  float top = 1.0f;
  float shift = 0.0f;
  bool rounds = false;
  float lo = -std::numeric_limits<float>::infinity();
  float hi = std::numeric_limits<float>::infinity();
};

/// Arrays are indexed by column and not owned. A null array is left out of the formula.
struct QOutputParams {
  const int32_t* w_zero = nullptr;
  const int32_t* bias = nullptr;
  const float* scale = nullptr; // required but for i32
  const float* bias_f32 = nullptr;
  float a_scale = 1.0f;
  float lo = -std::numeric_limits<float>::infinity();
  float hi = std::numeric_limits<float>::infinity();
  int32_t zero_point = 0;
  int32_t qmin = 0;
  int32_t qmax = 255;
  QActivation activation = {};
  // What is rounded lies within ±kMostRounded whatever the activations: rounding goes without
  // looking.
  bool bounded = false;
};

/// The largest numbers that SIMD kernels round to integers in one addition.
inline constexpr float kMostRounded = 0x1p22f;

/// The same for the columns from n on.
inline QOutputParams columns_from(QOutputParams params, size_t n) noexcept {
  if (params.w_zero) params.w_zero += n;
  if (params.bias) params.bias += n;
  if (params.scale) params.scale += n;
  if (params.bias_f32) params.bias_f32 += n;
  return params;
}

} // namespace octet::kernels

// The transforms before and after the matrix products of a Winograd convolution: of one panel of
// weights, and of one tile.
#pragma once

#include "kernels/gemm_f32/tile.h"
#include "kernels/qgemm/output.h"
#include "kernels/winograd/geometry.h"

namespace octet::kernels {

/// Channels are transformed in vectors of 16 bytes, the last of which may overlap the one before.
inline constexpr size_t kWinogradLeastChannels = 8;

inline constexpr size_t kWinogradTaps = 9, kWinogradLineTaps = 3;

/// 4 · G g Gᵀ of whole numbers, G g Gᵀ of others, of lines 24 · G g and G g: to[position ·
/// position_step + i] for each index i of a panel, whose taps lie tap_elements apart.
struct QWinogradWeights {
  bool is_line = false;
  const int8_t* panel = nullptr; // as kernels/qgemm/tile.h has it, of an even number of channels
  size_t tap_elements = 0;
  const int32_t* zero = nullptr; // of the panel's columns, subtracted; null when all are 0
  int16_t* to = nullptr;
  size_t position_step = 0;
};
struct FWinogradWeights {
  bool is_line = false;
  const float* panel = nullptr; // as kernels/gemm_f32/tile.h has it
  size_t tap_elements = 0;
  float* to = nullptr;
  size_t position_step = 0;
};

/// Bᵀ d B, of lines Bᵀ d: to[position · position_step + c] of every channel c.
template <class T>
struct WinogradInput {
  bool is_line = false;
  const T* pixels[kWinogradPositions] = {}; // row by row, each readable for all channels
  size_t channels = 0;                      // at least kWinogradLeastChannels
  T* to = nullptr;
  size_t position_step = 0;
};

/// Aᵀ m A, of lines Aᵀ m, and the output step, for columns [column_begin, column_end) of the tile's
/// four pixels. The sums begin at column_begin.
struct QWinogradOutput {
  bool is_line = false;
  const int32_t* sums = nullptr; // readable for a whole panel at the end
  size_t position_step = 0;
  size_t column_begin = 0;               // multiple of kPanelWidth
  size_t column_end = 0;                 // a multiple of kPanelWidth, or the last column
  void* y[kWinogradOutputs] = {};        // the output pixels, from column 0
  const QOutputParams* params = nullptr; // w_zero is null
};
struct FWinogradOutput {
  bool is_line = false;
  const float* sums = nullptr;
  size_t position_step = 0;
  size_t column_begin = 0;
  size_t column_end = 0;
  float* y[kWinogradOutputs] = {};
  FOutputParams params = {};
};

/// F(4, 3) at the points 0, ±p, ±2p and infinity: p, its square, and what weights are multiplied by
/// beside the powers of their point.
template <class T>
struct WinogradLine;
template <>
struct WinogradLine<int16_t> {
  static constexpr int16_t kPoint = 1, kSquare = 1;
  static constexpr int16_t kFirst = 6, kSmall = -4, kLarge = 1, kLast = 24;
};
template <>
struct WinogradLine<float> {
  static constexpr float kPoint = 0.70710678f, kSquare = 0.5f;
  static constexpr float kFirst = 1.0f, kSmall = -2.0f / 3, kLarge = 1.0f / 6, kLast = 1.0f;
};

/// Modulo 2^32.
inline constexpr int32_t kInverseOfThree = -0x55555555;

using QWinogradWeightsFn = void(const QWinogradWeights& panel) noexcept;
using FWinogradWeightsFn = void(const FWinogradWeights& panel) noexcept;
using QWinogradInputFn = void(const WinogradInput<int16_t>& tile) noexcept;
using FWinogradInputFn = void(const WinogradInput<float>& tile) noexcept;
using QWinogradOutputFn = void(const QWinogradOutput& tile) noexcept;
using FWinogradOutputFn = void(const FWinogradOutput& tile) noexcept;

} // namespace octet::kernels

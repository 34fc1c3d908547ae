// The transforms before and after the matrix products of a Winograd convolution: of one panel of
// weights, and of one tile.
#pragma once

#include "kernels/gemm_f32/tile.h"
#include "kernels/qgemm/output.h"
#include "kernels/winograd/geometry.h"

namespace octet::kernels {

/// Channels are transformed in vectors of 16 bytes, the last of which may overlap the one before.
inline constexpr size_t kWinogradLeastChannels = 8;

inline constexpr size_t kWinogradTaps = 9;

/// 4 · G g Gᵀ of whole numbers, G g Gᵀ of others: to[position · position_step + i] for each index i
/// of a panel, whose nine taps lie tap_elements apart.
struct QWinogradWeights {
  const int8_t* panel = nullptr; // as kernels/qgemm/tile.h has it, of an even number of channels
  size_t tap_elements = 0;
  const int32_t* zero = nullptr; // of the panel's columns, subtracted; null when all are 0
  int16_t* to = nullptr;
  size_t position_step = 0;
};
struct FWinogradWeights {
  const float* panel = nullptr; // as kernels/gemm_f32/tile.h has it
  size_t tap_elements = 0;
  float* to = nullptr;
  size_t position_step = 0;
};

/// Bᵀ d B: to[position · position_step + c] of every channel c.
template <class T>
struct WinogradInput {
  const T* pixels[kWinogradPositions] = {}; // row by row, each readable for all channels
  size_t channels = 0;                      // at least kWinogradLeastChannels
  T* to = nullptr;
  size_t position_step = 0;
};

/// Aᵀ m A and the output step, for columns [column_begin, column_end) of the tile's 2x2 pixels. The
/// sums begin at column_begin.
struct QWinogradOutput {
  const int32_t* sums = nullptr; // readable for a whole panel at the end
  size_t position_step = 0;
  size_t column_begin = 0;               // multiple of kPanelWidth
  size_t column_end = 0;                 // a multiple of kPanelWidth, or the last column
  void* y[4] = {};                       // the output pixels, from column 0
  const QOutputParams* params = nullptr; // w_zero is null
};
struct FWinogradOutput {
  const float* sums = nullptr;
  size_t position_step = 0;
  size_t column_begin = 0;
  size_t column_end = 0;
  float* y[4] = {};
  FOutputParams params = {};
};

using QWinogradWeightsFn = void(const QWinogradWeights& panel) noexcept;
using FWinogradWeightsFn = void(const FWinogradWeights& panel) noexcept;
using QWinogradInputFn = void(const WinogradInput<int16_t>& tile) noexcept;
using FWinogradInputFn = void(const WinogradInput<float>& tile) noexcept;
using QWinogradOutputFn = void(const QWinogradOutput& tile) noexcept;
using FWinogradOutputFn = void(const FWinogradOutput& tile) noexcept;

} // namespace octet::kernels

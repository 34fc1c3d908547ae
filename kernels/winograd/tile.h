// The transforms before and after the matrix products of a Winograd convolution, for one tile.
#pragma once

#include "kernels/gemm_f32/tile.h"
#include "kernels/qgemm/output.h"
#include "kernels/winograd/geometry.h"

namespace octet::kernels {

/// Channels are transformed in vectors of 16 bytes, the last of which may overlap the one before.
inline constexpr size_t kWinogradLeastChannels = 8;

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

using QWinogradInputFn = void(const WinogradInput<int16_t>& tile) noexcept;
using FWinogradInputFn = void(const WinogradInput<float>& tile) noexcept;
using QWinogradOutputFn = void(const QWinogradOutput& tile) noexcept;
using FWinogradOutputFn = void(const FWinogradOutput& tile) noexcept;

} // namespace octet::kernels

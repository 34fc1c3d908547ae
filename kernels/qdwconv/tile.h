// The two kernels under qdwconv.
//
// i32x4.dot adds two products, so two rows of the image are interleaved first, element by element:
// each of them once, where an output pixel reads them as often as a kernel row has taps. The tile
// then walks over pairs of kernel rows. Packed weights (written by pack_dwconv_weights): for each
// group of 4 channels, for each pair of kernel rows, for each column: 4 channels × 2 rows of int16,
// 16 bytes. Kernel rows are padded to even, channels to a multiple of 8, with zeros. With an odd
// number of kernel rows a second set follows, in which the padding comes first.
#pragma once

#include "kernels/qgemm/output.h"

namespace octet::kernels {

/// Channels that one vector of pairs or weights holds, and its elements.
inline constexpr size_t kDwChannels = 4;
inline constexpr size_t kDwPairs = 2 * kDwChannels;

/// Two rows of an image, interleaved into pixels of `channels` pairs, padded with zeros to a
/// multiple of kPanelWidth. A null row is zeros.
struct QDwRowPair {
  const int16_t* even = nullptr;
  const int16_t* odd = nullptr;
  size_t x_stride = 0; // elements between pixels
  size_t channels = 0;
  size_t pixels = 0;
  int16_t* to = nullptr;
};

inline constexpr size_t paired_pixel_elements(size_t channels) noexcept {
  return (channels + kPanelWidth - 1) / kPanelWidth * kPanelWidth * 2;
}

/// Output pixels of one row that see the same taps, all channels. Windows that reach into the
/// padding come with fewer columns. Strides count elements.
struct QDwTile {
  const int16_t* const* x = nullptr; // [row_pairs], under the first tap of the first pixel
  size_t row_pairs = 0;
  size_t columns = 0;         // taps of a row
  size_t x_column = 0;        // from a tap to the next
  size_t x_pixel = 0;         // from an output pixel to the next
  const int16_t* w = nullptr; // of the first tap of the first pair, channels 0 to 3
  size_t w_row = 0;           // from a pair of kernel rows to the next
  size_t w_channels = 0;      // from a group of 4 channels to the next
  size_t channels = 0;
  size_t pixels = 0;
  void* y = nullptr;
  size_t y_pixel = 0;                    // bytes from an output pixel to the next
  const QOutputParams* params = nullptr; // w_zero is null
};

using QDwRowPairFn = void(const QDwRowPair& rows) noexcept;
using QDwTileFn = void(const QDwTile& tile) noexcept;

} // namespace octet::kernels

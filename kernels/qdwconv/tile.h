// The kernels under qdwconv.
//
// One instruction multiplies and adds the codes of several rows of the image: i32x4.dot two rows of
// int16, a byte dot product (kernels/qdot/byte_dot.h) four rows of bytes. So that many rows are
// interleaved first, element by element: each of them once, where an output pixel reads them as
// often as a kernel row has taps. Four channels are 16 bytes in either form. Tiles then walk over
// groups of kernel rows, and count all in int16 elements. Packed weights: for each group of 4
// channels, for each group of kernel rows, for each column: 4 channels × the rows of the group, 16
// bytes. Kernel rows are padded to whole groups, channels to a multiple of 8, with zeros. Where
// there is room in the last group, a second set follows, in which one row of padding comes first.
#pragma once

#include "kernels/qgemm/output.h"

namespace octet::kernels {

/// Channels that one vector of interleaved rows or weights holds, and its elements.
inline constexpr size_t kDwChannels = 4;
inline constexpr size_t kDwElements = 8;

/// Rows that are interleaved: as int16 and as bytes.
inline constexpr size_t kDwPair = 2, kDwQuad = 4;

/// Rows of an image, interleaved into pixels whose channels are padded with zeros to a multiple of
/// kPanelWidth. The kernel says how many, and of which type.
struct QDwRows {
  const void* rows[kDwQuad] = {};
  size_t strides[kDwQuad] = {}; // elements between pixels
  size_t channels = 0;
  size_t pixels = 0;
  int16_t* to = nullptr;
};

inline constexpr size_t interleaved_pixel_elements(size_t channels) noexcept {
  return (channels + kPanelWidth - 1) / kPanelWidth * kPanelWidth * 2;
}

/// Output pixels of one row, all channels. Strides count elements.
struct QDwTile {
  const int16_t* const* x = nullptr; // [row_groups], under the first tap of the first pixel
  size_t row_groups = 0;
  size_t columns = 0;         // taps of a row
  size_t x_column = 0;        // from a tap to the next
  size_t x_pixel = 0;         // from an output pixel to the next
  const int16_t* w = nullptr; // of the first tap of the first group, channels 0 to 3
  size_t w_row = 0;           // from a group of kernel rows to the next
  size_t w_channels = 0;      // from a group of 4 channels to the next
  size_t channels = 0;
  size_t pixels = 0;
  void* y = nullptr;
  size_t y_pixel = 0;                    // bytes from an output pixel to the next
  const QOutputParams* params = nullptr; // w_zero is null
};

using QDwRowsFn = void(const QDwRows& rows) noexcept;
using QDwTileFn = void(const QDwTile& tile) noexcept;

} // namespace octet::kernels

// The matrix tile under qgemm, qgemv and qconv: up to four output rows times a range of columns.
//
// A row of the product is not one contiguous vector but `taps` runs of `k` activations, each found
// through a pointer; that one rule covers a matrix row (taps = 1) and a convolution window
// (taps = kernel positions, a padded position points at zeros).
//
// Packed weights ("panels", written by pack_weights): for each group of 8 columns, for each tap,
// for each pair of k: 8 columns × 2 k of int8, 16 bytes. k is padded to even in every tap and n to
// a multiple of 8, with zeros. One 16-byte piece times the pair (a[k], a[k+1]) is two i32x4.dot.
//
// Where many rows pass by the same columns, their panels may come widened to int16 (`wide`): in a
// cache that saves the widening in each tile.
#pragma once

#include "kernels/qgemm/output.h"

namespace octet::kernels {

/// Rows past the last real one repeat it, in `a` as in `c`: they compute and store the same values
/// again. Tiles of one row (family qgemv_*) read only the first pointer of each tap.
struct QTile {
  const int16_t* const* a = nullptr; // [taps][kTileRows], each readable for k elements
  size_t taps = 1;
  size_t k = 0;
  const int8_t* b = nullptr;     // packed weights, from column 0
  size_t column_begin = 0;       // multiple of kPanelWidth
  size_t column_end = 0;         // a multiple of kPanelWidth, or the last column of the matrix
  const int16_t* wide = nullptr; // panels from column_begin on, in place of b, 16-byte aligned
  void* c[kTileRows] = {};       // rows of the output, from column 0
  const QOutputParams* params = nullptr;
  int32_t row_sum[kTileRows] = {}; // Σ a of each row; read only where params->w_zero is set
};

using QTileFn = void(const QTile& tile) noexcept;

/// Σ of x[0..n): the row sums that weights with a zero point need.
using QRowSumFn = int32_t(const int16_t* x, size_t n) noexcept;

} // namespace octet::kernels

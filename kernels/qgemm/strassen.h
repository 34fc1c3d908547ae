// Strassen's product in Winograd's form: seven products of half the size in place of eight, which
// for integers gives the same bits, as sums wrap at 32 bits. S. Winograd 1971; D. E. Knuth, The Art
// of Computer Programming 2, 4.6.4.
//
// A block is 8 rows × 16 columns over all of k. Halves are two tiles of four rows, two panels of
// eight columns, and the two halves of k:
//   S1 = A21 + A22   S2 = S1 − A11    S3 = A11 − A21   S4 = A12 − S2
//   T1 = B12 − B11   T2 = B22 − T1    T3 = B22 − B12   T4 = B21 − T2
//   U1 = A11·B11     U2 = U1 + S2·T2  U3 = U2 + S3·T3  U4 = S1·T1
//   C11 = U1 + A12·B21    C12 = U2 + U4 + S4·B22
//   C21 = U3 + A22·T4     C22 = U3 + U4
// Operands are combined once, in the order of these products: rows for all columns, panels, widened
// to int16, for all rows. |S| and |T| stay below 2^10.
#pragma once

#include "kernels/qgemm/qgemm.h"

namespace octet::kernels {

inline constexpr size_t kBlockRows = 8;
inline constexpr size_t kBlockColumns = 2 * kPanelWidth;
inline constexpr size_t kBlockProducts = 7;

/// Elements of the combined operands of one block; k is a multiple of 4.
inline constexpr size_t block_row_elements(size_t k) noexcept {
  return kBlockProducts * k / 2 * (kBlockRows / 2);
}
inline constexpr size_t block_panel_elements(size_t k) noexcept {
  return kBlockProducts * k / 2 * kPanelWidth;
}

/// Combines eight rows, `stride` elements apart: A11, A12, S2, S3, S1, S4, A22, each as pairs of k
/// of its four rows.
using QCombineRowsFn = void(const int16_t* a, size_t stride, size_t k, int16_t* rows) noexcept;

/// Combines two packed panels (see tile.h): B11, B21, T2, T3, T1, B22, T4, each as pairs of k of
/// its eight columns.
using QCombinePanelsFn = void(const int8_t* b, size_t k, int16_t* panels) noexcept;

struct QBlock {
  const int16_t* rows = nullptr;
  const int16_t* panels = nullptr;
  size_t k = 0;
  size_t column_begin = 0;
  void* c = nullptr;   // of row 0, column 0
  size_t c_stride = 0; // bytes between rows
  const QOutputParams* params = nullptr;
  const int32_t* row_sum = nullptr; // Σ a of each row; read only where params->w_zero is set
};
using QBlockFn = void(const QBlock& block) noexcept;

/// True when a product of this size gains by it.
bool strassen_pays(size_t rows, size_t n, size_t k) noexcept;

/// Bytes of combined rows, and of the panels that a running call combines; both 16-byte aligned.
size_t combined_row_bytes(size_t rows, size_t k) noexcept;
size_t combined_panel_bytes(size_t k) noexcept;

/// Combines the whole blocks among rows [row_begin, row_end), row_begin a multiple of kBlockRows.
/// `combined` has room for all rows. Ranges that do not overlap may run on different threads.
void combine_rows(const QGemm& args, size_t row_begin, size_t row_end, void* combined) noexcept;

/// Computes whole blocks of rows [row_begin, row_end) and of the columns from 0 on; returns how
/// many rows and columns these are. strassen_pays for the range.
struct BlockedPart {
  size_t rows, columns;
};
BlockedPart qgemm_strassen(const QGemm& args, size_t row_begin, size_t row_end) noexcept;

} // namespace octet::kernels

// Integer matrix product C[m, n] = A[m, k] · B[k, n] with the finishing steps of output.h.
//
// A is int16: the quantized activation minus its zero point (−255 … 255, see kernels/convert/).
// B is int8, packed by pack_weights. Sums wrap at 32 bits, far beyond k = 65,000.
#pragma once

#include "kernels/qgemm/output.h"

namespace octet::kernels {

struct QGemm {
  size_t m = 0;
  size_t n = 0;
  size_t k = 0;
  const int16_t* a = nullptr;
  size_t a_stride = 0; // elements between rows, ≥ k
  const int8_t* b = nullptr;
  const int16_t* wide = nullptr; // for qgemv: the panels widened, in place of b, 16-byte aligned
  void* c = nullptr;             // element type as `output` says
  size_t c_stride = 0;           // elements between rows, ≥ n
  bool byte_dot = false;         // a and b as kernels/qdot/pack.h has them
  QOutput output = QOutput::f32;
  QOutputParams params = {};
  // For Strassen's product: the rows as combine_rows (strassen.h) leaves them, and
  // combined_panel_bytes(k) of memory for each running call. Null to multiply the plain way, as
  // byte products are.
  const void* combined_rows = nullptr;
  void* panels = nullptr;
};

/// Computes rows [row_begin, row_end). Ranges that do not overlap may run on different threads;
/// begin ranges at multiples of kTileRows, or of kBlockRows where rows are combined.
void qgemm(const QGemm& args, size_t row_begin, size_t row_end) noexcept;

/// The product with columns [begin, end) of B alone, begin a multiple of kPanelWidth: the other way
/// to split one.
QGemm columns_of(const QGemm& args, size_t begin, size_t end) noexcept;

} // namespace octet::kernels

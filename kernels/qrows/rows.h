// The product of many short rows with a matrix: the windows of a first layer, gathered
// (kernels/qconv/gathered.h). Weights are panels of one tap (kernels/qgemm/tile.h); all rows pass
// by a panel before the next, in one call, as single tiles of so little work would cost as much in
// calls.
//
// Four rows may be one output row, the largest of them: maximum pooling before the output step,
// which rises with its sums when scales are positive and the activation rises, too.
#pragma once

#include "kernels/qgemm/output.h"

namespace octet::kernels {

inline constexpr size_t kPooledRows = 4;

struct QRows {
  const int16_t* a = nullptr; // [rows], each readable up to an even k
  size_t a_stride = 0;        // elements
  size_t rows = 0;            // a multiple of kPooledRows when pooled
  size_t k = 0;
  const int8_t* b = nullptr; // packed weights; those beside an odd k are zeros
  size_t columns = 0;
  void* c = nullptr;
  size_t c_stride = 0;              // bytes between output rows
  const int32_t* row_sum = nullptr; // [rows], Σ a; read only where params->w_zero is set
  bool pools = false;               // with w_zero null
  const QOutputParams* params = nullptr;
};

using QRowsFn = void(const QRows& rows) noexcept;

} // namespace octet::kernels

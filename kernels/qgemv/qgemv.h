// The integer product of few rows (m ≤ 3, one token or one LSTM step) with a large matrix: bound
// by reading the weights once, and split by columns rather than by rows.
#pragma once

#include "kernels/qgemm/qgemm.h"

namespace octet::kernels {

/// Rows up to which qgemv is the better choice; qgemm gives the same bits for any m.
inline constexpr size_t kMaxGemvRows = 3;

/// Computes columns [column_begin, column_end) of every row: column_begin a multiple of
/// kPanelWidth, column_end as well or equal to args.n.
void qgemv(const QGemm& args, size_t column_begin, size_t column_end) noexcept;

} // namespace octet::kernels

#include <algorithm>

#include "kernels/dispatch.h"
#include "kernels/qgemm/output_reference.h"
#include "kernels/qgemm/pack.h"

namespace octet::kernels {
namespace {

int32_t row_product(const QRows& rows, size_t row, size_t n) noexcept {
  const int16_t* a = rows.a + row * rows.a_stride;
  const int8_t* b = rows.b + n / kPanelWidth * packed_panel_bytes(1, rows.k) + n % kPanelWidth * 2;
  int32_t acc = 0;
  for (size_t k = 0; k < rows.k; ++k)
    acc = wrap_add(acc, a[k] * b[k / 2 * 2 * kPanelWidth + k % 2]);
  return acc;
}

template <QOutput kOutput>
void run_rows(const QRows& rows) noexcept {
  const size_t step = rows.pools ? kPooledRows : 1;
  char* c = static_cast<char*>(rows.c);
  for (size_t row = 0; row < rows.rows; row += step, c += rows.c_stride)
    for (size_t n = 0; n < rows.columns; ++n) {
      int32_t acc = row_product(rows, row, n);
      for (size_t r = 1; r < step; ++r) acc = std::max(acc, row_product(rows, row + r, n));
      store_output_reference<kOutput>(acc, rows.row_sum ? rows.row_sum[row] : 0, n, *rows.params,
                                      c);
    }
}

} // namespace

void qs16_qc8w_rows_i32_4x8_reference(const QRows& rows) noexcept {
  run_rows<QOutput::i32>(rows);
}
void qs16_qc8w_rows_f32_4x8_reference(const QRows& rows) noexcept {
  run_rows<QOutput::f32>(rows);
}
void qs16_qc8w_rows_u8_4x8_reference(const QRows& rows) noexcept {
  run_rows<QOutput::u8>(rows);
}
void qs16_qc8w_rows_s8_4x8_reference(const QRows& rows) noexcept {
  run_rows<QOutput::s8>(rows);
}
void qs16_qc8w_rows_s16_4x8_reference(const QRows& rows) noexcept {
  run_rows<QOutput::s16>(rows);
}

} // namespace octet::kernels

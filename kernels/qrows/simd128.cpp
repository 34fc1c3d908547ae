#include "kernels/dispatch.h"
#include "kernels/qgemm/pack.h"
#include "kernels/qgemm/tile_simd128.h"

namespace octet::kernels {
namespace {

V8 larger(const V8& a, const V8& b) noexcept {
  return {wasm_i32x4_max(a.lo, b.lo), wasm_i32x4_max(a.hi, b.hi)};
}

/// Four rows that are `stride` apart from `first` on, of which the last is repeated where there are
/// fewer.
template <class T>
struct FourRows {
  T* row[kTileRows];

  FourRows(T* first, size_t stride, size_t count) noexcept
      : row{first, first + (count > 1 ? stride : 0), nullptr, nullptr} {
    row[2] = row[1] + (count > 2 ? stride : 0);
    row[3] = row[2] + (count > 3 ? stride : 0);
  }
};

template <QOutput kOutput>
void run_panel(const QRows& rows, const OutputStep<kOutput>& output, const int8_t* b,
               size_t n) noexcept {
  const V8 initial = output.initial(n);
  const size_t even_k = (rows.k + 1) / 2 * 2;
  const size_t c_step = rows.c_stride * (rows.pools ? 1 : kTileRows);
  const int16_t* a = rows.a;
  char* c = static_cast<char*>(rows.c);
  for (size_t row = 0; row < rows.rows; row += kTileRows) {
    const size_t count = rows.rows - row;
    const FourRows<const int16_t> from(a, rows.a_stride, count);
    V8 acc[kTileRows] = {initial, initial, initial, initial};
    add_tap<PairProduct>(acc, from.row, b, even_k);
    if (rows.pools) {
      V8 largest[] = {larger(larger(acc[0], acc[1]), larger(acc[2], acc[3]))};
      void* const to[] = {c};
      output.store_begun(largest, nullptr, n, rows.columns, to);
    } else {
      const FourRows<char> to(c, rows.c_stride, count);
      void* const pointers[] = {to.row[0], to.row[1], to.row[2], to.row[3]};
      int32_t sums[kTileRows];
      for (size_t r = 0; rows.row_sum && r < kTileRows; ++r)
        sums[r] = rows.row_sum[row + (r < count ? r : count - 1)];
      output.store_begun(acc, sums, n, rows.columns, pointers);
    }
    a += kTileRows * rows.a_stride;
    c += c_step;
  }
}

template <QOutput kOutput>
void run_rows(const QRows& rows) noexcept {
  const OutputStep<kOutput> output(*rows.params);
  const size_t panel_bytes = packed_panel_bytes(1, rows.k);
  const int8_t* b = rows.b;
  for (size_t n = 0; n < rows.columns; n += kPanelWidth, b += panel_bytes)
    run_panel(rows, output, b, n);
}

} // namespace

void qs16_qc8w_rows_i32_4x8_simd128(const QRows& rows) noexcept {
  run_rows<QOutput::i32>(rows);
}
void qs16_qc8w_rows_f32_4x8_simd128(const QRows& rows) noexcept {
  run_rows<QOutput::f32>(rows);
}
void qs16_qc8w_rows_u8_4x8_simd128(const QRows& rows) noexcept {
  run_rows<QOutput::u8>(rows);
}
void qs16_qc8w_rows_s8_4x8_simd128(const QRows& rows) noexcept {
  run_rows<QOutput::s8>(rows);
}
void qs16_qc8w_rows_s16_4x8_simd128(const QRows& rows) noexcept {
  run_rows<QOutput::s16>(rows);
}

} // namespace octet::kernels

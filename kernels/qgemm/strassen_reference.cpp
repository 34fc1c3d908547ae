#include "kernels/dispatch.h"
#include "kernels/qgemm/output_reference.h"
#include "kernels/qgemm/strassen.h"

namespace octet::kernels {
namespace {

/// Element i of one half of k.
int16_t element(const int16_t* a, size_t stride, size_t k, size_t row, size_t half,
                size_t i) noexcept {
  return a[row * stride + half * (k / 2) + i];
}

/// Product `product` of one row and one column.
int32_t dot(const QBlock& block, size_t product, size_t row, size_t column) noexcept {
  const int16_t* a = block.rows + product * block.k / 2 * kTileRows;
  const int16_t* b = block.panels + product * block.k / 2 * kPanelWidth;
  int32_t sum = 0;
  for (size_t i = 0; i < block.k / 2; ++i)
    sum = wrap_add(sum, a[(i / 2 * kTileRows + row) * 2 + i % 2] *
                            b[(i / 2 * kPanelWidth + column) * 2 + i % 2]);
  return sum;
}

template <QOutput kOutput>
void run_block(const QBlock& block) noexcept {
  const auto store = [&](int32_t sum, size_t row, size_t column) {
    store_output_reference<kOutput>(sum, block.params->w_zero ? block.row_sum[row] : 0,
                                    block.column_begin + column, *block.params,
                                    static_cast<char*>(block.c) + row * block.c_stride);
  };
  for (size_t row = 0; row < kTileRows; ++row)
    for (size_t column = 0; column < kPanelWidth; ++column) {
      const auto product = [&](size_t i) { return dot(block, i, row, column); };
      const int32_t u1 = product(0), u2 = wrap_add(u1, product(2)), u3 = wrap_add(u2, product(3)),
                    u4 = product(4);
      store(wrap_add(u1, product(1)), row, column);
      store(wrap_add(wrap_add(u2, u4), product(5)), row, kPanelWidth + column);
      store(wrap_add(u3, product(6)), kTileRows + row, column);
      store(wrap_add(u3, u4), kTileRows + row, kPanelWidth + column);
    }
}

} // namespace

void qs16_combine_rows_reference(const int16_t* a, size_t stride, size_t k,
                                 int16_t* rows) noexcept {
  const size_t product = k / 2 * kTileRows;
  for (size_t i = 0; i < k / 2; ++i)
    for (size_t r = 0; r < kTileRows; ++r) {
      const int a11 = element(a, stride, k, r, 0, i), a12 = element(a, stride, k, r, 1, i),
                a21 = element(a, stride, k, kTileRows + r, 0, i),
                a22 = element(a, stride, k, kTileRows + r, 1, i);
      const int s1 = a21 + a22, s2 = s1 - a11;
      const int all[kBlockProducts] = {a11, a12, s2, a11 - a21, s1, a12 - s2, a22};
      for (size_t p = 0; p < kBlockProducts; ++p)
        rows[p * product + (i / 2 * kTileRows + r) * 2 + i % 2] = static_cast<int16_t>(all[p]);
    }
}

void qc8w_combine_panels_reference(const int8_t* b, size_t k, int16_t* panels) noexcept {
  const size_t half = k / 2 * kPanelWidth;
  for (size_t i = 0; i < half; ++i) {
    const int b11 = b[i], b21 = b[half + i], b12 = b[2 * half + i], b22 = b[3 * half + i];
    const int t1 = b12 - b11, t2 = b22 - t1;
    const int all[kBlockProducts] = {b11, b21, t2, b22 - b12, t1, b22, b21 - t2};
    for (size_t p = 0; p < kBlockProducts; ++p) panels[p * half + i] = static_cast<int16_t>(all[p]);
  }
}

void qs16_qc8w_block_i32_8x16_reference(const QBlock& block) noexcept {
  run_block<QOutput::i32>(block);
}
void qs16_qc8w_block_f32_8x16_reference(const QBlock& block) noexcept {
  run_block<QOutput::f32>(block);
}
void qs16_qc8w_block_u8_8x16_reference(const QBlock& block) noexcept {
  run_block<QOutput::u8>(block);
}
void qs16_qc8w_block_s8_8x16_reference(const QBlock& block) noexcept {
  run_block<QOutput::s8>(block);
}
void qs16_qc8w_block_s16_8x16_reference(const QBlock& block) noexcept {
  run_block<QOutput::s16>(block);
}

} // namespace octet::kernels

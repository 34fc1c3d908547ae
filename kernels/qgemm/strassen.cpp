#include "kernels/qgemm/strassen.h"

#include "kernels/dispatch.h"
#include "kernels/qgemm/pack.h"

namespace octet::kernels {
namespace {

constexpr size_t kLeastRows = 32;

/// What one block of rows keeps in scratch: its row sums, then the combined rows.
size_t block_bytes(size_t k) noexcept {
  return kBlockRows * sizeof(int32_t) + block_row_elements(k) * sizeof(int16_t);
}

QBlockFn* block_kernel(QOutput output) noexcept {
  const KernelTable& table = kernel_table();
  switch (output) {
  case QOutput::i32:
    return table.qgemm_block_i32;
  case QOutput::f32:
    return table.qgemm_block_f32;
  case QOutput::u8:
    return table.qgemm_block_u8;
  case QOutput::s8:
    return table.qgemm_block_s8;
  case QOutput::s16:
    return table.qgemm_block_s16;
  }
  return nullptr;
}

void combine_block(const QGemm& args, size_t row, char* to) noexcept {
  auto* row_sum = reinterpret_cast<int32_t*>(to);
  const int16_t* a = args.a + row * args.a_stride;
  for (size_t r = 0; args.params.w_zero && r < kBlockRows; ++r)
    row_sum[r] = kernel_table().qgemm_row_sum(a + r * args.a_stride, args.k);
  kernel_table().qgemm_combine_rows(a, args.a_stride, args.k,
                                    reinterpret_cast<int16_t*>(row_sum + kBlockRows));
}

} // namespace

bool strassen_pays(size_t rows, size_t n, size_t k) noexcept {
  constexpr size_t kLeastK = 128;
  return rows >= kLeastRows && n >= kBlockColumns && k >= kLeastK && k % 4 == 0;
}

size_t combined_row_bytes(size_t rows, size_t k) noexcept {
  return rows / kBlockRows * block_bytes(k);
}

size_t combined_panel_bytes(size_t k) noexcept {
  return block_panel_elements(k) * sizeof(int16_t);
}

void combine_rows(const QGemm& args, size_t row_begin, size_t row_end, void* combined) noexcept {
  for (size_t row = row_begin; row + kBlockRows <= row_end; row += kBlockRows)
    combine_block(args, row, static_cast<char*>(combined) + combined_row_bytes(row, args.k));
}

BlockedPart qgemm_strassen(const QGemm& args, size_t row_begin, size_t row_end) noexcept {
  const BlockedPart part{.rows = (row_end - row_begin) / kBlockRows * kBlockRows,
                         .columns = args.n / kBlockColumns * kBlockColumns};
  QBlockFn* const compute = block_kernel(args.output);
  auto* const panels = static_cast<int16_t*>(args.panels);
  QBlock block{.panels = panels,
               .k = args.k,
               .c_stride = args.c_stride * output_bytes(args.output),
               .params = &args.params};
  for (size_t n = 0; n < part.columns; n += kBlockColumns) {
    kernel_table().qgemm_combine_panels(args.b + n / kPanelWidth * packed_panel_bytes(1, args.k),
                                        args.k, panels);
    block.column_begin = n;
    for (size_t row = row_begin; row < row_begin + part.rows; row += kBlockRows) {
      const char* rows =
          static_cast<const char*>(args.combined_rows) + combined_row_bytes(row, args.k);
      block.row_sum = reinterpret_cast<const int32_t*>(rows);
      block.rows = reinterpret_cast<const int16_t*>(block.row_sum + kBlockRows);
      block.c = static_cast<char*>(args.c) + row * block.c_stride;
      compute(block);
    }
  }
  return part;
}

} // namespace octet::kernels

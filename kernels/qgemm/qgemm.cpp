#include "kernels/qgemm/qgemm.h"

#include <algorithm>

#include "kernels/qdot/pack.h"
#include "kernels/qgemm/pack.h"
#include "kernels/qgemm/strassen.h"
#include "kernels/qgemm/tile_kernels.h"

namespace octet::kernels {
namespace {

/// Rows [row_begin, row_end) of the columns that the tile names.
void run_rows(const QGemm& args, QTile& tile, size_t row_begin, size_t row_end) noexcept {
  const TileKernels kernels = tile_kernels(args.output, args.byte_dot);
  const int16_t* a[kTileRows];
  tile.a = a;
  for (size_t row = row_begin; row < row_end; row += kTileRows) {
    const size_t rows = std::min(kTileRows, row_end - row);
    for (size_t r = 0; r < kTileRows; ++r)
      a[r] = args.a + (row + std::min(r, rows - 1)) * args.a_stride;
    set_output_rows(tile,
                    static_cast<char*>(args.c) + row * args.c_stride * output_bytes(args.output),
                    args.c_stride, args.output, rows);
    set_row_sums(tile, rows, kernels.row_sum);
    run_tile(kernels, tile, rows);
  }
}

/// Columns from column_begin on.
void run_columns(const QGemm& args, size_t column_begin, size_t row_begin,
                 size_t row_end) noexcept {
  QTile tile{.taps = 1, .k = args.k, .b = args.b, .params = &args.params};
  WidePanels wide(tile, row_end - row_begin, args.byte_dot);
  for (size_t n = column_begin; n < args.n; n += wide.columns()) {
    tile.column_begin = n;
    tile.column_end = std::min(args.n, n + wide.columns());
    wide.load(tile);
    run_rows(args, tile, row_begin, row_end);
  }
}

} // namespace

void qgemm(const QGemm& args, size_t row_begin, size_t row_end) noexcept {
  if (!args.combined_rows || !strassen_pays(row_end - row_begin, args.n, args.k))
    return run_columns(args, 0, row_begin, row_end);
  const BlockedPart done = qgemm_strassen(args, row_begin, row_end);
  run_columns(args, done.columns, row_begin, row_begin + done.rows);
  run_columns(args, 0, row_begin + done.rows, row_end);
}

QGemm columns_of(const QGemm& args, size_t begin, size_t end) noexcept {
  QGemm part = args;
  part.n = end - begin;
  const size_t skipped =
      begin / kPanelWidth *
      (args.byte_dot ? packed_dot_panel_bytes(1, args.k) : packed_panel_bytes(1, args.k));
  if (part.wide)
    part.wide += skipped;
  else
    part.b += skipped;
  part.c = static_cast<char*>(args.c) + begin * output_bytes(args.output);
  part.params = columns_from(args.params, begin);
  return part;
}

} // namespace octet::kernels

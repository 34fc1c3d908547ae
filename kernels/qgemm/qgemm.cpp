#include "kernels/qgemm/qgemm.h"

#include <algorithm>

#include "kernels/qgemm/tile_kernels.h"

namespace octet::kernels {
void qgemm(const QGemm& args, size_t row_begin, size_t row_end) noexcept {
  const TileKernels kernels = tile_kernels(args.output);
  const size_t block = columns_per_block(1, args.k);
  const int16_t* a[kTileRows];
  QTile tile{.a = a, .taps = 1, .k = args.k, .b = args.b, .params = &args.params};
  for (size_t n = 0; n < args.n; n += block) {
    tile.column_begin = n;
    tile.column_end = std::min(args.n, n + block);
    for (size_t row = row_begin; row < row_end; row += kTileRows) {
      const size_t rows = std::min(kTileRows, row_end - row);
      for (size_t r = 0; r < kTileRows; ++r)
        a[r] = args.a + (row + std::min(r, rows - 1)) * args.a_stride;
      set_output_rows(tile,
                      static_cast<char*>(args.c) + row * args.c_stride * output_bytes(args.output),
                      args.c_stride, args.output, rows);
      set_row_sums(tile, rows);
      run_tile(kernels, tile, rows);
    }
  }
}

} // namespace octet::kernels

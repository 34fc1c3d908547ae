#include "kernels/qgemv/qgemv.h"

#include "kernels/qgemm/pack.h"
#include "kernels/qgemm/tile_kernels.h"

namespace octet::kernels {

void qgemv(const QGemm& args, size_t column_begin, size_t column_end) noexcept {
  const TileKernels kernels = tile_kernels(args.output, args.byte_dot);
  const int16_t* a[kTileRows];
  QTile tile{.a = a,
             .taps = 1,
             .k = args.k,
             .b = args.b,
             .column_begin = column_begin,
             .column_end = column_end,
             .wide = args.wide ? args.wide + packed_weight_bytes(column_begin, 1, args.k) : nullptr,
             .params = &args.params};
  for (size_t row = 0; row < args.m; ++row) {
    a[0] = args.a + row * args.a_stride;
    tile.c[0] = static_cast<char*>(args.c) + row * args.c_stride * output_bytes(args.output);
    set_row_sums(tile, 1, kernels.row_sum);
    kernels.one_row(tile);
  }
}

} // namespace octet::kernels

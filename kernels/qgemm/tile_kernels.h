// Picks the matrix tiles for an output type and runs tiles of one to four rows with them.
#pragma once

#include "kernels/qgemm/tile.h"

namespace octet::kernels {

struct TileKernels {
  QTileFn* four_rows;
  QTileFn* one_row;
};

TileKernels tile_kernels(QOutput output) noexcept;

/// Points tile.c at `rows` output rows that are `stride` elements apart, repeating the last one.
void set_output_rows(QTile& tile, void* c, size_t stride, QOutput output, size_t rows) noexcept;

/// Fills tile.row_sum where the weights have zero points.
void set_row_sums(QTile& tile, size_t rows) noexcept;

/// Columns whose weights stay in a second-level cache while the rows pass by.
size_t columns_per_block(size_t taps, size_t k) noexcept;

inline void run_tile(const TileKernels& kernels, const QTile& tile, size_t rows) noexcept {
  (rows == 1 ? kernels.one_row : kernels.four_rows)(tile);
}

} // namespace octet::kernels

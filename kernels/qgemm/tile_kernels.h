// Picks the matrix tiles for an output type and runs tiles of one to four rows with them.
#pragma once

#include "kernels/qgemm/tile.h"

namespace octet::kernels {

struct TileKernels {
  QTileFn* four_rows;
  QTileFn* one_row;
  QRowSumFn* row_sum;
};

/// `byte_dot`: those of kernels/qdot/.
TileKernels tile_kernels(QOutput output, bool byte_dot) noexcept;

/// Points tile.c at `rows` output rows that are `stride` elements apart, repeating the last one.
void set_output_rows(QTile& tile, void* c, size_t stride, QOutput output, size_t rows) noexcept;

/// Fills tile.row_sum where the weights have zero points.
void set_row_sums(QTile& tile, size_t rows, QRowSumFn* row_sum) noexcept;

/// The columns that all rows of a product pass by before the next ones: so many that their weights
/// stay in a first-level cache, widened, where there are enough rows, else in a second-level cache.
class WidePanels {
public:
  /// For products of `rows` rows with the taps and k of `tile`. Byte dot products need no widening.
  WidePanels(const QTile& tile, size_t rows, bool byte_dot) noexcept;

  /// A multiple of kPanelWidth.
  size_t columns() const noexcept { return columns_; }
  /// Widens the columns that the tile names, if that is the choice.
  void load(QTile& tile) noexcept;

private:
  static constexpr size_t kElements = 16 * 1024;
  size_t panel_elements_;
  bool widens_;
  size_t columns_;
  alignas(16) int16_t wide_[kElements];
};

inline void run_tile(const TileKernels& kernels, const QTile& tile, size_t rows) noexcept {
  (rows == 1 ? kernels.one_row : kernels.four_rows)(tile);
}

} // namespace octet::kernels

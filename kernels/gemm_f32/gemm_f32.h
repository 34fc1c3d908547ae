// Float matrix product C[m, n] = clamp(A[m, k] · B[k, n] + bias[n], lo, hi).
#pragma once

#include <cstdint>

#include "kernels/gemm_f32/tile.h"

namespace octet::kernels {

/// A weight tensor of any layout, read through strides (in elements): the element of column n, tap
/// t, index k is data[n·n_stride + t·tap_stride + k·k_stride].
///   MatMul  B[K, N]          n_stride 1, k_stride N
///   Gemm    B[N, K], transB  n_stride K, k_stride 1
struct FWeights {
  const float* data = nullptr;
  size_t n = 0;
  size_t k = 0;
  size_t taps = 1;
  ptrdiff_t n_stride = 0;
  ptrdiff_t k_stride = 0;
  ptrdiff_t tap_stride = 0;
};

/// Floats of the packed matrix. The caller has checked that the product does not overflow.
size_t packed_f32_elements(size_t n, size_t taps, size_t k) noexcept;
void pack_f32(const FWeights& w, float* packed) noexcept;

struct FGemm {
  size_t m = 0;
  size_t n = 0;
  size_t k = 0;
  const float* a = nullptr;
  size_t a_stride = 0;      // elements between rows, ≥ k
  const float* b = nullptr; // packed by pack_f32
  float* c = nullptr;
  size_t c_stride = 0; // elements between rows, ≥ n
  FOutputParams params = {};
};

/// Computes rows [row_begin, row_end). Ranges that do not overlap may run on different threads;
/// begin ranges at multiples of kFTileRows.
void gemm_f32(const FGemm& args, size_t row_begin, size_t row_end) noexcept;

/// The product with columns [begin, end) of B alone, begin a multiple of kFPanelWidth: the other
/// way to split one.
FGemm columns_of(const FGemm& args, size_t begin, size_t end) noexcept;

/// Picks the tile for `rows` (1 … kFTileRows) and runs it.
void run_f32_tile(const FTile& tile, size_t rows) noexcept;

/// Columns whose weights stay in a second-level cache while the rows pass by.
size_t f32_columns_per_block(size_t taps, size_t k) noexcept;

} // namespace octet::kernels

// The kernels under qb4.h, and the layout of packed weights.
//
// Codes: for each panel of 8 columns, for each 8 of k: 32 bytes, 16 for four columns. They are
// eight little-endian 16-bit lanes, two per column, for even and odd k; a lane holds the codes of
// four pairs of k, the first in its lowest 4 bits.
// Scales and zero points: for each panel, for each block: 8 floats. Columns past the last have
// scale 0. k is padded to whole blocks.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octet::kernels {

/// A row of activations: codes in −127 … 127, and for each block of k a scale and Σ codes.
///
/// Factors are for lanes of 16 bits that are shifted right by 0, 4, 8 and 12 but not masked, so
/// that later pairs of k stand above the one that is wanted. In each 8 of k
///   factor[k] = code[k] − 16 · code[k − 2]   (without the second term for k < 2)
/// where the second term takes off what the pair k stands for in the lane of the pair before; the
/// four lanes times their factors add up to codes times codes.
struct Qb8Row {
  int8_t* codes = nullptr;    // [blocks · block], zeros past k; see qb8_place
  int16_t* factors = nullptr; // [blocks · block]
  float* scales = nullptr;    // [blocks]
  float* sums = nullptr;      // [blocks]
};

/// x[0, k) → row, per block: scale = max|x| / 127, code = round_half_even(x · (127 / max|x|)).
using Qb8QuantizeFn = void(const float* x, size_t k, size_t block, const Qb8Row& row) noexcept;

/// Columns [column_begin, column_end) of one row of the product; column_begin is a multiple of
/// kPanelWidth, column_end as well or the last column. `bias` is null or holds whole panels.
struct Qb4Tile {
  Qb8Row a;
  size_t blocks = 0;
  size_t block = 0;
  const uint8_t* codes = nullptr; // of column 0, as the next three
  const float* scales = nullptr;
  const float* zeros = nullptr;
  const float* bias = nullptr;
  float* c = nullptr;
  size_t column_begin = 0;
  size_t column_end = 0;
};
using Qb4TileFn = void(const Qb4Tile& tile) noexcept;

/// One panel as floats, scale · (code − zero), in the layout of gemm_f32: to[k][8].
struct Qb4Panel {
  const uint8_t* codes = nullptr;
  const float* scales = nullptr;
  const float* zeros = nullptr;
  size_t blocks = 0;
  size_t block = 0;
  float* to = nullptr;
};
using Qb4UnpackFn = void(const Qb4Panel& panel) noexcept;

/// The byte of a panel's codes, and the shift in it, of column n at index k.
struct Qb4Place {
  size_t byte;
  unsigned shift;
};
inline Qb4Place qb4_place(size_t n, size_t k) noexcept {
  const size_t lane = n * 2 + k % 2, pair = k % 8 / 2;
  return {k / 8 * 32 + lane * 2 + pair / 2, static_cast<unsigned>(pair % 2 * 4)};
}
/// The place in a row's codes of index k: each 8 in the order of a column's bytes in a panel, lower
/// halves first.
inline size_t qb8_place(size_t k) noexcept {
  const Qb4Place place = qb4_place(0, k);
  return k / 8 * 8 + place.shift + place.byte % 4;
}
inline size_t qb4_panel_bytes(size_t blocks, size_t block) noexcept {
  return blocks * block * 4;
}

} // namespace octet::kernels

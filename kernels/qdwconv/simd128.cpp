#include "kernels/dispatch.h"
#include "kernels/qdwconv/tile_simd128.h"

namespace octet::kernels {
namespace {

struct PairProduct {
  static v128_t add(v128_t sums, v128_t pixels, v128_t weights) noexcept {
    return wasm_i32x4_add(sums, wasm_i32x4_dot_i16x8(pixels, weights));
  }
};

/// The first `bytes` (< 16), then zeros.
v128_t load_first_bytes(const char* x, size_t bytes) noexcept {
  char first[16] = {};
  for (size_t i = 0; i < bytes; ++i) first[i] = x[i];
  return wasm_v128_load(first);
}

/// Eight channels of int16 of two rows.
void store_pairs(const v128_t (&x)[kDwPair], int16_t* to) noexcept {
  wasm_v128_store(to, wasm_i16x8_shuffle(x[0], x[1], 0, 8, 1, 9, 2, 10, 3, 11));
  wasm_v128_store(to + 8, wasm_i16x8_shuffle(x[0], x[1], 4, 12, 5, 13, 6, 14, 7, 15));
}

v128_t interleave_low(v128_t a, v128_t b) noexcept {
  return wasm_i8x16_shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

/// Eight channels of bytes of four rows.
void store_quads(const v128_t (&x)[kDwQuad], int16_t* to) noexcept {
  const v128_t upper = interleave_low(x[0], x[1]), lower = interleave_low(x[2], x[3]);
  store_pairs({upper, lower}, to);
}

/// load(x) gives eight channels, store(vectors, to) writes those of all rows interleaved.
template <class T, size_t kRows, class Load, class Store>
void interleave(const QDwRows& rows, Load&& load, Store&& store) noexcept {
  const size_t whole = rows.channels / kPanelWidth * kPanelWidth, rest = rows.channels - whole;
  const T* x[kRows];
  for (size_t r = 0; r < kRows; ++r) x[r] = static_cast<const T*>(rows.rows[r]);
  int16_t* to = rows.to;
  v128_t vectors[kRows];
  for (size_t p = 0; p < rows.pixels; ++p) {
    for (size_t c = 0; c < whole; c += kPanelWidth, to += 2 * kPanelWidth) {
      for (size_t r = 0; r < kRows; ++r) vectors[r] = load(x[r] + c);
      store(vectors, to);
    }
    if (rest > 0) {
      for (size_t r = 0; r < kRows; ++r)
        vectors[r] =
            load_first_bytes(reinterpret_cast<const char*>(x[r] + whole), rest * sizeof(T));
      store(vectors, to);
      to += 2 * kPanelWidth;
    }
    for (size_t r = 0; r < kRows; ++r) x[r] += rows.strides[r];
  }
}

} // namespace

void x16_pair_rows_simd128(const QDwRows& rows) noexcept {
  interleave<int16_t, kDwPair>(
      rows, [](const int16_t* x) { return wasm_v128_load(x); }, store_pairs);
}
void x8_quad_rows_simd128(const QDwRows& rows) noexcept {
  interleave<uint8_t, kDwQuad>(
      rows, [](const uint8_t* x) { return wasm_v128_load64_zero(x); }, store_quads);
}

void qs16_qc16w_dwconv_i32_4x8_simd128(const QDwTile& tile) noexcept {
  run_tile<QOutput::i32, PairProduct>(tile);
}
void qs16_qc16w_dwconv_f32_4x8_simd128(const QDwTile& tile) noexcept {
  run_tile<QOutput::f32, PairProduct>(tile);
}
void qs16_qc16w_dwconv_u8_4x8_simd128(const QDwTile& tile) noexcept {
  run_tile<QOutput::u8, PairProduct>(tile);
}
void qs16_qc16w_dwconv_s8_4x8_simd128(const QDwTile& tile) noexcept {
  run_tile<QOutput::s8, PairProduct>(tile);
}
void qs16_qc16w_dwconv_s16_4x8_simd128(const QDwTile& tile) noexcept {
  run_tile<QOutput::s16, PairProduct>(tile);
}

} // namespace octet::kernels

// Square tiles of kTile<T> elements are transposed by interleaving: first neighbouring rows element
// by element, then the results in runs twice as long, until a run is a column of the tile. Columns
// that do not fill a tile are copied one by one; missing rows repeat the last.
#include <algorithm>
#include <type_traits>

#include "kernels/dispatch.h"
#include "kernels/vectors_simd128.h"

namespace octet::kernels {
namespace {

/// Elements of a side.
template <class T>
constexpr size_t kTile = sizeof(T) == 4 ? 4 : 8;

template <size_t kBytes>
V8 interleave(v128_t a, v128_t b) noexcept {
  if constexpr (kBytes == 1)
    return {wasm_i8x16_shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23),
            wasm_i8x16_shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)};
  else if constexpr (kBytes == 2)
    return {wasm_i16x8_shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11),
            wasm_i16x8_shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15)};
  else if constexpr (kBytes == 4)
    return {wasm_i32x4_shuffle(a, b, 0, 4, 1, 5), wasm_i32x4_shuffle(a, b, 2, 6, 3, 7)};
  else
    return {wasm_i64x2_shuffle(a, b, 0, 2), wasm_i64x2_shuffle(a, b, 1, 3)};
}

/// Stores the first `rows` elements of a column. kFull: rows is kTile.
template <class T, bool kFull>
void store_column(v128_t v, size_t rows, T* y) noexcept {
  if constexpr (!kFull)
    store_first_bytes(v, rows * sizeof(T), reinterpret_cast<char*>(y));
  else if constexpr (sizeof(T) == 1)
    wasm_v128_store64_lane(y, v, 0);
  else
    wasm_v128_store(y, v);
}

template <class T>
v128_t load_row(const T* x) noexcept {
  if constexpr (sizeof(T) == 1) return wasm_v128_load64_zero(x);
  return wasm_v128_load(x);
}

template <bool kFull>
void transpose_tile(const uint32_t* const* x, size_t rows, uint32_t* y,
                    ptrdiff_t to_stride) noexcept {
  const V8 a = interleave<4>(load_row(x[0]), load_row(x[1]));
  const V8 b = interleave<4>(load_row(x[2]), load_row(x[3]));
  const V8 columns[] = {interleave<8>(a.lo, b.lo), interleave<8>(a.hi, b.hi)};
  for (const V8& pair : columns) {
    store_column<uint32_t, kFull>(pair.lo, rows, y);
    store_column<uint32_t, kFull>(pair.hi, rows, y + to_stride);
    y += 2 * to_stride;
  }
}

template <bool kFull>
void transpose_tile(const uint16_t* const* x, size_t rows, uint16_t* y,
                    ptrdiff_t to_stride) noexcept {
  V8 a[4], b[4];
  for (size_t i = 0; i < 4; ++i) a[i] = interleave<2>(load_row(x[2 * i]), load_row(x[2 * i + 1]));
  for (size_t i = 0; i < 4; i += 2) {
    b[i] = interleave<4>(a[i].lo, a[i + 1].lo);
    b[i + 1] = interleave<4>(a[i].hi, a[i + 1].hi);
  }
  const V8 columns[] = {interleave<8>(b[0].lo, b[2].lo), interleave<8>(b[0].hi, b[2].hi),
                        interleave<8>(b[1].lo, b[3].lo), interleave<8>(b[1].hi, b[3].hi)};
  for (const V8& pair : columns) {
    store_column<uint16_t, kFull>(pair.lo, rows, y);
    store_column<uint16_t, kFull>(pair.hi, rows, y + to_stride);
    y += 2 * to_stride;
  }
}

template <bool kFull>
void transpose_tile(const uint8_t* const* x, size_t rows, uint8_t* y,
                    ptrdiff_t to_stride) noexcept {
  v128_t a[4];
  for (size_t i = 0; i < 4; ++i)
    a[i] = interleave<1>(load_row(x[2 * i]), load_row(x[2 * i + 1])).lo;
  const V8 b[] = {interleave<2>(a[0], a[1]), interleave<2>(a[2], a[3])};
  const V8 c[] = {interleave<4>(b[0].lo, b[1].lo), interleave<4>(b[0].hi, b[1].hi)};
  for (const V8& four : c)
    for (const v128_t pair : {four.lo, four.hi}) {
      store_column<uint8_t, kFull>(pair, rows, y);
      store_column<uint8_t, kFull>(wasm_i64x2_shuffle(pair, pair, 1, 1), rows, y + to_stride);
      y += 2 * to_stride;
    }
}

/// kTile rows, of which the first `rows` are real.
template <class T, bool kFull>
void transpose_rows(const T* x, ptrdiff_t from_stride, T* y, ptrdiff_t to_stride, size_t rows,
                    size_t columns) noexcept {
  const T* row[kTile<T>];
  for (size_t r = 0; r < kTile<T>; ++r)
    row[r] = x + static_cast<ptrdiff_t>(std::min(r, rows - 1)) * from_stride;
  size_t c = 0;
  for (; c + kTile<T> <= columns; c += kTile<T>) {
    transpose_tile<kFull>(row, rows, y, to_stride);
    for (const T*& p : row) p += kTile<T>;
    y += static_cast<ptrdiff_t>(kTile<T>) * to_stride;
  }
  for (; c < columns; ++c, y += to_stride)
    for (size_t r = 0; r < rows; ++r) y[r] = *row[r]++;
}

template <class T>
void transpose(const void* from, ptrdiff_t from_stride, void* to, ptrdiff_t to_stride, size_t rows,
               size_t columns) noexcept {
  const T* x = static_cast<const T*>(from);
  T* y = static_cast<T*>(to);
  size_t r = 0;
  for (; r + kTile<T> <= rows; r += kTile<T>) {
    transpose_rows<T, true>(x, from_stride, y + r, to_stride, kTile<T>, columns);
    x += static_cast<ptrdiff_t>(kTile<T>) * from_stride;
  }
  if (r < rows) transpose_rows<T, false>(x, from_stride, y + r, to_stride, rows - r, columns);
}

} // namespace

void x8_transpose_simd128(const void* from, ptrdiff_t from_stride, void* to, ptrdiff_t to_stride,
                          size_t rows, size_t columns) noexcept {
  transpose<uint8_t>(from, from_stride, to, to_stride, rows, columns);
}
void x16_transpose_simd128(const void* from, ptrdiff_t from_stride, void* to, ptrdiff_t to_stride,
                           size_t rows, size_t columns) noexcept {
  transpose<uint16_t>(from, from_stride, to, to_stride, rows, columns);
}
void x32_transpose_simd128(const void* from, ptrdiff_t from_stride, void* to, ptrdiff_t to_stride,
                           size_t rows, size_t columns) noexcept {
  transpose<uint32_t>(from, from_stride, to, to_stride, rows, columns);
}

} // namespace octet::kernels

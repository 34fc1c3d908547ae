#include "kernels/dispatch.h"
#include "kernels/qgemm/output_simd128.h"
#include "kernels/qgemm/strassen.h"

namespace octet::kernels {
namespace {

using Accumulators = V8[kTileRows];

/// Sums of a tile, [row][column].
struct alignas(16) TileSums {
  int32_t sums[kTileRows][kPanelWidth];
};

void load(const TileSums& from, Accumulators& acc) noexcept {
  for (size_t r = 0; r < kTileRows; ++r) acc[r] = load_v8(from.sums[r]);
}

void store(const Accumulators& acc, TileSums& to) noexcept {
  for (size_t r = 0; r < kTileRows; ++r) {
    wasm_v128_store(to.sums[r], acc[r].lo);
    wasm_v128_store(to.sums[r] + 4, acc[r].hi);
  }
}

void add(const TileSums& more, Accumulators& acc) noexcept {
  for (size_t r = 0; r < kTileRows; ++r) {
    const V8 row = load_v8(more.sums[r]);
    acc[r] = {wasm_i32x4_add(acc[r].lo, row.lo), wasm_i32x4_add(acc[r].hi, row.hi)};
  }
}

void add_products(V8& acc, v128_t a, const V8& b) noexcept {
  acc.lo = wasm_i32x4_add(acc.lo, wasm_i32x4_dot_i16x8(a, b.lo));
  acc.hi = wasm_i32x4_add(acc.hi, wasm_i32x4_dot_i16x8(a, b.hi));
}

/// What the products are added to, and where the sums go.
enum Sum : uint8_t { kZero, kU1, kU2 = kU1, kU3, kU4, kC11, kC12, kC21, kSums };
struct Step {
  Sum from, to;
};
constexpr Step kSteps[kBlockProducts] = {{kZero, kU1}, {kU1, kC11}, {kU1, kU2}, {kU2, kU3},
                                         {kZero, kU4}, {kU2, kC12}, {kU3, kC21}};

/// One loop for all products: accumulators that live on from one loop to the next are spilled
/// within the loops. C12 lacks U4.
void multiply(const QBlock& block, TileSums (&sums)[kSums]) noexcept {
  constexpr size_t kRowStep = 2 * kTileRows, kPanelStep = 2 * kPanelWidth;
  const int16_t* a = block.rows;
  const int16_t* b = block.panels;
  sums[kZero] = {};
  for (const Step& step : kSteps) {
    Accumulators acc;
    load(sums[step.from], acc);
    for (const int16_t* end = b + block.k / 4 * kPanelStep; b != end;
         b += kPanelStep, a += kRowStep) {
      const V8 weights = load_v8(b);
      add_products(acc[0], wasm_v128_load32_splat(a), weights);
      add_products(acc[1], wasm_v128_load32_splat(a + 2), weights);
      add_products(acc[2], wasm_v128_load32_splat(a + 4), weights);
      add_products(acc[3], wasm_v128_load32_splat(a + 6), weights);
    }
    store(acc, sums[step.to]);
  }
}

template <QOutput kOutput>
void run_block(const QBlock& block) noexcept {
  struct Quarter {
    Sum sum, more;
  };
  constexpr Quarter kQuarters[] = {{kC11, kZero}, {kC12, kU4}, {kC21, kZero}, {kU3, kU4}};
  TileSums sums[kSums];
  multiply(block, sums);
  const OutputStep<kOutput> output(*block.params);
  for (size_t i = 0; i < 4; ++i) {
    const size_t row = i / 2 * kTileRows, column = i % 2 * kPanelWidth;
    void* rows[kTileRows];
    for (size_t r = 0; r < kTileRows; ++r)
      rows[r] = static_cast<char*>(block.c) + (row + r) * block.c_stride;
    Accumulators acc;
    load(sums[kQuarters[i].sum], acc);
    add(sums[kQuarters[i].more], acc);
    output.store(acc, block.row_sum + row, block.column_begin + column,
                 block.column_begin + kBlockColumns, rows);
  }
}

/// Four rows of eight k become four pairs of k of each row.
struct RowPairs {
  v128_t pairs[4];
};
RowPairs load_pairs(const int16_t* a, size_t stride) noexcept {
  const v128_t r0 = wasm_v128_load(a), r1 = wasm_v128_load(a + stride),
               r2 = wasm_v128_load(a + 2 * stride), r3 = wasm_v128_load(a + 3 * stride);
  const v128_t low01 = wasm_i32x4_shuffle(r0, r1, 0, 4, 1, 5),
               low23 = wasm_i32x4_shuffle(r2, r3, 0, 4, 1, 5),
               high01 = wasm_i32x4_shuffle(r0, r1, 2, 6, 3, 7),
               high23 = wasm_i32x4_shuffle(r2, r3, 2, 6, 3, 7);
  return {{wasm_i64x2_shuffle(low01, low23, 0, 2), wasm_i64x2_shuffle(low01, low23, 1, 3),
           wasm_i64x2_shuffle(high01, high23, 0, 2), wasm_i64x2_shuffle(high01, high23, 1, 3)}};
}

/// One pair of k of each row.
v128_t load_pair(const int16_t* a, size_t stride) noexcept {
  const v128_t first = wasm_v128_load32_lane(a + stride, wasm_v128_load32_zero(a), 1);
  return wasm_v128_load32_lane(a + 3 * stride, wasm_v128_load32_lane(a + 2 * stride, first, 2), 3);
}

void store_row_sums(v128_t a11, v128_t a12, v128_t a21, v128_t a22, size_t product,
                    int16_t* to) noexcept {
  const v128_t s1 = wasm_i16x8_add(a21, a22), s2 = wasm_i16x8_sub(s1, a11);
  wasm_v128_store(to, a11);
  wasm_v128_store(to + product, a12);
  wasm_v128_store(to + 2 * product, s2);
  wasm_v128_store(to + 3 * product, wasm_i16x8_sub(a11, a21));
  wasm_v128_store(to + 4 * product, s1);
  wasm_v128_store(to + 5 * product, wasm_i16x8_sub(a12, s2));
  wasm_v128_store(to + 6 * product, a22);
}

} // namespace

void qs16_combine_rows_simd128(const int16_t* a, size_t stride, size_t k, int16_t* rows) noexcept {
  const size_t half = k / 2, product = half * kTileRows;
  const int16_t* below = a + kTileRows * stride;
  size_t i = 0;
  for (; i + 8 <= half; i += 8) {
    const RowPairs a11 = load_pairs(a + i, stride), a12 = load_pairs(a + half + i, stride),
                   a21 = load_pairs(below + i, stride), a22 = load_pairs(below + half + i, stride);
    for (size_t p = 0; p < 4; ++p)
      store_row_sums(a11.pairs[p], a12.pairs[p], a21.pairs[p], a22.pairs[p], product,
                     rows + i * kTileRows + p * 8);
  }
  for (; i < half; i += 2)
    store_row_sums(load_pair(a + i, stride), load_pair(a + half + i, stride),
                   load_pair(below + i, stride), load_pair(below + half + i, stride), product,
                   rows + i * kTileRows);
}

void qc8w_combine_panels_simd128(const int8_t* b, size_t k, int16_t* panels) noexcept {
  const size_t half = k / 2 * kPanelWidth;
  for (size_t i = 0; i < half; i += 8) {
    const v128_t b11 = wasm_i16x8_load8x8(b + i), b21 = wasm_i16x8_load8x8(b + half + i),
                 b12 = wasm_i16x8_load8x8(b + 2 * half + i),
                 b22 = wasm_i16x8_load8x8(b + 3 * half + i);
    const v128_t t1 = wasm_i16x8_sub(b12, b11), t2 = wasm_i16x8_sub(b22, t1);
    int16_t* to = panels + i;
    wasm_v128_store(to, b11);
    wasm_v128_store(to + half, b21);
    wasm_v128_store(to + 2 * half, t2);
    wasm_v128_store(to + 3 * half, wasm_i16x8_sub(b22, b12));
    wasm_v128_store(to + 4 * half, t1);
    wasm_v128_store(to + 5 * half, b22);
    wasm_v128_store(to + 6 * half, wasm_i16x8_sub(b21, t2));
  }
}

void qs16_qc8w_block_i32_8x16_simd128(const QBlock& block) noexcept {
  run_block<QOutput::i32>(block);
}
void qs16_qc8w_block_f32_8x16_simd128(const QBlock& block) noexcept {
  run_block<QOutput::f32>(block);
}
void qs16_qc8w_block_u8_8x16_simd128(const QBlock& block) noexcept {
  run_block<QOutput::u8>(block);
}
void qs16_qc8w_block_s8_8x16_simd128(const QBlock& block) noexcept {
  run_block<QOutput::s8>(block);
}
void qs16_qc8w_block_s16_8x16_simd128(const QBlock& block) noexcept {
  run_block<QOutput::s16>(block);
}

} // namespace octet::kernels

// A table for each lane; what is left of a vector goes to the reference.
#include <algorithm>
#include <bit>
#include <cmath>

#include "kernels/dispatch.h"
#include "kernels/simd.h"

namespace octet::kernels {
namespace {

// A whole number below 2^22 that is added to it stands in the low bits of the sum, as an integer.
constexpr float kIntegerBits = 0x1.8p23f;

struct SplatBins {
  v128_t per_width, first;

  explicit SplatBins(const BinRange& bins) noexcept
      : per_width(wasm_f32x4_splat(std::ldexp(1.0f, -bins.exponent))),
        first(wasm_i32x4_splat(std::bit_cast<int32_t>(kIntegerBits) + bins.first)) {}
};

// The product is exact, or, of wide bins, so small that it may be rounded to 0: then the sign of x
// decides.
template <bool kWide>
v128_t bins_of(const float* from, const SplatBins& bins) noexcept {
  const v128_t x = wasm_v128_load(from);
  v128_t bin = wasm_f32x4_floor(wasm_f32x4_mul(x, bins.per_width));
  if constexpr (kWide) {
    const v128_t is_negative = wasm_f32x4_lt(x, wasm_f32x4_splat(0));
    const v128_t highest =
        wasm_v128_bitselect(wasm_f32x4_splat(-1), wasm_f32x4_splat(kIntegerBits), is_negative);
    bin = wasm_f32x4_pmin(bin, highest);
  }
  return wasm_i32x4_sub(wasm_f32x4_add(bin, wasm_f32x4_splat(kIntegerBits)), bins.first);
}

template <bool kWide>
void count_vectors(const float* x, size_t n, const BinRange& bins, uint32_t* counts) noexcept {
  static_assert(kCountTables == 4);
  const SplatBins splat(bins);
  uint32_t* const tables[] = {counts, counts + bins.count, counts + 2 * bins.count,
                              counts + 3 * bins.count};
  for (size_t i = 0; i < n; i += 4) {
    const v128_t at = bins_of<kWide>(x + i, splat);
    ++tables[0][wasm_i32x4_extract_lane(at, 0)];
    ++tables[1][wasm_i32x4_extract_lane(at, 1)];
    ++tables[2][wasm_i32x4_extract_lane(at, 2)];
    ++tables[3][wasm_i32x4_extract_lane(at, 3)];
  }
}

// The largest of the lanes by a `max` of vectors.
template <class Max>
uint32_t largest_lane(v128_t v, Max max) noexcept {
  v = max(v, wasm_i32x4_shuffle(v, v, 2, 3, 0, 1));
  v = max(v, wasm_i32x4_shuffle(v, v, 1, 0, 3, 2));
  return static_cast<uint32_t>(wasm_i32x4_extract_lane(v, 0));
}

} // namespace

void f32_count_bins_simd128(const float* x, size_t n, const BinRange& bins,
                            uint32_t* counts) noexcept {
  const size_t whole = n - n % 4;
  if (bins.exponent > 0)
    count_vectors<true>(x, whole, bins, counts);
  else
    count_vectors<false>(x, whole, bins, counts);
  f32_count_bins_reference(x + whole, n - whole, bins, counts);
}

// The bits of floats, as integers with a sign, are in the order of the positive floats, all of them
// above the negative ones; without a sign, in the reverse order of the negative ones, all of them
// above the positive. Infinity and NaN come last in both.
FiniteRange f32_finite_range_simd128(const float* x, size_t n) noexcept {
  constexpr uint32_t kInfinity = 0x7f800000, kMinus = 0x80000000;
  const auto max_signed = [](v128_t a, v128_t b) { return wasm_i32x4_max(a, b); };
  const auto max_unsigned = [](v128_t a, v128_t b) { return wasm_u32x4_max(a, b); };
  v128_t high[2] = {wasm_i32x4_splat(0), wasm_i32x4_splat(0)};
  v128_t low[2] = {high[0], high[0]};
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (size_t v = 0; v < 2; ++v) {
      const v128_t bits = wasm_v128_load(x + i + 4 * v);
      high[v] = max_signed(high[v], bits);
      low[v] = max_unsigned(low[v], bits);
    }
  }
  const uint32_t most = largest_lane(max_signed(high[0], high[1]), max_signed);
  const uint32_t least = largest_lane(max_unsigned(low[0], low[1]), max_unsigned);
  FiniteRange range = f32_finite_range_reference(x + i, n - i);
  range.is_finite &= most < kInfinity && least < (kMinus | kInfinity);
  range.max = std::max(range.max, std::bit_cast<float>(most));
  if (least > kMinus) range.min = std::min(range.min, std::bit_cast<float>(least));
  return range;
}

} // namespace octet::kernels

// A table for each lane; what is left of a vector goes to the reference.
#include <cmath>

#include "kernels/dispatch.h"
#include "kernels/simd.h"

namespace octet::kernels {
namespace {

struct SplatBins {
  v128_t per_width, first;

  explicit SplatBins(const BinRange& bins) noexcept
      : per_width(wasm_f32x4_splat(std::ldexp(1.0f, -bins.exponent))),
        first(wasm_i32x4_splat(bins.first)) {}
};

// The product is exact, or so small that it is rounded to 0: then the sign of x decides.
v128_t bins_of(const float* from, const SplatBins& bins) noexcept {
  const v128_t x = wasm_v128_load(from);
  const v128_t bin =
      wasm_i32x4_trunc_sat_f32x4(wasm_f32x4_floor(wasm_f32x4_mul(x, bins.per_width)));
  const v128_t is_negative = wasm_f32x4_lt(x, wasm_f32x4_splat(0));
  // The comparison's −1 is the highest bin of a negative value.
  const v128_t highest = wasm_v128_or(is_negative, wasm_i32x4_splat(INT32_MAX));
  return wasm_i32x4_sub(wasm_i32x4_min(bin, highest), bins.first);
}

} // namespace

void f32_count_bins_simd128(const float* x, size_t n, const BinRange& bins,
                            uint32_t* counts) noexcept {
  static_assert(kCountTables == 4);
  const SplatBins splat(bins);
  uint32_t* const tables[] = {counts, counts + bins.count, counts + 2 * bins.count,
                              counts + 3 * bins.count};
  size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    const v128_t at = bins_of(x + i, splat);
    ++tables[0][wasm_i32x4_extract_lane(at, 0)];
    ++tables[1][wasm_i32x4_extract_lane(at, 1)];
    ++tables[2][wasm_i32x4_extract_lane(at, 2)];
    ++tables[3][wasm_i32x4_extract_lane(at, 3)];
  }
  f32_count_bins_reference(x + i, n - i, bins, counts);
}

} // namespace octet::kernels

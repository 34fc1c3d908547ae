// Blocks of whole vectors; what is left goes to the reference, which gives the same bits.
#include "kernels/dispatch.h"
#include "kernels/simd.h"

namespace octet::kernels {
namespace {

constexpr int kMantissaBits = 23, kBias = 127;

struct SplatLevels {
  v128_t before, positive, negative; // before: the biased exponent under the first level's

  explicit SplatLevels(const Log2Levels& levels) noexcept
      : before(wasm_i32x4_splat(levels.first + kBias - 1)),
        positive(wasm_i32x4_splat(levels.positive)), negative(wasm_i32x4_splat(levels.negative)) {}
};

v128_t level4(const float* from, const SplatLevels& levels) noexcept {
  const v128_t x = wasm_v128_load(from);
  const v128_t sign = wasm_v128_and(x, wasm_i32x4_splat(INT32_MIN));
  const v128_t rounded =
      wasm_i32x4_add(wasm_v128_xor(x, sign), wasm_i32x4_splat(1 << (kMantissaBits - 1)));
  const v128_t exponent = wasm_u32x4_shr(rounded, kMantissaBits);
  const v128_t most =
      wasm_v128_bitselect(levels.negative, levels.positive, wasm_i32x4_shr(sign, 31));
  v128_t count = wasm_i32x4_min(wasm_i32x4_sub(exponent, levels.before), most);
  count = wasm_i32x4_max(count, wasm_i32x4_splat(0));
  count = wasm_v128_and(count, wasm_f32x4_eq(x, x));
  // The float ±2^(count − 1); ½ for none, which truncates to 0.
  const v128_t magnitude =
      wasm_i32x4_shl(wasm_i32x4_add(count, wasm_i32x4_splat(kBias - 1)), kMantissaBits);
  return wasm_i32x4_trunc_sat_f32x4(wasm_v128_or(magnitude, sign));
}

} // namespace

void f32_qs16_log2_simd128(const float* x, size_t n, const Log2Levels& levels,
                           int16_t* y) noexcept {
  const SplatLevels splat(levels);
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    wasm_v128_store(y + i, wasm_i16x8_narrow_i32x4(level4(x + i, splat), level4(x + i + 4, splat)));
  f32_qs16_log2_reference(x + i, n - i, levels, y + i);
}

} // namespace octet::kernels

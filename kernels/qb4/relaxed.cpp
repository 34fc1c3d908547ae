#include "kernels/relaxed.h"
#include "kernels/dispatch.h"
#include "kernels/qb4/tile_simd128.h"

namespace octet::kernels {
namespace {

/// The second operand of these dot products has to stay within 7 bits, which codes of 4 do.
struct FourBitPairs {
  struct Operands {
    v128_t low, high; // for the halves of bytes
  };

  static const int8_t* row(const Qb8Row& a) noexcept { return a.codes; }

  static Operands load(const int8_t* a) noexcept {
    return {wasm_v128_load32_splat(a), wasm_v128_load32_splat(a + 4)};
  }

  [[clang::always_inline]] static v128_t add(v128_t sums, v128_t codes,
                                             const Operands& a) noexcept {
    const v128_t mask = wasm_i8x16_splat(15);
    const v128_t high = wasm_v128_and(wasm_u16x8_shr(codes, 4), mask);
    sums = wasm_i16x8_add(sums, relaxed_dot_pairs(a.low, wasm_v128_and(codes, mask)));
    return wasm_i16x8_add(sums, relaxed_dot_pairs(a.high, high));
  }
};

} // namespace

void qb8_qb4w_gemv_1x16_relaxed(const Qb4Tile& tile) noexcept {
  run_qb4_row<FourBitPairs>(tile);
}

} // namespace octet::kernels

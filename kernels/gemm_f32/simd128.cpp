#include "kernels/dispatch.h"
#include "kernels/gemm_f32/tile_simd128.h"

namespace octet::kernels {
namespace {

struct Math {
  static v128_t multiply_add(v128_t a, v128_t b, v128_t c) noexcept {
    return wasm_f32x4_add(wasm_f32x4_mul(a, b), c);
  }
};

} // namespace

void f32_gemm_4x8_simd128(const FTile& tile) noexcept {
  run_four_rows<Math>(tile);
}

void f32_gemv_1x24_simd128(const FTile& tile) noexcept {
  run_one_row<Math, 3>(tile);
}

} // namespace octet::kernels

#include "kernels/relaxed.h"
#include "kernels/dispatch.h"
#include "kernels/gemm_f32/tile_simd128.h"

namespace octet::kernels {
namespace {

struct Math {
  static v128_t multiply_add(v128_t a, v128_t b, v128_t c) noexcept {
    return relaxed_multiply_add(a, b, c);
  }
};

} // namespace

void f32_gemm_4x8_relaxed(const FTile& tile) noexcept {
  run_four_rows<Math>(tile);
}

void f32_gemv_1x32_relaxed(const FTile& tile) noexcept {
  run_one_row<Math, 4>(tile);
}

} // namespace octet::kernels

#include "kernels/relaxed.h"
#include "kernels/dispatch.h"
#include "kernels/qdwconv/tile_simd128.h"

namespace octet::kernels {
namespace {

struct ByteProduct {
  static v128_t add(v128_t sums, v128_t pixels, v128_t weights) noexcept {
    return relaxed_dot_add(weights, pixels, sums);
  }
};

} // namespace

void q8_qc8w_dwconv_i32_4x8_relaxed(const QDwTile& tile) noexcept {
  run_tile<QOutput::i32, ByteProduct>(tile);
}
void q8_qc8w_dwconv_f32_4x8_relaxed(const QDwTile& tile) noexcept {
  run_tile<QOutput::f32, ByteProduct>(tile);
}
void q8_qc8w_dwconv_u8_4x8_relaxed(const QDwTile& tile) noexcept {
  run_tile<QOutput::u8, ByteProduct>(tile);
}
void q8_qc8w_dwconv_s8_4x8_relaxed(const QDwTile& tile) noexcept {
  run_tile<QOutput::s8, ByteProduct>(tile);
}
void q8_qc8w_dwconv_s16_4x8_relaxed(const QDwTile& tile) noexcept {
  run_tile<QOutput::s16, ByteProduct>(tile);
}

} // namespace octet::kernels

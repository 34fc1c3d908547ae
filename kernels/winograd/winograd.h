// Dense 3x3 convolutions with Winograd's minimal filtering F(2x2, 3x3): four outputs cost 16
// multiplications instead of 36 (Lavin and Gray, "Fast Algorithms for Convolutional Neural
// Networks", 2015). With d a tile of 4x4 inputs and g the kernel:
//   Y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)] A,  Bᵀ d = (d0 − d2, d1 + d2, d2 − d1, d1 − d3),
//   G g = (g0, (g0 + g1 + g2) / 2, (g0 − g1 + g2) / 2, g2),  Aᵀ m = (m0 + m1 + m2, m1 − m2 − m3).
// The products of all tiles at one of the 16 positions are a matrix product over the channels, done
// by the tiles of kernels/qgemm/ and kernels/gemm_f32/.
//
// Integer results are exact: 2 · G keeps the weights whole, and sums may wrap as long as four times
// the result does not. Float results round differently from a direct convolution, by a few units in
// the last place of the largest product.
#pragma once

#include "kernels/conv_f32/conv_f32.h"
#include "kernels/qconv/qconv.h"

namespace octet::kernels {

/// Whether the functions below take the convolution, and are the faster choice.
bool winograd_pays(const ConvShape& shape) noexcept;

/// Pixels of a row of tiles.
inline size_t winograd_grain(const ConvShape& shape) noexcept {
  return 2 * shape.out_w;
}

/// Packs ONNX weights [out_channels, in_channels, kernel_h, kernel_w] of int8 or uint8. Their zero
/// point is subtracted here, so QOutputParams::w_zero stays null. `zero_point` has the weights'
/// type and one entry (per_channel false) or one per output channel; null means zeros. `packed` is
/// 2-byte aligned.
size_t packed_qwinograd_bytes(const ConvShape& shape) noexcept;
void pack_qwinograd_weights(const ConvShape& shape, const void* weights, bool is_unsigned,
                            const void* zero_point, bool per_channel, void* packed) noexcept;
/// Sizes in floats.
size_t packed_winograd_f32_elements(const ConvShape& shape) noexcept;
void pack_winograd_f32_weights(const ConvShape& shape, const float* weights,
                               float* packed) noexcept;

/// Scratch memory of one running call, 16-byte aligned.
size_t qwinograd_scratch_bytes(const ConvShape& shape) noexcept;
size_t winograd_f32_scratch_bytes(const ConvShape& shape) noexcept;

/// As qconv and conv_f32, but with weights packed by the functions above. Ranges that do not begin
/// and end at the grain compute some pixels beside the range, which they don't store.
void qwinograd(const QConv& args, size_t pixel_begin, size_t pixel_end, void* scratch) noexcept;
void winograd_f32(const FConv& args, size_t pixel_begin, size_t pixel_end, void* scratch) noexcept;

} // namespace octet::kernels

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

/// The convolutions read transformed weights, 3.6 times the bytes of int8 and 1.8 times those of
/// float. They are made of what qconv and conv_f32 take, at each run: that costs as much as the
/// product of a tile or two, and memory for one layer instead of all.
size_t qwinograd_weight_bytes(const ConvShape& shape) noexcept;
size_t winograd_f32_weight_bytes(const ConvShape& shape) noexcept;

/// Of one output channel, in multiply-adds of an integer product.
inline size_t winograd_weight_cost(const ConvShape& shape) noexcept {
  return 32 * shape.in_channels;
}

/// Transforms conv.w for output channels [begin, end), begin a multiple of kPanelWidth; `to` has
/// room for all, 16-byte aligned. The integer one subtracts conv.params.w_zero, which qwinograd
/// then wants to be null.
void transform_qwinograd_weights(const QConv& conv, size_t begin, size_t end, void* to) noexcept;
void transform_winograd_f32_weights(const FConv& conv, size_t begin, size_t end, void* to) noexcept;

/// Scratch memory of one running call, 16-byte aligned.
size_t qwinograd_scratch_bytes(const ConvShape& shape) noexcept;
size_t winograd_f32_scratch_bytes(const ConvShape& shape) noexcept;

/// As qconv and conv_f32, but with weights transformed by the functions above. Ranges that do not
/// begin and end at the grain compute some pixels beside the range, which they don't store.
void qwinograd(const QConv& args, size_t pixel_begin, size_t pixel_end, void* scratch) noexcept;
void winograd_f32(const FConv& args, size_t pixel_begin, size_t pixel_end, void* scratch) noexcept;

} // namespace octet::kernels

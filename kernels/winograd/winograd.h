// Dense convolutions with Winograd's minimal filtering (Lavin and Gray, "Fast Algorithms for
// Convolutional Neural Networks", 2015). The products of all tiles at one position are a matrix
// product over the channels, done by the tiles of kernels/qgemm/ and kernels/gemm_f32/.
//
// 3x3 kernels: F(2x2, 3x3), four outputs for 16 multiplications instead of 36. With d a tile of 4x4
// inputs and g the kernel:
//   Y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)] A,  Bᵀ d = (d0 − d2, d1 + d2, d2 − d1, d1 − d3),
//   G g = (g0, (g0 + g1 + g2) / 2, (g0 − g1 + g2) / 2, g2),  Aᵀ m = (m0 + m1 + m2, m1 − m2 − m3).
//
// 3x1 and 1x3 kernels, "lines": F(4, 3), four outputs for 6 multiplications instead of 12. It
// evaluates polynomials at 0, ±p, ±2p and infinity; with s = p², d six inputs in a line, and one
// sign of ± for each of two numbers:
//   Y = Aᵀ[(G g) ⊙ (Bᵀ d)],
//   Bᵀ d = (4s² d0 − 5s d2 + d4, (d4 − 4s d2) ± p(d3 − 4s d1), (d4 − s d2) ± 2p(d3 − s d1),
//           4s² d1 − 5s d3 + d5),
//   G g = (g0 / 4s², −(g0 ± p g1 + s g2) / 6s², (g0 ± 2p g1 + 4s g2) / 24s², g2),
//   Aᵀ m = (m0 + a + b, p(a' + 2b'), s(a + 4b), ps(a' + 8b') + m5)
//   with a = m1 + m2, a' = m1 − m2, b = m3 + m4, b' = m3 − m4.
// Integers take p = 1, floats p = √½: points and their inverses alike lose least (Alam, Anderson,
// Barabasz and Gregg, "Winograd Convolution for Deep Neural Networks: Efficient Point Selection",
// 2022).
//
// Integer results are exact: 4 · G g Gᵀ and 24 · G g are whole, and sums may wrap as long as four
// times the result does not, of lines eight times: the 3 goes by its inverse modulo 2^32.
// Float results round differently from a direct convolution: of 3x3 kernels by a few units in the
// last place of the largest product, of lines by at most 13 · (channels + 16) · 2^-24 · Σ |d| ·
// |g|, summed over channels and taps with the largest |d| that a channel has in the tile. Of random
// numbers the error is less than twice a direct convolution's (root mean square): 1.8 times of some
// tens of channels, 1.3 times of some hundreds.
#pragma once

#include "kernels/conv_f32/conv_f32.h"
#include "kernels/qconv/qconv.h"

namespace octet::kernels {

/// Whether the functions below take the convolution, and are the faster choice.
bool qwinograd_pays(const ConvShape& shape) noexcept;
bool winograd_f32_pays(const ConvShape& shape) noexcept;

/// Whether the integer ones are so beside the byte dot products in use, too: never where those are
/// made in one step.
bool qwinograd_beats_byte_dot(const ConvShape& shape) noexcept;

/// Pixels of a row of tiles; of a tile, where tiles are as high as a pixel.
size_t winograd_grain(const ConvShape& shape) noexcept;

/// The convolutions read transformed weights, 3.6 times the bytes of int8 and 1.8 times those of
/// float; of lines 4 and 2 times. They are made of what qconv and conv_f32 take, at each run: that
/// costs as much as the product of a tile or two, and memory for one layer instead of all.
size_t qwinograd_weight_bytes(const ConvShape& shape) noexcept;
size_t winograd_f32_weight_bytes(const ConvShape& shape) noexcept;

/// Of one output channel, in multiply-adds of an integer product.
inline size_t winograd_weight_cost(const ConvShape& shape) noexcept {
  return 4 * tap_count(shape) * shape.in_channels;
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

// Transposed convolutions whose kernel is as large as its stride: no two input pixels meet in an
// output pixel. The product of an input row with the whole kernel, [in_w, taps · out_channels], is
// dealt out to output rows. It pays where a class of its own for each tap (see
// conv_transpose_f32.h) would leave most columns of the matrix tile idle.
#pragma once

#include "kernels/conv_transpose_f32/conv_transpose_f32.h"

namespace octet::kernels {

/// Whether a shape is computed here. Strides are not.
bool is_disjoint(const ConvShape& shape) noexcept;

size_t packed_disjoint_elements(const ConvShape& shape) noexcept;
void pack_disjoint_weights(const ConvShape& shape, const float* weights, float* packed) noexcept;
size_t disjoint_scratch_bytes(const ConvShape& shape) noexcept;
void conv_transpose_disjoint(const FConvTranspose& args, size_t row_begin, size_t row_end,
                             void* scratch) noexcept;

} // namespace octet::kernels

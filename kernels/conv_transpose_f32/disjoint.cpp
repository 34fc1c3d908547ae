#include "kernels/conv_transpose_f32/disjoint.h"

#include <algorithm>

#include "kernels/copy/copy_strided.h"
#include "kernels/scratch.h"

namespace octet::kernels {
namespace {

/// Columns of the product, in the order of the weights: (output channel, ky, kx).
size_t product_columns(const ConvShape& shape) noexcept {
  return tap_count(shape) * shape.out_channels;
}

struct DisjointScratch {
  float* product; // of one input row
  float* bias;    // of every column
  size_t bytes;

  DisjointScratch(const ConvShape& shape, void* memory) noexcept {
    Scratch scratch(memory);
    product = scratch.take<float>(shape.in_w * product_columns(shape));
    bias = scratch.take<float>(packed_f32_elements(product_columns(shape), 1, 1));
    bytes = scratch.bytes();
  }
};

} // namespace

bool is_disjoint(const ConvShape& s) noexcept {
  return s.groups == 1 && s.out_channels < kFPanelWidth && tap_count(s) > 1 &&
         s.kernel_h == s.stride_h && s.kernel_w == s.stride_w && s.dilation_h == 1 &&
         s.dilation_w == 1 && s.pad_top == 0 && s.pad_left == 0 && s.out_h == s.in_h * s.stride_h &&
         s.out_w == s.in_w * s.stride_w;
}

size_t packed_disjoint_elements(const ConvShape& shape) noexcept {
  return packed_f32_elements(product_columns(shape), 1, shape.in_channels);
}

void pack_disjoint_weights(const ConvShape& shape, const float* weights, float* packed) noexcept {
  const size_t columns = product_columns(shape);
  pack_f32({.data = weights,
            .n = columns,
            .k = shape.in_channels,
            .n_stride = 1,
            .k_stride = static_cast<ptrdiff_t>(columns)},
           packed);
}

size_t disjoint_scratch_bytes(const ConvShape& shape) noexcept {
  return DisjointScratch(shape, nullptr).bytes;
}

void conv_transpose_disjoint(const FConvTranspose& args, size_t row_begin, size_t row_end,
                             void* memory) noexcept {
  const ConvShape& s = args.shape;
  const DisjointScratch scratch(s, memory);
  const size_t columns = product_columns(s);
  FGemm gemm{.m = s.in_w,
             .n = columns,
             .k = s.in_channels,
             .a_stride = args.x_stride,
             .b = args.w,
             .c = scratch.product,
             .c_stride = columns,
             .params = args.params};
  if (args.params.bias) {
    for (size_t n = 0; n < columns; ++n) scratch.bias[n] = args.params.bias[n / tap_count(s)];
    gemm.params.bias = scratch.bias;
  }
  const auto y_stride = static_cast<ptrdiff_t>(args.y_stride);
  CopyNest deal; // the columns of one ky
  deal.add_inner(s.in_w,
                 {static_cast<ptrdiff_t>(columns), static_cast<ptrdiff_t>(s.stride_w) * y_stride});
  deal.add_inner(s.kernel_w, {1, y_stride});
  deal.add_inner(s.out_channels, {static_cast<ptrdiff_t>(tap_count(s)), 1});

  for (size_t row = row_begin; row < row_end; ++row) {
    const size_t ky = row % s.stride_h; // out_h is a multiple of the stride
    if (row == row_begin || ky == 0) {
      gemm.a = args.x + row / s.stride_h * s.in_w * args.x_stride;
      gemm_f32(gemm, 0, s.in_w);
    }
    copy_strided(deal, sizeof(float), scratch.product + ky * s.kernel_w,
                 args.y + row * s.out_w * args.y_stride);
  }
}

} // namespace octet::kernels

#include "kernels/conv_f32/conv_f32.h"

#include <algorithm>

namespace octet::kernels {
namespace {

size_t packed_group_elements(const ConvShape& shape) noexcept {
  return packed_f32_elements(group_outputs(shape), tap_count(shape), group_inputs(shape));
}

using ConvScratch = WindowScratch<float, kFTileRows>;

/// One running call. Weights lie in the order (ky, kx, channel), so a window without padding whose
/// pixels touch can be read as kernel_h long runs instead of kernel_h · kernel_w short ones.
class ConvRun {
public:
  ConvRun(const FConv& conv, void* scratch) noexcept
      : conv_(conv), shape_(conv.shape), scratch_(shape_, tap_count(shape_), scratch),
        pointers_(input_of(conv), scratch_.offsets, scratch_.zeros),
        row_runs_(shape_.dilation_w == 1 && conv.x_stride == group_inputs(shape_)) {
    set_tap_offsets(input_of(conv), row_runs_ ? shape_.kernel_w : 1, scratch_.offsets);
  }

  void run(size_t pixel_begin, size_t pixel_end, size_t column_begin, size_t column_end) noexcept {
    tile_.a = scratch_.pointers;
    tile_.column_begin = column_begin;
    tile_.column_end = column_end;
    WindowWalk<float> walk(input_of(conv_), pixel_begin);
    Window<float> windows[kFTileRows];
    for (size_t pixel = pixel_begin; pixel < pixel_end; pixel += kFTileRows) {
      const size_t rows = std::min(kFTileRows, pixel_end - pixel);
      point_tile(windows, next_windows(walk, pointers_, rows, windows));
      run_groups(pixel, rows);
    }
  }

private:
  void point_tile(const Window<float> (&windows)[kFTileRows], bool inside) noexcept {
    const bool long_runs = inside && row_runs_;
    tile_.taps = long_runs ? shape_.kernel_h : tap_count(shape_);
    tile_.k = group_inputs(shape_) * (long_runs ? shape_.kernel_w : 1);
    if (inside)
      pointers_.point_inside(windows, tile_.taps, scratch_.pointers);
    else
      pointers_.point_checked(windows, scratch_.pointers);
  }

  void run_groups(size_t pixel, size_t rows) noexcept {
    const size_t outputs = group_outputs(shape_);
    float* y = conv_.y + pixel * conv_.y_stride;
    tile_.params = conv_.params;
    tile_.b = conv_.w;
    for (size_t g = 0;;) {
      for (size_t r = 0; r < kFTileRows; ++r)
        tile_.c[r] = y + std::min(r, rows - 1) * conv_.y_stride;
      run_f32_tile(tile_, rows);
      if (++g == shape_.groups) return;
      y += outputs;
      tile_.b += packed_group_elements(shape_);
      if (tile_.params.bias) tile_.params.bias += outputs;
      for (size_t i = 0; i < tile_.taps * kFTileRows; ++i)
        scratch_.pointers[i] += group_inputs(shape_);
    }
  }

  const FConv& conv_;
  const ConvShape& shape_;
  const ConvScratch scratch_;
  const WindowPointers<float> pointers_;
  const bool row_runs_;
  FTile tile_;
};

} // namespace

size_t packed_f32_conv_elements(const ConvShape& shape) noexcept {
  return shape.groups * packed_group_elements(shape);
}

void pack_f32_conv_weights(const ConvShape& shape, const float* weights, float* packed) noexcept {
  const auto taps = static_cast<ptrdiff_t>(tap_count(shape));
  const auto column = static_cast<ptrdiff_t>(group_inputs(shape)) * taps;
  FWeights w{.data = weights,
             .n = group_outputs(shape),
             .k = group_inputs(shape),
             .taps = tap_count(shape),
             .n_stride = column,
             .k_stride = taps,
             .tap_stride = 1};
  for (size_t g = 0; g < shape.groups; ++g) {
    pack_f32(w, packed + g * packed_group_elements(shape));
    w.data += static_cast<ptrdiff_t>(w.n) * column;
  }
}

size_t conv_f32_scratch_bytes(const ConvShape& shape) noexcept {
  return ConvScratch(shape, tap_count(shape), nullptr).bytes;
}

void conv_f32(const FConv& conv, size_t pixel_begin, size_t pixel_end, void* scratch) noexcept {
  const ConvShape& shape = conv.shape;
  if (is_matrix_product(shape)) {
    const FGemm gemm{.m = shape.batch * shape.out_h * shape.out_w,
                     .n = shape.out_channels,
                     .k = shape.in_channels,
                     .a = conv.x,
                     .a_stride = conv.x_stride,
                     .b = conv.w,
                     .c = conv.y,
                     .c_stride = conv.y_stride,
                     .params = conv.params};
    return gemm_f32(gemm, pixel_begin, pixel_end);
  }
  const size_t columns = group_outputs(shape);
  const size_t block =
      shape.groups == 1 ? f32_columns_per_block(tap_count(shape), group_inputs(shape)) : columns;
  ConvRun run(conv, scratch);
  for (size_t n = 0; n < columns; n += block)
    run.run(pixel_begin, pixel_end, n, std::min(columns, n + block));
}

FConv channels_of(const FConv& args, size_t begin, size_t end) noexcept {
  FConv part = args;
  part.shape.out_channels = begin; // those before
  part.w += packed_f32_conv_elements(part.shape);
  part.shape.out_channels = end - begin;
  part.y += begin;
  if (part.params.bias) part.params.bias += begin;
  return part;
}

} // namespace octet::kernels

#include "kernels/dwconv_f32/dwconv_f32.h"

#include "kernels/dispatch.h"
#include "kernels/dwconv_walk.h"

namespace octet::kernels {

size_t packed_f32_dwconv_elements(const ConvShape& shape) noexcept {
  return tap_count(shape) * shape.in_channels;
}

void pack_f32_dwconv_weights(const ConvShape& shape, const float* weights, float* packed) noexcept {
  const size_t taps = tap_count(shape);
  for (size_t t = 0; t < taps; ++t)
    for (size_t c = 0; c < shape.in_channels; ++c) *packed++ = weights[c * taps + t];
}

void dwconv_f32(const FConv& conv, size_t pixel_begin, size_t pixel_end) noexcept {
  const ConvShape& shape = conv.shape;
  FDwTile tile{.x_pixel = shape.stride_w * conv.x_stride,
               .x_row = shape.dilation_h * shape.in_w * conv.x_stride,
               .x_column = shape.dilation_w * conv.x_stride,
               .w_row = shape.kernel_w * shape.in_channels,
               .channels = shape.in_channels,
               .y_pixel = conv.y_stride,
               .params = conv.params};
  for_each_dw_stretch(shape, pixel_begin, pixel_end, [&](const DwStretch& stretch) {
    tile.pixels = stretch.pixels;
    tile.rows = stretch.columns.count() == 0 ? 0 : stretch.rows.count();
    tile.columns = stretch.columns.count();
    tile.x = tile.rows == 0 ? conv.x : conv.x + stretch.in_pixel * conv.x_stride;
    tile.w = conv.w + stretch.rows.begin * tile.w_row + stretch.columns.begin * shape.in_channels;
    tile.y = conv.y + stretch.first * conv.y_stride;
    kernel_table().dwconv_f32(tile);
  });
}

} // namespace octet::kernels

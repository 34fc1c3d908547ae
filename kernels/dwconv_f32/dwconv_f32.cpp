#include "kernels/dwconv_f32/dwconv_f32.h"

#include <algorithm>

#include "kernels/dispatch.h"

namespace octet::kernels {
namespace {

/// One spatial axis of a convolution.
struct Axis {
  size_t in, taps, stride, dilation, pad;

  /// Taps [begin, end) of an output that lie inside the image, and the input under the first.
  struct Taps {
    size_t begin, end, input;
    size_t count() const noexcept { return end - begin; }
  };
  Taps taps_inside(size_t output) const noexcept {
    const size_t window = output * stride; // in the padded image
    const size_t begin = window < pad ? (pad - window + dilation - 1) / dilation : 0;
    const size_t end = window < in + pad ? (in + pad - window + dilation - 1) / dilation : 0;
    const size_t last = std::min(end, taps), first = std::min(begin, last);
    return {first, last, window + first * dilation - pad};
  }

  /// Outputs [first_full, end_full) see all taps inside the image.
  size_t first_full() const noexcept { return (pad + stride - 1) / stride; }
  size_t end_full() const noexcept {
    const size_t reach = (taps - 1) * dilation;
    return in + pad > reach ? (in + pad - reach - 1) / stride + 1 : 0;
  }
};

Axis rows_of(const ConvShape& s) noexcept {
  return {s.in_h, s.kernel_h, s.stride_h, s.dilation_h, s.pad_top};
}
Axis columns_of(const ConvShape& s) noexcept {
  return {s.in_w, s.kernel_w, s.stride_w, s.dilation_w, s.pad_left};
}

/// One running call.
class DwRun {
public:
  explicit DwRun(const FConv& conv) noexcept
      : conv_(conv), shape_(conv.shape), rows_(rows_of(shape_)), columns_(columns_of(shape_)),
        tile_{.x = conv.x,
              .x_pixel = shape_.stride_w * conv.x_stride,
              .x_row = shape_.dilation_h * shape_.in_w * conv.x_stride,
              .x_column = shape_.dilation_w * conv.x_stride,
              .w = conv.w,
              .w_row = shape_.kernel_w * shape_.in_channels,
              .channels = shape_.in_channels,
              .y_pixel = conv.y_stride,
              .params = conv.params} {}

  /// Columns [begin, end) of an output row of the batch.
  void run(size_t row, size_t begin, size_t end) noexcept {
    const size_t first_full = columns_.first_full();
    const size_t end_full = std::min(columns_.end_full(), end);
    for (size_t column = begin; column < end; column += tile_.pixels) {
      const bool is_full = first_full <= column && column < end_full;
      tile_.pixels = is_full ? end_full - column : 1;
      point(row, column);
      kernel_table().dwconv_f32(tile_);
    }
  }

private:
  void point(size_t row, size_t column) noexcept {
    const Axis::Taps rows = rows_.taps_inside(row % shape_.out_h);
    const Axis::Taps columns = columns_.taps_inside(column);
    tile_.y = conv_.y + (row * shape_.out_w + column) * conv_.y_stride;
    tile_.rows = columns.count() == 0 ? 0 : rows.count();
    if (tile_.rows == 0) return;
    tile_.columns = columns.count();
    const size_t in_row = row / shape_.out_h * shape_.in_h + rows.input;
    tile_.x = conv_.x + (in_row * shape_.in_w + columns.input) * conv_.x_stride;
    tile_.w = conv_.w + rows.begin * tile_.w_row + columns.begin * shape_.in_channels;
  }

  const FConv& conv_;
  const ConvShape& shape_;
  const Axis rows_, columns_;
  FDwTile tile_;
};

} // namespace

size_t packed_f32_dwconv_elements(const ConvShape& shape) noexcept {
  return tap_count(shape) * shape.in_channels;
}

void pack_f32_dwconv_weights(const ConvShape& shape, const float* weights, float* packed) noexcept {
  const size_t taps = tap_count(shape);
  for (size_t t = 0; t < taps; ++t)
    for (size_t c = 0; c < shape.in_channels; ++c) *packed++ = weights[c * taps + t];
}

void dwconv_f32(const FConv& conv, size_t pixel_begin, size_t pixel_end) noexcept {
  const size_t width = conv.shape.out_w;
  DwRun run(conv);
  for (size_t pixel = pixel_begin; pixel < pixel_end;) {
    const size_t column = pixel % width;
    const size_t count = std::min(width - column, pixel_end - pixel);
    run.run(pixel / width, column, column + count);
    pixel += count;
  }
}

} // namespace octet::kernels

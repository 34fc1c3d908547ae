// The output pixels of a depthwise convolution in stretches that see the same taps: along a row of
// the output, its ends come apart where windows reach into the padding.
#pragma once

#include <algorithm>

#include "kernels/conv_shape.h"

namespace octet::kernels {

/// Taps [begin, end) along one axis that lie inside the image, and the input under the first.
struct InsideTaps {
  size_t begin, end, input;
  size_t count() const noexcept { return end - begin; }
};

/// One spatial axis of a convolution.
struct ConvAxis {
  size_t in, taps, stride, dilation, pad;

  InsideTaps taps_inside(size_t output) const noexcept {
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

inline ConvAxis rows_of(const ConvShape& s) noexcept {
  return {s.in_h, s.kernel_h, s.stride_h, s.dilation_h, s.pad_top};
}
inline ConvAxis columns_of(const ConvShape& s) noexcept {
  return {s.in_w, s.kernel_w, s.stride_w, s.dilation_w, s.pad_left};
}

/// Neighbouring pixels of one output row. Where `rows` or `columns` is empty, all is padding.
struct DwStretch {
  size_t first, pixels; // output pixels, counted over the batch
  InsideTaps rows, columns;
  size_t in_pixel; // under the first tap of the first pixel, counted over the batch
};

/// Calls run(DwStretch) for the output pixels [pixel_begin, pixel_end).
template <class Run>
void for_each_dw_stretch(const ConvShape& shape, size_t pixel_begin, size_t pixel_end,
                         Run&& run) noexcept {
  const ConvAxis row_axis = rows_of(shape), column_axis = columns_of(shape);
  for (size_t pixel = pixel_begin; pixel < pixel_end;) {
    const size_t row = pixel / shape.out_w, column = pixel % shape.out_w;
    const size_t end = std::min(shape.out_w, column + pixel_end - pixel);
    const size_t end_full = std::min(column_axis.end_full(), end);
    const bool is_full = column_axis.first_full() <= column && column < end_full;
    const InsideTaps rows = row_axis.taps_inside(row % shape.out_h);
    const InsideTaps columns = column_axis.taps_inside(column);
    const size_t in_row = row / shape.out_h * shape.in_h + rows.input;
    const DwStretch stretch{pixel, is_full ? end_full - column : 1, rows, columns,
                            in_row * shape.in_w + columns.input};
    run(stretch);
    pixel += stretch.pixels;
  }
}

} // namespace octet::kernels

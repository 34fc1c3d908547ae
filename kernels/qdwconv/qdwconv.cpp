#include "kernels/qdwconv/qdwconv.h"

#include <algorithm>

#include "kernels/dispatch.h"
#include "kernels/dwconv_walk.h"
#include "kernels/scratch.h"

namespace octet::kernels {
namespace {

size_t row_pairs(const ConvShape& shape) noexcept {
  return (shape.kernel_h + 1) / 2;
}

/// int16 elements of one pair of kernel rows, and of one group of kDwChannels channels.
size_t pair_elements(const ConvShape& shape) noexcept {
  return shape.kernel_w * kDwPairs;
}
size_t group_elements(const ConvShape& shape) noexcept {
  return row_pairs(shape) * pair_elements(shape);
}

/// Where the number of kernel rows is odd, weights are packed twice, the second time with nothing
/// beside the first row: windows that begin at odd rows of the image take these, and all share the
/// pairs that begin at even rows.
size_t weight_sets(const ConvShape& shape) noexcept {
  return shape.kernel_h % 2 == 1 && shape.dilation_h == 1 ? 2 : 1;
}

size_t set_elements(const ConvShape& shape) noexcept {
  const size_t groups =
      (shape.in_channels + kPanelWidth - 1) / kPanelWidth * kPanelWidth / kDwChannels;
  return groups * group_elements(shape);
}

int16_t read_weight(const void* data, bool is_unsigned, size_t index) noexcept {
  return is_unsigned ? static_cast<const uint8_t*>(data)[index]
                     : static_cast<const int8_t*>(data)[index];
}

/// Paired rows of the image that the windows of one output row may need at once, each in the slot
/// of its number modulo `slots`.
struct DwScratch {
  size_t slots, row_elements;
  const int16_t** x; // [row pairs], the tile's
  ptrdiff_t* held;   // [slots], which row of the batch a slot holds
  int16_t* rows;     // [slots][row_elements]
  size_t bytes;

  DwScratch(const ConvShape& shape, void* memory) noexcept
      : slots((row_pairs(shape) - 1) * 2 * shape.dilation_h + 1),
        row_elements(shape.in_w * paired_pixel_elements(shape.in_channels)) {
    Scratch scratch(memory);
    x = scratch.take<const int16_t*>(row_pairs(shape));
    held = scratch.take<ptrdiff_t>(slots);
    rows = scratch.take<int16_t>(slots * row_elements);
    bytes = scratch.bytes();
  }
};

QDwTileFn* tile_kernel(QOutput output) noexcept {
  const KernelTable& table = kernel_table();
  switch (output) {
  case QOutput::i32:
    return table.qdwconv_i32;
  case QOutput::f32:
    return table.qdwconv_f32;
  case QOutput::u8:
    return table.qdwconv_u8;
  case QOutput::s8:
    return table.qdwconv_s8;
  case QOutput::s16:
    return table.qdwconv_s16;
  }
  return nullptr;
}

/// The paired rows of one running call.
class PairedRows {
public:
  PairedRows(const QConv& conv, const DwScratch& scratch) noexcept
      : conv_(conv), shape_(conv.shape), scratch_(scratch) {
    std::fill_n(scratch.held, scratch.slots, kNone);
  }

  /// Row y of image `batch` beside the row under the next kernel row; either may lie outside.
  const int16_t* get(size_t batch, ptrdiff_t y) noexcept {
    // Rows of all images are numbered through, with room for those in the padding.
    const auto span = static_cast<ptrdiff_t>(shape_.in_h + 2 * scratch_.slots);
    const ptrdiff_t number =
        static_cast<ptrdiff_t>(batch) * span + y + static_cast<ptrdiff_t>(scratch_.slots * 2);
    const size_t slot = static_cast<size_t>(number) % scratch_.slots;
    int16_t* to = scratch_.rows + slot * scratch_.row_elements;
    if (scratch_.held[slot] == number) return to;
    scratch_.held[slot] = number;
    const auto below = y + static_cast<ptrdiff_t>(shape_.dilation_h);
    kernel_table().qdwconv_pair_rows({.even = image_row(batch, y),
                                      .odd = image_row(batch, below),
                                      .x_stride = conv_.x_stride,
                                      .channels = shape_.in_channels,
                                      .pixels = shape_.in_w,
                                      .to = to});
    return to;
  }

private:
  static constexpr ptrdiff_t kNone = -1;

  /// Null outside of the image.
  const int16_t* image_row(size_t batch, ptrdiff_t y) const noexcept {
    if (y < 0 || y >= static_cast<ptrdiff_t>(shape_.in_h)) return nullptr;
    return conv_.x + (batch * shape_.in_h + static_cast<size_t>(y)) * shape_.in_w * conv_.x_stride;
  }

  const QConv& conv_;
  const ConvShape& shape_;
  const DwScratch& scratch_;
};

/// Points the tile at the pairs of kernel rows that reach into the image.
void point_tile(QDwTile& tile, const QConv& conv, const DwStretch& stretch, PairedRows& rows,
                const int16_t** x) noexcept {
  tile.columns = stretch.columns.count();
  tile.row_pairs = 0;
  const auto* weights = static_cast<const int16_t*>(conv.w);
  tile.w = weights;
  if (stretch.rows.count() == 0 || tile.columns == 0) return;
  const ConvShape& shape = conv.shape;
  const size_t out_row = stretch.first / shape.out_w;
  const auto top = static_cast<ptrdiff_t>(out_row % shape.out_h * shape.stride_h) -
                   static_cast<ptrdiff_t>(shape.pad_top);
  const size_t shift = top % 2 == 0 ? 0 : weight_sets(shape) - 1;
  const size_t first = (stretch.rows.begin + shift) / 2, end = (stretch.rows.end + shift + 1) / 2;
  tile.row_pairs = end - first;
  tile.w =
      weights + shift * set_elements(shape) + first * tile.w_row + stretch.columns.begin * kDwPairs;
  const size_t from = stretch.columns.input * paired_pixel_elements(shape.in_channels);
  for (size_t pair = first; pair < end; ++pair) {
    const auto below = static_cast<ptrdiff_t>(2 * pair * shape.dilation_h);
    x[pair - first] =
        rows.get(out_row / shape.out_h, top - static_cast<ptrdiff_t>(shift) + below) + from;
  }
}

} // namespace

size_t packed_dwconv_weight_bytes(const ConvShape& shape) noexcept {
  return weight_sets(shape) * set_elements(shape) * sizeof(int16_t);
}

void pack_dwconv_weights(const ConvShape& shape, const void* weights, bool is_unsigned,
                         const void* zero_point, bool per_channel, void* packed) noexcept {
  auto* set = static_cast<int16_t*>(packed);
  std::fill_n(set, packed_dwconv_weight_bytes(shape) / sizeof(int16_t), int16_t{0});
  for (size_t shift = 0; shift < weight_sets(shape); ++shift, set += set_elements(shape)) {
    size_t index = 0;
    for (size_t c = 0; c < shape.in_channels; ++c) {
      const int16_t zero =
          zero_point ? read_weight(zero_point, is_unsigned, per_channel ? c : 0) : int16_t{0};
      int16_t* channel = set + c / kDwChannels * group_elements(shape) + c % kDwChannels * 2;
      for (size_t row = shift; row < shift + shape.kernel_h; ++row)
        for (size_t kx = 0; kx < shape.kernel_w; ++kx)
          channel[row / 2 * pair_elements(shape) + kx * kDwPairs + row % 2] =
              static_cast<int16_t>(read_weight(weights, is_unsigned, index++) - zero);
    }
  }
}

size_t qdwconv_scratch_bytes(const ConvShape& shape) noexcept {
  return DwScratch(shape, nullptr).bytes;
}

void qdwconv(const QConv& conv, size_t pixel_begin, size_t pixel_end, void* memory) noexcept {
  const ConvShape& shape = conv.shape;
  const DwScratch scratch(shape, memory);
  PairedRows rows(conv, scratch);
  const size_t pixel_elements = paired_pixel_elements(shape.in_channels);
  QDwTileFn* run_tile = tile_kernel(conv.output);
  QDwTile tile{.x = scratch.x,
               .x_column = shape.dilation_w * pixel_elements,
               .x_pixel = shape.stride_w * pixel_elements,
               .w_row = pair_elements(shape),
               .w_channels = group_elements(shape),
               .channels = shape.in_channels,
               .y_pixel = conv.y_stride * output_bytes(conv.output),
               .params = &conv.params};
  for_each_dw_stretch(shape, pixel_begin, pixel_end, [&](const DwStretch& stretch) {
    point_tile(tile, conv, stretch, rows, scratch.x);
    tile.pixels = stretch.pixels;
    tile.y = static_cast<char*>(conv.y) + stretch.first * tile.y_pixel;
    run_tile(tile);
  });
}

} // namespace octet::kernels

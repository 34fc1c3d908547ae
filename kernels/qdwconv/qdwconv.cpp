#include "kernels/qdwconv/qdwconv.h"

#include <algorithm>
#include <cstring>

#include "kernels/dispatch.h"
#include "kernels/qgemm/pack.h"
#include "kernels/scratch.h"

namespace octet::kernels {
namespace {

/// How kernel rows are grouped, in groups of `rows`.
struct Grouping {
  size_t rows;   // of a group
  size_t groups; // of a window
  // Two where a row of padding before the first leaves the number of groups: windows that begin at
  // odd rows of the image take the second, and all share the groups that begin at even rows.
  size_t sets;

  Grouping(const ConvShape& shape, bool byte_dot) noexcept
      : rows(byte_dot ? kDwQuad : kDwPair), groups((shape.kernel_h + rows - 1) / rows),
        sets(shape.dilation_h == 1 && shape.kernel_h % rows != 0 ? 2 : 1) {}

  /// Rows of the image between the first rows of neighbouring groups.
  size_t distance(const ConvShape& shape) const noexcept { return rows * shape.dilation_h; }
};

/// Elements of one group of kernel rows, of one group of kDwChannels channels, and of a set.
size_t row_elements(const ConvShape& shape) noexcept {
  return shape.kernel_w * kDwElements;
}
size_t channel_elements(const ConvShape& shape, const Grouping& grouping) noexcept {
  return grouping.groups * row_elements(shape);
}
size_t set_elements(const ConvShape& shape, const Grouping& grouping) noexcept {
  const size_t padded = (shape.in_channels + kPanelWidth - 1) / kPanelWidth * kPanelWidth;
  return padded / kDwChannels * channel_elements(shape, grouping);
}
size_t weight_bytes(const ConvShape& shape, const Grouping& grouping) noexcept {
  return grouping.sets * set_elements(shape, grouping) * sizeof(int16_t);
}

/// Packs weight(channel, index in its kernel) in the sets of a grouping.
template <class Packed, class Weight>
void pack_sets(const ConvShape& shape, const Grouping& grouping, void* packed,
               Weight&& weight) noexcept {
  std::memset(packed, 0, weight_bytes(shape, grouping));
  constexpr size_t kPerElement = sizeof(int16_t) / sizeof(Packed);
  auto* set = static_cast<Packed*>(packed);
  for (size_t shift = 0; shift < grouping.sets; ++shift) {
    for (size_t c = 0; c < shape.in_channels; ++c) {
      Packed* channel = set + c / kDwChannels * channel_elements(shape, grouping) * kPerElement +
                        c % kDwChannels * grouping.rows;
      for (size_t i = 0; i < tap_count(shape); ++i) {
        const size_t row = i / shape.kernel_w + shift, column = i % shape.kernel_w;
        channel[(row / grouping.rows * row_elements(shape) + column * kDwElements) * kPerElement +
                row % grouping.rows] = weight(c, c * tap_count(shape) + i);
      }
    }
    set += set_elements(shape, grouping) * kPerElement;
  }
}

int16_t read_weight(const void* data, bool is_unsigned, size_t index) noexcept {
  return is_unsigned ? static_cast<const uint8_t*>(data)[index]
                     : static_cast<const int8_t*>(data)[index];
}

/// Pixels that the windows of an output row reach over, padding and all.
size_t reached_pixels(const ConvShape& shape) noexcept {
  return (shape.out_w - 1) * shape.stride_w + (shape.kernel_w - 1) * shape.dilation_w + 1;
}

/// Groups of interleaved rows that the windows of one output row may need at once, each in the slot
/// of its number modulo `slots`.
struct DwScratch {
  size_t slots, slot_elements;
  const int16_t** x; // [groups], the tile's
  ptrdiff_t* held;   // [slots], which row of the batch a slot begins with
  int16_t* padding;  // a pixel
  int16_t* rows;     // [slots][slot_elements]
  size_t bytes;

  DwScratch(const ConvShape& shape, const Grouping& grouping, void* memory) noexcept
      : slots((grouping.groups - 1) * grouping.distance(shape) + 1),
        slot_elements(reached_pixels(shape) * interleaved_pixel_elements(shape.in_channels)) {
    Scratch scratch(memory);
    x = scratch.take<const int16_t*>(grouping.groups);
    held = scratch.take<ptrdiff_t>(slots);
    padding = scratch.take<int16_t>(shape.in_channels);
    rows = scratch.take<int16_t>(slots * slot_elements);
    bytes = scratch.bytes();
  }
};

#define OCTET_DW_TILE(output) byte_dot ? table.qdwdot_##output : table.qdwconv_##output
QDwTileFn* tile_kernel(QOutput output, bool byte_dot) noexcept {
  const KernelTable& table = kernel_table();
  switch (output) {
  case QOutput::i32:
    return OCTET_DW_TILE(i32);
  case QOutput::f32:
    return OCTET_DW_TILE(f32);
  case QOutput::u8:
    return OCTET_DW_TILE(u8);
  case QOutput::s8:
    return OCTET_DW_TILE(s8);
  case QOutput::s16:
    return OCTET_DW_TILE(s16);
  }
  return nullptr;
}
#undef OCTET_DW_TILE

/// The interleaved rows of one running call.
class InterleavedRows {
public:
  InterleavedRows(const QConv& conv, const Grouping& grouping, const DwScratch& scratch) noexcept
      : conv_(conv), shape_(conv.shape), grouping_(grouping), scratch_(scratch),
        interleave_(conv.byte_dot ? kernel_table().qdwconv_quad_rows
                                  : kernel_table().qdwconv_pair_rows),
        pixel_(interleaved_pixel_elements(shape_.in_channels)),
        pixels_(std::min(shape_.in_w, reached_pixels(shape_) -
                                          std::min(shape_.pad_left, reached_pixels(shape_)))) {
    std::fill_n(scratch.held, scratch.slots, kNone);
    std::fill_n(scratch.padding, shape_.in_channels, conv.padding);
    // Beside the image nothing is written later.
    const size_t left = std::min(shape_.pad_left, reached_pixels(shape_)) * pixel_;
    const size_t end = left + pixels_ * pixel_;
    for (size_t slot = 0; slot < scratch.slots; ++slot) {
      int16_t* row = scratch.rows + slot * scratch.slot_elements;
      std::fill_n(row, left, conv.padding);
      std::fill_n(row + end, scratch.slot_elements - end, conv.padding);
    }
  }

  /// Whether all rows of a group are padding.
  bool is_padding(ptrdiff_t y) const noexcept {
    for (size_t i = 0; i < grouping_.rows; ++i)
      if (is_inside(y, i)) return false;
    return true;
  }

  /// The group that begins at row y of image `batch`, from the first pixel of the padding on.
  const int16_t* get(size_t batch, ptrdiff_t y) noexcept {
    // Rows of all images are numbered through, with room for those in the padding.
    const auto margin = static_cast<ptrdiff_t>(scratch_.slots + grouping_.distance(shape_));
    const ptrdiff_t number =
        static_cast<ptrdiff_t>(batch) * (static_cast<ptrdiff_t>(shape_.in_h) + 2 * margin) + y +
        2 * margin;
    const size_t slot = static_cast<size_t>(number) % scratch_.slots;
    int16_t* to = scratch_.rows + slot * scratch_.slot_elements;
    if (scratch_.held[slot] == number) return to;
    scratch_.held[slot] = number;
    QDwRows rows{.channels = shape_.in_channels,
                 .pixels = pixels_,
                 .to = to + std::min(shape_.pad_left, reached_pixels(shape_)) * pixel_};
    for (size_t i = 0; i < grouping_.rows; ++i) {
      rows.rows[i] = is_inside(y, i) ? image_row(batch, y, i) : scratch_.padding;
      rows.strides[i] = is_inside(y, i) ? conv_.x_stride : 0;
    }
    interleave_(rows);
    return to;
  }

private:
  static constexpr ptrdiff_t kNone = -1;

  size_t row_number(ptrdiff_t y, size_t i) const noexcept {
    return static_cast<size_t>(y) + i * shape_.dilation_h;
  }
  bool is_inside(ptrdiff_t y, size_t i) const noexcept { return row_number(y, i) < shape_.in_h; }
  const void* image_row(size_t batch, ptrdiff_t y, size_t i) const noexcept {
    const size_t element = (batch * shape_.in_h + row_number(y, i)) * shape_.in_w * conv_.x_stride;
    return reinterpret_cast<const char*>(conv_.x) + element * (conv_.byte_dot ? 1 : 2);
  }

  const QConv& conv_;
  const ConvShape& shape_;
  const Grouping& grouping_;
  const DwScratch& scratch_;
  QDwRowsFn* const interleave_;
  const size_t pixel_;  // elements
  const size_t pixels_; // of a row of the image that are read
};

} // namespace

size_t packed_dwconv_weight_bytes(const ConvShape& shape) noexcept {
  return weight_bytes(shape, Grouping(shape, false));
}

void pack_dwconv_weights(const ConvShape& shape, const void* weights, bool is_unsigned,
                         const void* zero_point, bool per_channel, void* packed) noexcept {
  pack_sets<int16_t>(shape, Grouping(shape, false), packed, [&](size_t c, size_t index) {
    const int16_t zero =
        zero_point ? read_weight(zero_point, is_unsigned, per_channel ? c : 0) : int16_t{0};
    return static_cast<int16_t>(read_weight(weights, is_unsigned, index) - zero);
  });
}

size_t packed_dot_dwconv_weight_bytes(const ConvShape& shape) noexcept {
  return weight_bytes(shape, Grouping(shape, true));
}

void pack_dot_dwconv_weights(const ConvShape& shape, const void* weights, bool is_unsigned,
                             void* packed, int32_t* sums) noexcept {
  const QWeights stored{.data = weights, .is_unsigned = is_unsigned};
  const auto weight = [&](size_t index) {
    return stored_weight(stored, static_cast<ptrdiff_t>(index));
  };
  pack_sets<int8_t>(shape, Grouping(shape, true), packed,
                    [&](size_t, size_t index) { return weight(index); });
  for (size_t c = 0; c < shape.in_channels; ++c) {
    sums[c] = 0;
    for (size_t i = 0; i < tap_count(shape); ++i) sums[c] += weight(c * tap_count(shape) + i);
  }
}

size_t qdwconv_scratch_bytes(const ConvShape& shape) noexcept {
  return std::max(DwScratch(shape, Grouping(shape, false), nullptr).bytes,
                  DwScratch(shape, Grouping(shape, true), nullptr).bytes);
}

void qdwconv(const QConv& conv, size_t pixel_begin, size_t pixel_end, void* memory) noexcept {
  const ConvShape& shape = conv.shape;
  const Grouping grouping(shape, conv.byte_dot);
  const DwScratch scratch(shape, grouping, memory);
  InterleavedRows rows(conv, grouping, scratch);
  const size_t pixel_elements = interleaved_pixel_elements(shape.in_channels);
  QDwTileFn* run_tile = tile_kernel(conv.output, conv.byte_dot);
  QDwTile tile{.x = scratch.x,
               .columns = shape.kernel_w,
               .x_column = shape.dilation_w * pixel_elements,
               .x_pixel = shape.stride_w * pixel_elements,
               .w_row = row_elements(shape),
               .w_channels = channel_elements(shape, grouping),
               .channels = shape.in_channels,
               .y_pixel = conv.y_stride * output_bytes(conv.output),
               .params = &conv.params};
  for (size_t pixel = pixel_begin; pixel < pixel_end; pixel += tile.pixels) {
    const size_t row = pixel / shape.out_w, column = pixel % shape.out_w;
    const auto top = static_cast<ptrdiff_t>(row % shape.out_h * shape.stride_h) -
                     static_cast<ptrdiff_t>(shape.pad_top);
    const size_t shift = top % 2 == 0 ? 0 : grouping.sets - 1;
    tile.pixels = std::min(shape.out_w - column, pixel_end - pixel);
    tile.w = static_cast<const int16_t*>(conv.w) + shift * set_elements(shape, grouping);
    tile.y = static_cast<char*>(conv.y) + pixel * tile.y_pixel;
    tile.row_groups = 0;
    for (size_t g = 0; g < grouping.groups; ++g) {
      const auto y = top - static_cast<ptrdiff_t>(shift) +
                     static_cast<ptrdiff_t>(g * grouping.distance(shape));
      // Groups of zeros come first or last.
      if (!conv.byte_dot && rows.is_padding(y)) {
        if (tile.row_groups == 0) tile.w += tile.w_row;
        continue;
      }
      scratch.x[tile.row_groups++] = rows.get(row / shape.out_h, y) + column * tile.x_pixel;
    }
    run_tile(tile);
  }
}

} // namespace octet::kernels

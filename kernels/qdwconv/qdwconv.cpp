#include "kernels/qdwconv/qdwconv.h"

#include <algorithm>

#include "kernels/conv_window.h"
#include "kernels/dispatch.h"

namespace octet::kernels {
namespace {

size_t tap_pairs(const ConvShape& shape) noexcept {
  return (tap_count(shape) + 1) / 2;
}

/// int16 elements of one group of kPanelWidth channels.
size_t panel_elements(const ConvShape& shape) noexcept {
  return tap_pairs(shape) * 2 * kPanelWidth;
}

int16_t read_weight(const void* data, bool is_unsigned, size_t index) noexcept {
  return is_unsigned ? static_cast<const uint8_t*>(data)[index]
                     : static_cast<const int8_t*>(data)[index];
}

using DwScratch = WindowScratch<int16_t, kDwTilePixels>;

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

void set_output_pixels(QDwTile& tile, const QConv& conv, size_t pixel, size_t pixels) noexcept {
  const size_t pixel_bytes = conv.y_stride * output_bytes(conv.output);
  for (size_t p = 0; p < kDwTilePixels; ++p)
    tile.y[p] = static_cast<char*>(conv.y) + (pixel + std::min(p, pixels - 1)) * pixel_bytes;
}

} // namespace

size_t packed_dwconv_weight_bytes(const ConvShape& shape) noexcept {
  return (shape.in_channels + kPanelWidth - 1) / kPanelWidth * panel_elements(shape) *
         sizeof(int16_t);
}

void pack_dwconv_weights(const ConvShape& shape, const void* weights, bool is_unsigned,
                         const void* zero_point, bool per_channel, void* packed) noexcept {
  auto* panels = static_cast<int16_t*>(packed);
  std::fill_n(panels, packed_dwconv_weight_bytes(shape) / sizeof(int16_t), int16_t{0});
  const size_t taps = tap_count(shape);
  for (size_t c = 0; c < shape.in_channels; ++c) {
    const int16_t zero =
        zero_point ? read_weight(zero_point, is_unsigned, per_channel ? c : 0) : int16_t{0};
    int16_t* column = panels + c / kPanelWidth * panel_elements(shape) + c % kPanelWidth * 2;
    for (size_t t = 0; t < taps; ++t)
      column[t / 2 * 2 * kPanelWidth + t % 2] =
          static_cast<int16_t>(read_weight(weights, is_unsigned, c * taps + t) - zero);
  }
}

size_t qdwconv_scratch_bytes(const ConvShape& shape) noexcept {
  return DwScratch(shape, tap_pairs(shape) * 2, nullptr).bytes;
}

void qdwconv(const QConv& conv, size_t pixel_begin, size_t pixel_end, void* memory) noexcept {
  const ConvShape& shape = conv.shape;
  const size_t taps = tap_count(shape);
  const DwScratch scratch(shape, tap_pairs(shape) * 2, memory);
  std::fill_n(scratch.pointers + taps * kDwTilePixels, taps % 2 * kDwTilePixels, scratch.zeros);
  set_tap_offsets(input_of(conv), 1, scratch.offsets);

  QDwTileFn* run_tile = tile_kernel(conv.output);
  QDwTile tile{.x = scratch.pointers,
               .tap_pairs = tap_pairs(shape),
               .channels = shape.in_channels,
               .w = static_cast<const int16_t*>(conv.w),
               .params = &conv.params};
  const WindowPointers<int16_t> pointers(input_of(conv), scratch.offsets, scratch.zeros);
  WindowWalk<int16_t> walk(input_of(conv), pixel_begin);
  Window<int16_t> windows[kDwTilePixels];
  for (size_t pixel = pixel_begin; pixel < pixel_end; pixel += kDwTilePixels) {
    const size_t pixels = std::min(kDwTilePixels, pixel_end - pixel);
    if (next_windows(walk, pointers, pixels, windows))
      pointers.point_inside(windows, taps, scratch.pointers);
    else
      pointers.point_checked(windows, scratch.pointers);
    set_output_pixels(tile, conv, pixel, pixels);
    run_tile(tile);
  }
}

} // namespace octet::kernels

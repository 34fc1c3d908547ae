#include "kernels/dwconv_f32/dwconv_f32.h"

#include <algorithm>

#include "kernels/dispatch.h"

namespace octet::kernels {
namespace {

using DwScratch = WindowScratch<float, kFDwTilePixels>;

} // namespace

size_t packed_f32_dwconv_elements(const ConvShape& shape) noexcept {
  return tap_count(shape) * shape.in_channels;
}

void pack_f32_dwconv_weights(const ConvShape& shape, const float* weights, float* packed) noexcept {
  const size_t taps = tap_count(shape);
  for (size_t t = 0; t < taps; ++t)
    for (size_t c = 0; c < shape.in_channels; ++c) *packed++ = weights[c * taps + t];
}

size_t dwconv_f32_scratch_bytes(const ConvShape& shape) noexcept {
  return DwScratch(shape, tap_count(shape), nullptr).bytes;
}

void dwconv_f32(const FConv& conv, size_t pixel_begin, size_t pixel_end, void* memory) noexcept {
  const ConvShape& shape = conv.shape;
  const DwScratch scratch(shape, tap_count(shape), memory);
  set_tap_offsets(input_of(conv), 1, scratch.offsets);
  FDwTileFn* run_tile = kernel_table().dwconv_f32;
  FDwTile tile{.x = scratch.pointers,
               .taps = tap_count(shape),
               .channels = shape.in_channels,
               .w = conv.w,
               .params = conv.params};
  const WindowPointers<float> pointers(input_of(conv), scratch.offsets, scratch.zeros);
  WindowWalk<float> walk(input_of(conv), pixel_begin);
  Window<float> windows[kFDwTilePixels];
  for (size_t pixel = pixel_begin; pixel < pixel_end; pixel += kFDwTilePixels) {
    const size_t pixels = std::min(kFDwTilePixels, pixel_end - pixel);
    if (next_windows(walk, pointers, pixels, windows))
      pointers.point_inside(windows, tile.taps, scratch.pointers);
    else
      pointers.point_checked(windows, scratch.pointers);
    for (size_t p = 0; p < kFDwTilePixels; ++p)
      tile.y[p] = conv.y + (pixel + std::min(p, pixels - 1)) * conv.y_stride;
    run_tile(tile);
  }
}

} // namespace octet::kernels

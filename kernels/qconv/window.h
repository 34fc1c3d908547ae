// The windows of a convolution: which input pixels an output pixel reads, as the row pointers that
// tiles want. Shared by qconv and qdwconv.
#pragma once

#include "kernels/qconv/qconv.h"

namespace octet::kernels {

/// Input position under the first tap of one output pixel; it lies outside the image where padding
/// comes first.
struct Window {
  const int16_t* image;
  ptrdiff_t y;
  ptrdiff_t x;
};

/// Visits the windows of consecutive output pixels.
class WindowWalk {
public:
  WindowWalk(const QConv& conv, size_t pixel) noexcept;

  const Window& window() const noexcept { return window_; }

  void advance() noexcept {
    window_.x += static_cast<ptrdiff_t>(shape_.stride_w);
    if (++out_x_ == shape_.out_w) next_row();
  }

private:
  void next_row() noexcept;

  const ConvShape& shape_;
  size_t image_elements_;
  size_t out_y_;
  size_t out_x_;
  Window window_;
};

/// Row pointers for tiles of kPixels output pixels.
///   offsets[tap]  elements from a window's first pixel to the pixel under the tap
///   zeros         a pixel of zeros, for taps in the padding
class WindowPointers {
public:
  WindowPointers(const QConv& conv, const ptrdiff_t* offsets, const int16_t* zeros) noexcept;

  /// Whether no tap of the window is in the padding.
  bool is_inside(const Window& window) const noexcept {
    return static_cast<size_t>(window.y) < inside_h_ && static_cast<size_t>(window.x) < inside_w_;
  }

  /// First pixel of a window that is inside.
  const int16_t* first_pixel(const Window& window) const noexcept {
    return pixel(window, window.y, window.x);
  }

  /// The pixel under tap (ky, kx), or zeros.
  const int16_t* tap_pixel(const Window& window, size_t ky, size_t kx) const noexcept;

  /// Fills to[tap][pixel] for windows that are all inside, with the first `taps` offsets.
  template <size_t kPixels>
  void point_inside(const Window (&windows)[kPixels], size_t taps,
                    const int16_t** to) const noexcept {
    const int16_t* first[kPixels];
    for (size_t p = 0; p < kPixels; ++p) first[p] = first_pixel(windows[p]);
    for (size_t t = 0; t < taps; ++t)
      for (size_t p = 0; p < kPixels; ++p) to[t * kPixels + p] = first[p] + offsets_[t];
  }

  /// Fills to[tap][pixel] for any windows and every tap of the kernel.
  template <size_t kPixels>
  void point_checked(const Window (&windows)[kPixels], const int16_t** to) const noexcept {
    for (size_t ky = 0; ky < shape_.kernel_h; ++ky)
      for (size_t kx = 0; kx < shape_.kernel_w; ++kx)
        for (size_t p = 0; p < kPixels; ++p) *to++ = tap_pixel(windows[p], ky, kx);
  }

private:
  const int16_t* pixel(const Window& window, ptrdiff_t y, ptrdiff_t x) const noexcept {
    return window.image + (y * static_cast<ptrdiff_t>(shape_.in_w) + x) * x_stride_;
  }

  const ConvShape& shape_;
  ptrdiff_t x_stride_;
  const ptrdiff_t* offsets_;
  const int16_t* zeros_;
  size_t inside_h_; // positions at which a window is inside; negative ones are huge unsigned
  size_t inside_w_;
};

/// Offset of tap (ky, kx) from the first pixel of a window, in elements.
ptrdiff_t tap_offset(const QConv& conv, size_t ky, size_t kx) noexcept;

/// Reads the windows of the next `pixels` (1 … kPixels) output pixels; missing ones repeat the
/// last. Returns whether all are inside.
template <size_t kPixels>
bool next_windows(WindowWalk& walk, const WindowPointers& pointers, size_t pixels,
                  Window (&windows)[kPixels]) noexcept {
  bool inside = true;
  for (size_t p = 0; p < kPixels; ++p) {
    if (p >= pixels) {
      windows[p] = windows[pixels - 1];
      continue;
    }
    windows[p] = walk.window();
    inside = inside && pointers.is_inside(windows[p]);
    walk.advance();
  }
  return inside;
}

} // namespace octet::kernels

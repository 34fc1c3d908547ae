// The windows of a convolution: which input pixels an output pixel reads, as the row pointers that
// tiles want. T is the element type of the activations.
#pragma once

#include <algorithm>

#include "kernels/conv_shape.h"
#include "kernels/scratch.h"

namespace octet::kernels {

template <class T>
struct ConvInput {
  const ConvShape& shape;
  const T* x;
  size_t x_stride; // elements between pixels
};

/// Input position under the first tap of one output pixel; it lies outside the image where padding
/// comes first.
template <class T>
struct Window {
  const T* image;
  ptrdiff_t y;
  ptrdiff_t x;
};

/// Visits the windows of consecutive output pixels.
template <class T>
class WindowWalk {
public:
  WindowWalk(const ConvInput<T>& input, size_t pixel) noexcept
      : shape_(input.shape), image_elements_(shape_.in_h * shape_.in_w * input.x_stride),
        out_y_(pixel / shape_.out_w % shape_.out_h), out_x_(pixel % shape_.out_w),
        window_{input.x + pixel / shape_.out_w / shape_.out_h * image_elements_,
                static_cast<ptrdiff_t>(out_y_ * shape_.stride_h) -
                    static_cast<ptrdiff_t>(shape_.pad_top),
                static_cast<ptrdiff_t>(out_x_ * shape_.stride_w) -
                    static_cast<ptrdiff_t>(shape_.pad_left)} {}

  const Window<T>& window() const noexcept { return window_; }

  void advance() noexcept {
    window_.x += static_cast<ptrdiff_t>(shape_.stride_w);
    if (++out_x_ == shape_.out_w) next_row();
  }

private:
  void next_row() noexcept {
    out_x_ = 0;
    window_.x = -static_cast<ptrdiff_t>(shape_.pad_left);
    window_.y += static_cast<ptrdiff_t>(shape_.stride_h);
    if (++out_y_ < shape_.out_h) return;
    out_y_ = 0;
    window_.y = -static_cast<ptrdiff_t>(shape_.pad_top);
    window_.image += image_elements_;
  }

  const ConvShape& shape_;
  size_t image_elements_;
  size_t out_y_;
  size_t out_x_;
  Window<T> window_;
};

/// Row pointers for tiles of kPixels output pixels.
///   offsets[tap]  elements from a window's first pixel to the pixel under the tap
///   zeros         a pixel of zeros, for taps in the padding
template <class T>
class WindowPointers {
public:
  WindowPointers(const ConvInput<T>& input, const ptrdiff_t* offsets, const T* zeros) noexcept
      : shape_(input.shape), x_stride_(static_cast<ptrdiff_t>(input.x_stride)), offsets_(offsets),
        zeros_(zeros), inside_h_(inside_positions(shape_.in_h, shape_.kernel_h, shape_.dilation_h)),
        inside_w_(inside_positions(shape_.in_w, shape_.kernel_w, shape_.dilation_w)) {}

  /// Whether no tap of the window is in the padding.
  bool is_inside(const Window<T>& window) const noexcept {
    return static_cast<size_t>(window.y) < inside_h_ && static_cast<size_t>(window.x) < inside_w_;
  }

  /// First pixel of a window that is inside.
  const T* first_pixel(const Window<T>& window) const noexcept {
    return pixel(window, window.y, window.x);
  }

  /// The pixel under tap (ky, kx), or zeros.
  const T* tap_pixel(const Window<T>& window, size_t ky, size_t kx) const noexcept {
    const ptrdiff_t y = window.y + static_cast<ptrdiff_t>(ky * shape_.dilation_h);
    const ptrdiff_t x = window.x + static_cast<ptrdiff_t>(kx * shape_.dilation_w);
    if (y < 0 || x < 0 || y >= static_cast<ptrdiff_t>(shape_.in_h) ||
        x >= static_cast<ptrdiff_t>(shape_.in_w))
      return zeros_;
    return pixel(window, y, x);
  }

  /// Fills to[tap][pixel] for windows that are all inside, with the first `taps` offsets.
  template <size_t kPixels>
  void point_inside(const Window<T> (&windows)[kPixels], size_t taps, const T** to) const noexcept {
    const T* first[kPixels];
    for (size_t p = 0; p < kPixels; ++p) first[p] = first_pixel(windows[p]);
    for (size_t t = 0; t < taps; ++t)
      for (size_t p = 0; p < kPixels; ++p) to[t * kPixels + p] = first[p] + offsets_[t];
  }

  /// Fills to[tap][pixel] for any windows and every tap of the kernel.
  template <size_t kPixels>
  void point_checked(const Window<T> (&windows)[kPixels], const T** to) const noexcept {
    for (size_t ky = 0; ky < shape_.kernel_h; ++ky)
      for (size_t kx = 0; kx < shape_.kernel_w; ++kx)
        for (size_t p = 0; p < kPixels; ++p) *to++ = tap_pixel(windows[p], ky, kx);
  }

private:
  static size_t inside_positions(size_t size, size_t taps, size_t dilation) noexcept {
    const size_t reach = (taps - 1) * dilation;
    return size > reach ? size - reach : 0;
  }

  const T* pixel(const Window<T>& window, ptrdiff_t y, ptrdiff_t x) const noexcept {
    return window.image + (y * static_cast<ptrdiff_t>(shape_.in_w) + x) * x_stride_;
  }

  const ConvShape& shape_;
  ptrdiff_t x_stride_;
  const ptrdiff_t* offsets_;
  const T* zeros_;
  size_t inside_h_; // positions at which a window is inside; negative ones are huge unsigned
  size_t inside_w_;
};

/// Offset of tap (ky, kx) from the first pixel of a window, in elements.
inline ptrdiff_t tap_offset(const ConvShape& shape, size_t x_stride, size_t ky,
                            size_t kx) noexcept {
  return static_cast<ptrdiff_t>((ky * shape.dilation_h * shape.in_w + kx * shape.dilation_w) *
                                x_stride);
}

/// Offsets of every taps_per_run-th tap.
template <class T>
void set_tap_offsets(const ConvInput<T>& input, size_t taps_per_run, ptrdiff_t* offsets) noexcept {
  const size_t kernel_w = input.shape.kernel_w;
  for (size_t tap = 0; tap < tap_count(input.shape); tap += taps_per_run)
    *offsets++ = tap_offset(input.shape, input.x_stride, tap / kernel_w, tap % kernel_w);
}

/// Scratch arrays for tiles of kPixels output pixels; without memory it only counts their bytes.
template <class T, size_t kPixels>
struct WindowScratch {
  const T** pointers; // [taps][kPixels]
  ptrdiff_t* offsets; // [taps]
  T* zeros;           // one pixel
  size_t bytes;

  WindowScratch(const ConvShape& shape, size_t taps, void* memory) noexcept {
    Scratch scratch(memory);
    pointers = scratch.take<const T*>(taps * kPixels);
    offsets = scratch.take<ptrdiff_t>(taps);
    zeros = scratch.take<T>(shape.in_channels);
    bytes = scratch.bytes();
    if (memory) std::fill_n(zeros, shape.in_channels, T{0});
  }
};

/// Reads the windows of the next `pixels` (1 … kPixels) output pixels; missing ones repeat the
/// last. Returns whether all are inside.
template <size_t kPixels, class T>
bool next_windows(WindowWalk<T>& walk, const WindowPointers<T>& pointers, size_t pixels,
                  Window<T> (&windows)[kPixels]) noexcept {
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

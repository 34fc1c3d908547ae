#include "kernels/qconv/window.h"

namespace octet::kernels {
namespace {

size_t inside_positions(size_t size, size_t taps, size_t dilation) noexcept {
  const size_t reach = (taps - 1) * dilation;
  return size > reach ? size - reach : 0;
}

} // namespace

WindowWalk::WindowWalk(const QConv& conv, size_t pixel) noexcept
    : shape_(conv.shape), image_elements_(shape_.in_h * shape_.in_w * conv.x_stride),
      out_y_(pixel / shape_.out_w % shape_.out_h), out_x_(pixel % shape_.out_w),
      window_{conv.x + pixel / shape_.out_w / shape_.out_h * image_elements_,
              static_cast<ptrdiff_t>(out_y_ * shape_.stride_h) -
                  static_cast<ptrdiff_t>(shape_.pad_top),
              static_cast<ptrdiff_t>(out_x_ * shape_.stride_w) -
                  static_cast<ptrdiff_t>(shape_.pad_left)} {}

void WindowWalk::next_row() noexcept {
  out_x_ = 0;
  window_.x = -static_cast<ptrdiff_t>(shape_.pad_left);
  window_.y += static_cast<ptrdiff_t>(shape_.stride_h);
  if (++out_y_ < shape_.out_h) return;
  out_y_ = 0;
  window_.y = -static_cast<ptrdiff_t>(shape_.pad_top);
  window_.image += image_elements_;
}

WindowPointers::WindowPointers(const QConv& conv, const ptrdiff_t* offsets,
                               const int16_t* zeros) noexcept
    : shape_(conv.shape), x_stride_(static_cast<ptrdiff_t>(conv.x_stride)), offsets_(offsets),
      zeros_(zeros), inside_h_(inside_positions(shape_.in_h, shape_.kernel_h, shape_.dilation_h)),
      inside_w_(inside_positions(shape_.in_w, shape_.kernel_w, shape_.dilation_w)) {}

const int16_t* WindowPointers::tap_pixel(const Window& window, size_t ky,
                                         size_t kx) const noexcept {
  const ptrdiff_t y = window.y + static_cast<ptrdiff_t>(ky * shape_.dilation_h);
  const ptrdiff_t x = window.x + static_cast<ptrdiff_t>(kx * shape_.dilation_w);
  if (y < 0 || x < 0 || y >= static_cast<ptrdiff_t>(shape_.in_h) ||
      x >= static_cast<ptrdiff_t>(shape_.in_w))
    return zeros_;
  return pixel(window, y, x);
}

ptrdiff_t tap_offset(const QConv& conv, size_t ky, size_t kx) noexcept {
  const ConvShape& shape = conv.shape;
  return static_cast<ptrdiff_t>((ky * shape.dilation_h * shape.in_w + kx * shape.dilation_w) *
                                conv.x_stride);
}

} // namespace octet::kernels

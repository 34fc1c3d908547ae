#include "kernels/qconv/window.h"

namespace octet::kernels {

WindowWalk::WindowWalk(const QConv& conv, size_t pixel) noexcept
    : shape_(conv.shape), image_elements_(shape_.in_h * shape_.in_w * conv.x_stride),
      out_y_(pixel / shape_.out_w % shape_.out_h), out_x_(pixel % shape_.out_w),
      window_{conv.x + pixel / shape_.out_w / shape_.out_h * image_elements_,
              static_cast<ptrdiff_t>(out_y_ * shape_.stride_h) -
                  static_cast<ptrdiff_t>(shape_.pad_top),
              static_cast<ptrdiff_t>(out_x_ * shape_.stride_w) -
                  static_cast<ptrdiff_t>(shape_.pad_left)} {}

void WindowWalk::advance() noexcept {
  window_.x += static_cast<ptrdiff_t>(shape_.stride_w);
  if (++out_x_ < shape_.out_w) return;
  out_x_ = 0;
  window_.x = -static_cast<ptrdiff_t>(shape_.pad_left);
  window_.y += static_cast<ptrdiff_t>(shape_.stride_h);
  if (++out_y_ < shape_.out_h) return;
  out_y_ = 0;
  window_.y = -static_cast<ptrdiff_t>(shape_.pad_top);
  window_.image += image_elements_;
}

bool WindowPointers::is_inside(const Window& window) const noexcept {
  const auto last_y = window.y + static_cast<ptrdiff_t>((shape_.kernel_h - 1) * shape_.dilation_h);
  const auto last_x = window.x + static_cast<ptrdiff_t>((shape_.kernel_w - 1) * shape_.dilation_w);
  return window.y >= 0 && window.x >= 0 && last_y < static_cast<ptrdiff_t>(shape_.in_h) &&
         last_x < static_cast<ptrdiff_t>(shape_.in_w);
}

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

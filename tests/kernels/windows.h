// Random geometries of windows, and a walk over them by the definition of a convolution.
#pragma once

#include "kernels/conv_shape.h"
#include "tests/kernels/random.h"

namespace octet::kernels::test {

struct PaddedShape {
  ConvShape shape;
  size_t pad_bottom, pad_right;
};

/// Images up to 9 × 9 under kernels up to 4 × 4; channels are left to the caller.
inline PaddedShape random_windows(Random& random) {
  PaddedShape out{{.batch = random.size(1, 2),
                   .in_h = random.size(1, 9),
                   .in_w = random.size(1, 9),
                   .kernel_h = random.size(1, 4),
                   .kernel_w = random.size(1, 4),
                   .stride_h = random.size(1, 3),
                   .stride_w = random.size(1, 3),
                   .dilation_h = random.size(1, 2),
                   .dilation_w = random.size(1, 2)},
                  random.size(0, 2),
                  random.size(0, 2)};
  ConvShape& s = out.shape;
  s.pad_top = random.size(0, 2);
  s.pad_left = random.size(0, 2);
  const size_t reach_h = (s.kernel_h - 1) * s.dilation_h + 1;
  const size_t reach_w = (s.kernel_w - 1) * s.dilation_w + 1;
  while (s.in_h + s.pad_top + out.pad_bottom < reach_h) ++s.in_h;
  while (s.in_w + s.pad_left + out.pad_right < reach_w) ++s.in_w;
  s.out_h = (s.in_h + s.pad_top + out.pad_bottom - reach_h) / s.stride_h + 1;
  s.out_w = (s.in_w + s.pad_left + out.pad_right - reach_w) / s.stride_w + 1;
  return out;
}

/// Calls visit(tap, input pixel of the batch) for the taps of an output pixel that lie in the
/// image.
template <class Visit>
void for_each_input(const ConvShape& s, size_t out_pixel, Visit&& visit) {
  const size_t ox = out_pixel % s.out_w, oy = out_pixel / s.out_w % s.out_h;
  const size_t image = out_pixel / s.out_w / s.out_h;
  for (size_t ky = 0; ky < s.kernel_h; ++ky)
    for (size_t kx = 0; kx < s.kernel_w; ++kx) {
      const auto y = static_cast<ptrdiff_t>(oy * s.stride_h + ky * s.dilation_h) -
                     static_cast<ptrdiff_t>(s.pad_top);
      const auto x = static_cast<ptrdiff_t>(ox * s.stride_w + kx * s.dilation_w) -
                     static_cast<ptrdiff_t>(s.pad_left);
      if (y < 0 || x < 0 || y >= static_cast<ptrdiff_t>(s.in_h) ||
          x >= static_cast<ptrdiff_t>(s.in_w))
        continue;
      visit(ky * s.kernel_w + kx,
            (image * s.in_h + static_cast<size_t>(y)) * s.in_w + static_cast<size_t>(x));
    }
}

/// Whole numbers as floats: sums of their products are exact in any order.
inline std::vector<float> whole_numbers(Random& random, size_t n) {
  return random.integers<float>(n, -8, 8);
}

} // namespace octet::kernels::test

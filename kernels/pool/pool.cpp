#include "kernels/pool/pool.h"

#include <algorithm>

#include "kernels/conv_window.h"
#include "kernels/dispatch.h"

namespace octet::kernels {
namespace {

template <class T>
using PoolScratch = WindowScratch<T, 1>;

/// Calls visit(window, taps inside the image, their count, output pixel) for each output pixel.
template <class T, class Visit>
void for_each_window(const Pool<T>& args, size_t begin, size_t end, void* memory,
                     Visit&& visit) noexcept {
  const ConvShape& shape = args.shape;
  const ConvInput<T> input{shape, args.x, args.x_stride};
  const PoolScratch<T> scratch(shape, tap_count(shape), memory);
  set_tap_offsets(input, 1, scratch.offsets);
  const WindowPointers<T> pointers(input, scratch.offsets, nullptr);
  WindowWalk<T> walk(input, begin);
  for (size_t pixel = begin; pixel < end; ++pixel, walk.advance()) {
    const Window<T> windows[] = {walk.window()};
    const T** taps_end = scratch.pointers + tap_count(shape);
    if (pointers.is_inside(windows[0])) {
      pointers.point_inside(windows, tap_count(shape), scratch.pointers);
    } else {
      pointers.point_checked(windows, scratch.pointers);
      taps_end = std::remove(scratch.pointers, taps_end, nullptr);
    }
    const auto count = static_cast<size_t>(taps_end - scratch.pointers);
    visit(windows[0], scratch.pointers, count, args.y + pixel * args.y_stride);
  }
}

template <class T>
void max_pool(const Pool<T>& args, size_t begin, size_t end, void* scratch,
              MaxPoolFn<T>* pool_window) noexcept {
  for_each_window(args, begin, end, scratch,
                  [&](const Window<T>&, const T* const* taps, size_t count, T* y) {
                    pool_window(taps, count, args.shape.in_channels, y);
                  });
}

/// Taps from `position` on that lie before `end`; none lies before the padding.
size_t taps_before(ptrdiff_t position, size_t end, size_t taps, size_t dilation) noexcept {
  const auto distance = static_cast<size_t>(static_cast<ptrdiff_t>(end) - position);
  return std::min(taps, (distance + dilation - 1) / dilation);
}

} // namespace

size_t pool_scratch_bytes(const ConvShape& shape) noexcept {
  return PoolScratch<float>(shape, tap_count(shape), nullptr).bytes;
}

void max_pool_f32(const Pool<float>& args, size_t pixel_begin, size_t pixel_end,
                  void* scratch) noexcept {
  max_pool(args, pixel_begin, pixel_end, scratch, kernel_table().max_pool_f32);
}
void max_pool_u8(const Pool<uint8_t>& args, size_t pixel_begin, size_t pixel_end,
                 void* scratch) noexcept {
  max_pool(args, pixel_begin, pixel_end, scratch, kernel_table().max_pool_u8);
}
void max_pool_s8(const Pool<int8_t>& args, size_t pixel_begin, size_t pixel_end,
                 void* scratch) noexcept {
  max_pool(args, pixel_begin, pixel_end, scratch, kernel_table().max_pool_s8);
}
void max_pool_s16(const Pool<int16_t>& args, size_t pixel_begin, size_t pixel_end,
                  void* scratch) noexcept {
  max_pool(args, pixel_begin, pixel_end, scratch, kernel_table().max_pool_s16);
}

void average_pool_f32(const Pool<float>& args, const AverageDivisor& divisor, size_t pixel_begin,
                      size_t pixel_end, void* scratch) noexcept {
  const ConvShape& shape = args.shape;
  AveragePoolFn* const pool_window = kernel_table().average_pool_f32;
  for_each_window(
      args, pixel_begin, pixel_end, scratch,
      [&](const Window<float>& window, const float* const* taps, size_t count, float* y) {
        size_t terms = count;
        if (divisor.count_padding)
          terms = taps_before(window.y, shape.in_h + divisor.pad_bottom, shape.kernel_h,
                              shape.dilation_h) *
                  taps_before(window.x, shape.in_w + divisor.pad_right, shape.kernel_w,
                              shape.dilation_w);
        pool_window(taps, count, shape.in_channels, static_cast<float>(terms), y);
      });
}

} // namespace octet::kernels

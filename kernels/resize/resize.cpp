#include "kernels/resize/resize.h"

#include <cstring>

#include "kernels/dispatch.h"
#include "kernels/scratch.h"

namespace octet::kernels {
namespace {

float* take_blend(const ResizeShape& shape, Scratch& scratch) noexcept {
  return scratch.take<float>(shape.in_w * shape.channels);
}

using PickColumnsFn = void(const char* from, const uint32_t* columns, size_t count,
                           size_t pixel_bytes, char* to) noexcept;

template <size_t kBytes>
void pick_columns(const char* from, const uint32_t* columns, size_t count, size_t,
                  char* to) noexcept {
  for (size_t i = 0; i < count; ++i, to += kBytes)
    std::memcpy(to, from + columns[i] * kBytes, kBytes);
}

void pick_long_columns(const char* from, const uint32_t* columns, size_t count, size_t pixel_bytes,
                       char* to) noexcept {
  for (size_t i = 0; i < count; ++i, to += pixel_bytes)
    std::memcpy(to, from + columns[i] * pixel_bytes, pixel_bytes);
}

PickColumnsFn* choose_pick(size_t pixel_bytes) noexcept {
  switch (pixel_bytes) {
  case 1:
    return pick_columns<1>;
  case 4:
    return pick_columns<4>;
  case 12:
    return pick_columns<12>;
  default:
    return pick_long_columns;
  }
}

} // namespace

size_t resize_linear_scratch_bytes(const ResizeShape& shape) noexcept {
  Scratch scratch(nullptr);
  take_blend(shape, scratch);
  return scratch.bytes();
}

void resize_linear_f32(const ResizeLinear& args, size_t row_begin, size_t row_end,
                       void* memory) noexcept {
  const ResizeShape& shape = args.shape;
  Scratch scratch(memory);
  LinearRow row{.in_elements = shape.in_w * shape.channels,
                .blend = take_blend(shape, scratch),
                .channels = shape.channels,
                .out_w = shape.out_w,
                .columns = args.columns};
  for (size_t r = row_begin; r < row_end; ++r) {
    const float* image = args.x + r / shape.out_h * shape.in_h * row.in_elements;
    const size_t out_y = r % shape.out_h;
    row.first = image + args.rows.first[out_y] * row.in_elements;
    row.second = image + args.rows.second[out_y] * row.in_elements;
    row.weight = args.rows.weight[out_y];
    row.y = args.y + r * shape.out_w * shape.channels;
    kernel_table().resize_linear_row_f32(row);
  }
}

void resize_nearest(const ResizeNearest& args, size_t row_begin, size_t row_end) noexcept {
  const ResizeShape& shape = args.shape;
  const size_t pixel = shape.channels * args.element_bytes;
  const size_t in_row = shape.in_w * pixel, out_row = shape.out_w * pixel;
  PickColumnsFn* const pick = choose_pick(pixel);
  const char* previous = nullptr;
  for (size_t r = row_begin; r < row_end; ++r) {
    const size_t source = r / shape.out_h * shape.in_h + args.rows[r % shape.out_h];
    const char* from = static_cast<const char*>(args.x) + source * in_row;
    char* to = static_cast<char*>(args.y) + r * out_row;
    if (from == previous)
      std::memcpy(to, to - out_row, out_row);
    else
      pick(from, args.columns, shape.out_w, pixel, to);
    previous = from;
  }
}

} // namespace octet::kernels

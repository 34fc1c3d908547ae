#include "kernels/qconv/qconv.h"

#include <algorithm>

#include "kernels/qconv/window.h"
#include "kernels/qgemm/qgemm.h"
#include "kernels/qgemm/tile_kernels.h"
#include "kernels/scratch.h"

namespace octet::kernels {
namespace {

/// How a window is cut into the runs of a tile. A kernel row over neighbouring pixels is one
/// contiguous run of kernel_w · channels. With an odd number of channels that is how the weights
/// are packed, so as not to pad every tap to even. With an even number both cuts have the same
/// packed form, and the tile takes whichever its pixels allow.
struct Runs {
  size_t taps;
  size_t k;
};

size_t group_inputs(const ConvShape& shape) noexcept {
  return shape.in_channels / shape.groups;
}
size_t group_outputs(const ConvShape& shape) noexcept {
  return shape.out_channels / shape.groups;
}

Runs row_runs(const ConvShape& shape) noexcept {
  return {shape.kernel_h, shape.kernel_w * group_inputs(shape)};
}

Runs pixel_runs(const ConvShape& shape) noexcept {
  return {shape.kernel_h * shape.kernel_w, group_inputs(shape)};
}

bool packs_rows(const ConvShape& shape) noexcept {
  return shape.groups == 1 && shape.dilation_w == 1 && shape.in_channels % 2 == 1;
}

Runs packed_runs(const ConvShape& shape) noexcept {
  return packs_rows(shape) ? row_runs(shape) : pixel_runs(shape);
}

size_t packed_group_bytes(const ConvShape& shape) noexcept {
  const Runs runs = packed_runs(shape);
  return packed_weight_bytes(group_outputs(shape), runs.taps, runs.k);
}

bool is_matrix_product(const ConvShape& shape) noexcept {
  return shape.kernel_h == 1 && shape.kernel_w == 1 && shape.stride_h == 1 && shape.stride_w == 1 &&
         shape.in_h == shape.out_h && shape.in_w == shape.out_w && shape.groups == 1;
}

struct ConvScratch {
  const int16_t** pointers; // [taps][kTileRows]
  ptrdiff_t* offsets;       // [taps]
  int16_t* zeros;           // one pixel
  int16_t* patch;           // [kTileRows] gathered windows, where rows are packed
  size_t bytes;

  ConvScratch(const ConvShape& shape, void* memory) noexcept {
    const size_t taps = shape.kernel_h * shape.kernel_w;
    Scratch scratch(memory);
    pointers = scratch.take<const int16_t*>(taps * kTileRows);
    offsets = scratch.take<ptrdiff_t>(taps);
    zeros = scratch.take<int16_t>(shape.in_channels);
    patch = scratch.take<int16_t>(packs_rows(shape) ? kTileRows * taps * shape.in_channels : 0);
    bytes = scratch.bytes();
  }
};

void skip_columns(QOutputParams& params, size_t n) noexcept {
  if (params.w_zero) params.w_zero += n;
  if (params.bias) params.bias += n;
  if (params.scale) params.scale += n;
  if (params.bias_f32) params.bias_f32 += n;
}

/// One running call of qconv.
class ConvRun {
public:
  ConvRun(const QConv& conv, void* scratch) noexcept;

  /// Output pixels of a range for columns [column_begin, column_end) of every group.
  void run(size_t pixel_begin, size_t pixel_end, size_t column_begin, size_t column_end) noexcept;

private:
  void point_tile(bool inside) noexcept;
  void point_rows() noexcept;
  const int16_t* gather_window(const Window& window, int16_t* patch) const noexcept;
  void run_groups(size_t pixel, size_t rows) noexcept;

  const QConv& conv_;
  const ConvShape& shape_;
  const bool packs_rows_;
  const bool rows_contiguous_; // neighbouring pixels touch, so that row_runs can be read in place
  const Runs inside_runs_;
  const TileKernels kernels_;
  const ConvScratch scratch_;
  const WindowPointers pointers_;
  QOutputParams params_;
  QTile tile_;
  Window windows_[kTileRows];
};

ConvRun::ConvRun(const QConv& conv, void* scratch) noexcept
    : conv_(conv), shape_(conv.shape), packs_rows_(packs_rows(shape_)),
      rows_contiguous_(shape_.dilation_w == 1 && conv.x_stride == group_inputs(shape_)),
      inside_runs_(packs_rows_ || rows_contiguous_ ? row_runs(shape_) : pixel_runs(shape_)),
      kernels_(tile_kernels(conv.output)), scratch_(shape_, scratch),
      pointers_(conv, scratch_.offsets, scratch_.zeros),
      tile_{.a = scratch_.pointers, .params = &params_} {
  std::fill_n(scratch_.zeros, shape_.in_channels, int16_t{0});
  const size_t taps_per_run = shape_.kernel_h * shape_.kernel_w / inside_runs_.taps;
  for (size_t t = 0; t < inside_runs_.taps; ++t) {
    const size_t tap = t * taps_per_run;
    scratch_.offsets[t] = tap_offset(conv, tap / shape_.kernel_w, tap % shape_.kernel_w);
  }
}

const int16_t* ConvRun::gather_window(const Window& window, int16_t* patch) const noexcept {
  int16_t* to = patch;
  for (size_t ky = 0; ky < shape_.kernel_h; ++ky)
    for (size_t kx = 0; kx < shape_.kernel_w; ++kx)
      to = std::copy_n(pointers_.tap_pixel(window, ky, kx), shape_.in_channels, to);
  return patch;
}

/// Points at kernel rows in place, or at a gathered copy where padding interrupts them.
void ConvRun::point_rows() noexcept {
  const Runs runs = row_runs(shape_);
  int16_t* patch = scratch_.patch;
  for (size_t r = 0; r < kTileRows; ++r, patch += runs.taps * runs.k) {
    const bool in_place = rows_contiguous_ && pointers_.is_inside(windows_[r]);
    const int16_t* first =
        in_place ? pointers_.first_pixel(windows_[r]) : gather_window(windows_[r], patch);
    for (size_t t = 0; t < runs.taps; ++t)
      scratch_.pointers[t * kTileRows + r] =
          first + (in_place ? scratch_.offsets[t] : static_cast<ptrdiff_t>(t * runs.k));
  }
}

void ConvRun::point_tile(bool inside) noexcept {
  const Runs runs = inside || packs_rows_ ? inside_runs_ : pixel_runs(shape_);
  tile_.taps = runs.taps;
  tile_.k = runs.k;
  if (packs_rows_)
    point_rows();
  else if (inside)
    pointers_.point_inside(windows_, runs.taps, scratch_.pointers);
  else
    pointers_.point_checked(windows_, scratch_.pointers);
}

void ConvRun::run_groups(size_t pixel, size_t rows) noexcept {
  const size_t outputs = group_outputs(shape_);
  const size_t weight_bytes = packed_group_bytes(shape_);
  char* y = static_cast<char*>(conv_.y) + pixel * conv_.y_stride * output_bytes(conv_.output);
  params_ = conv_.params;
  tile_.b = static_cast<const int8_t*>(conv_.w);
  for (size_t g = 0;;) {
    set_output_rows(tile_, y, conv_.y_stride, conv_.output, rows);
    set_row_sums(tile_, rows);
    run_tile(kernels_, tile_, rows);
    if (++g == shape_.groups) return;
    y += outputs * output_bytes(conv_.output);
    skip_columns(params_, outputs);
    tile_.b += weight_bytes;
    const size_t pointers = tile_.taps * kTileRows;
    for (size_t i = 0; i < pointers; ++i) scratch_.pointers[i] += group_inputs(shape_);
  }
}

void ConvRun::run(size_t pixel_begin, size_t pixel_end, size_t column_begin,
                  size_t column_end) noexcept {
  tile_.column_begin = column_begin;
  tile_.column_end = column_end;
  WindowWalk walk(conv_, pixel_begin);
  for (size_t pixel = pixel_begin; pixel < pixel_end; pixel += kTileRows) {
    const size_t rows = std::min(kTileRows, pixel_end - pixel);
    point_tile(next_windows(walk, pointers_, rows, windows_));
    run_groups(pixel, rows);
  }
}

void run_as_matrix_product(const QConv& conv, size_t pixel_begin, size_t pixel_end) noexcept {
  const ConvShape& shape = conv.shape;
  const QGemm gemm{.m = shape.batch * shape.out_h * shape.out_w,
                   .n = shape.out_channels,
                   .k = shape.in_channels,
                   .a = conv.x,
                   .a_stride = conv.x_stride,
                   .b = static_cast<const int8_t*>(conv.w),
                   .c = conv.y,
                   .c_stride = conv.y_stride,
                   .output = conv.output,
                   .params = conv.params};
  qgemm(gemm, pixel_begin, pixel_end);
}

} // namespace

size_t packed_conv_weight_bytes(const ConvShape& shape) noexcept {
  return shape.groups * packed_group_bytes(shape);
}

void pack_conv_weights(const ConvShape& shape, const void* weights, bool is_unsigned,
                       void* packed) noexcept {
  const Runs runs = packed_runs(shape);
  const size_t taps = shape.kernel_h * shape.kernel_w;
  const size_t inputs = group_inputs(shape);
  const size_t group_elements = group_outputs(shape) * inputs * taps;
  QWeights w{.data = weights,
             .is_unsigned = is_unsigned,
             .n = group_outputs(shape),
             .k = inputs,
             .taps = runs.taps,
             .run = taps / runs.taps,
             .n_stride = static_cast<ptrdiff_t>(inputs * taps),
             .k_stride = static_cast<ptrdiff_t>(taps),
             .tap_stride = static_cast<ptrdiff_t>(taps / runs.taps),
             .run_stride = 1};
  for (size_t g = 0; g < shape.groups; ++g) {
    w.data = static_cast<const char*>(weights) + g * group_elements;
    pack_weights(w, static_cast<int8_t*>(packed) + g * packed_group_bytes(shape));
  }
}

size_t qconv_scratch_bytes(const ConvShape& shape) noexcept {
  return ConvScratch(shape, nullptr).bytes;
}

void qconv(const QConv& conv, size_t pixel_begin, size_t pixel_end, void* scratch) noexcept {
  const ConvShape& shape = conv.shape;
  if (is_matrix_product(shape)) return run_as_matrix_product(conv, pixel_begin, pixel_end);
  const Runs runs = packed_runs(shape);
  const size_t columns = group_outputs(shape);
  const size_t block = shape.groups == 1 ? columns_per_block(runs.taps, runs.k) : columns;
  ConvRun run(conv, scratch);
  for (size_t n = 0; n < columns; n += block)
    run.run(pixel_begin, pixel_end, n, std::min(columns, n + block));
}

} // namespace octet::kernels

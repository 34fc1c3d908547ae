#include "kernels/qconv/qconv.h"

#include <algorithm>

#include "kernels/conv_window.h"
#include "kernels/qconv/gathered.h"
#include "kernels/qdot/pack.h"
#include "kernels/qdot/panel.h"
#include "kernels/qgemm/qgemm.h"
#include "kernels/qgemm/strassen.h"
#include "kernels/qgemm/tile_kernels.h"

namespace octet::kernels {
namespace {

/// How a window is cut into the runs of a tile.
struct Runs {
  size_t taps;
  size_t k;
};

/// A kernel row over pixels that touch is one run.
Runs row_runs(const ConvShape& shape) noexcept {
  return {shape.kernel_h, shape.kernel_w * group_inputs(shape)};
}

/// Runs that are multiplied one by one. Even channels pack alike as taps and as kernel rows.
Runs tap_runs(const ConvShape& shape) noexcept {
  return {tap_count(shape), group_inputs(shape)};
}

Runs packed_runs(const ConvShape& shape) noexcept {
  return gathers(shape) ? Runs{1, tap_count(shape) * shape.in_channels} : tap_runs(shape);
}

size_t packed_group_bytes(const ConvShape& shape) noexcept {
  const Runs runs = packed_runs(shape);
  return packed_weight_bytes(group_outputs(shape), runs.taps, runs.k);
}

struct ConvScratch : WindowScratch<int16_t, kTileRows> {
  ConvScratch(const ConvShape& shape, void* memory) noexcept
      : WindowScratch(shape, tap_count(shape), memory) {}
};

/// Whether row_runs can be read in place, and weights are packed alike for both kinds of runs.
bool rows_are_runs(const QConv& conv) noexcept {
  const size_t inputs = group_inputs(conv.shape);
  const bool two_steps = conv.byte_dot && byte_dot_steps() == ByteDotSteps::two;
  return conv.shape.dilation_w == 1 && conv.x_stride == inputs &&
         inputs % (two_steps ? kStepPairs : 2) == 0;
}

/// One running call of qconv.
class ConvRun {
public:
  ConvRun(const QConv& conv, void* scratch) noexcept;

  void run(size_t pixel_begin, size_t pixel_end) noexcept;

private:
  /// Output pixels of a range for the columns that the tile names, of every group.
  void run_columns(size_t pixel_begin, size_t pixel_end) noexcept;
  void point_tile(bool inside) noexcept;
  void run_groups(size_t pixel, size_t rows) noexcept;

  const QConv& conv_;
  const ConvShape& shape_;
  const Runs tap_runs_;
  const Runs inside_runs_; // of windows without padding
  const TileKernels kernels_;
  const ConvScratch scratch_;
  const WindowPointers<int16_t> pointers_;
  QOutputParams params_;
  QTile tile_;
  Window<int16_t> windows_[kTileRows];
};

ConvRun::ConvRun(const QConv& conv, void* scratch) noexcept
    : conv_(conv), shape_(conv.shape), tap_runs_(tap_runs(shape_)),
      inside_runs_(rows_are_runs(conv) ? row_runs(shape_) : tap_runs_),
      kernels_(tile_kernels(conv.output, conv.byte_dot)), scratch_(shape_, scratch),
      pointers_(input_of(conv), scratch_.offsets, scratch_.zeros),
      tile_{.a = scratch_.pointers, .params = &params_} {
  set_tap_offsets(input_of(conv), tap_count(shape_) / inside_runs_.taps, scratch_.offsets);
  std::fill_n(scratch_.zeros, shape_.in_channels, conv.padding);
}

void ConvRun::point_tile(bool inside) noexcept {
  const Runs runs = inside ? inside_runs_ : tap_runs_;
  tile_.taps = runs.taps;
  tile_.k = runs.k;
  if (inside)
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
    set_row_sums(tile_, rows, kernels_.row_sum);
    run_tile(kernels_, tile_, rows);
    if (++g == shape_.groups) return;
    y += outputs * output_bytes(conv_.output);
    params_ = columns_from(params_, outputs);
    tile_.b += weight_bytes;
    const size_t pointers = tile_.taps * kTileRows;
    for (size_t i = 0; i < pointers; ++i) scratch_.pointers[i] += group_inputs(shape_);
  }
}

void ConvRun::run(size_t pixel_begin, size_t pixel_end) noexcept {
  const size_t columns = group_outputs(shape_);
  tile_.column_end = columns;
  if (shape_.groups > 1) return run_columns(pixel_begin, pixel_end);
  tile_.taps = tap_runs_.taps;
  tile_.k = tap_runs_.k;
  tile_.b = static_cast<const int8_t*>(conv_.w);
  WidePanels wide(tile_, pixel_end - pixel_begin, conv_.byte_dot);
  for (size_t n = 0; n < columns; n += wide.columns()) {
    tile_.column_begin = n;
    tile_.column_end = std::min(columns, n + wide.columns());
    wide.load(tile_);
    run_columns(pixel_begin, pixel_end);
  }
}

void ConvRun::run_columns(size_t pixel_begin, size_t pixel_end) noexcept {
  WindowWalk<int16_t> walk(input_of(conv_), pixel_begin);
  for (size_t pixel = pixel_begin; pixel < pixel_end; pixel += kTileRows) {
    const size_t rows = std::min(kTileRows, pixel_end - pixel);
    point_tile(next_windows(walk, pointers_, rows, windows_));
    run_groups(pixel, rows);
  }
}

/// Rows whose operands, combined for Strassen's product, stay in a second-level cache.
size_t rows_at_once(size_t k) noexcept {
  constexpr size_t kBytes = 512 * 1024;
  const size_t row_bytes = block_row_elements(k) / kBlockRows * sizeof(int16_t);
  return std::max<size_t>(kBytes / std::max<size_t>(row_bytes, 1) / kBlockRows, 8) * kBlockRows;
}

bool uses_strassen(const ConvShape& shape) noexcept {
  return is_matrix_product(shape) && strassen_pays(shape.batch * shape.out_h * shape.out_w,
                                                   shape.out_channels, shape.in_channels);
}

/// The pixels [begin, end) of a product of pixels with a matrix.
void run_matrix_product(const QConv& conv, size_t begin, size_t end, void* scratch) noexcept {
  const ConvShape& shape = conv.shape;
  QGemm gemm{.n = shape.out_channels,
             .k = packed_runs(shape).k,
             .a_stride = conv.x_stride,
             .b = static_cast<const int8_t*>(conv.w),
             .c_stride = conv.y_stride,
             .byte_dot = conv.byte_dot,
             .output = conv.output,
             .params = conv.params};
  const bool combines = !conv.byte_dot && !conv.wide && uses_strassen(shape);
  const size_t step = combines ? rows_at_once(gemm.k) : end - begin;
  for (size_t row = begin; row < end; row += step) {
    gemm.m = std::min(step, end - row);
    gemm.a = conv.x + row * conv.x_stride;
    gemm.c = static_cast<char*>(conv.y) + row * conv.y_stride * output_bytes(conv.output);
    if (combines) {
      combine_rows(gemm, 0, gemm.m, scratch);
      gemm.combined_rows = scratch;
      gemm.panels = static_cast<char*>(scratch) + combined_row_bytes(gemm.m, gemm.k);
    }
    qgemm(gemm, 0, gemm.m);
  }
}

/// The ONNX weights of one group, each of whose columns has `inputs` weights a tap.
QWeights group_weights(const ConvShape& shape, const Runs& runs, const void* weights,
                       bool is_unsigned, size_t inputs) noexcept {
  const size_t taps = tap_count(shape);
  return {.data = weights,
          .is_unsigned = is_unsigned,
          .n = group_outputs(shape),
          .k = inputs,
          .taps = runs.taps,
          .run = taps / runs.taps,
          .n_stride = static_cast<ptrdiff_t>(inputs * taps),
          .k_stride = static_cast<ptrdiff_t>(taps),
          .tap_stride = static_cast<ptrdiff_t>(taps / runs.taps),
          .run_stride = 1};
}

} // namespace

size_t packed_dot_conv_weight_bytes(const ConvShape& shape) noexcept {
  const Runs runs = tap_runs(shape);
  return packed_dot_weight_bytes(shape.out_channels, runs.taps, runs.k);
}

void pack_dot_conv_weights(const ConvShape& shape, const void* weights, bool is_unsigned,
                           void* packed, int32_t* sums) noexcept {
  pack_dot_weights(
      group_weights(shape, tap_runs(shape), weights, is_unsigned, 2 * shape.in_channels),
      static_cast<int8_t*>(packed), sums);
}

size_t packed_conv_weight_bytes(const ConvShape& shape) noexcept {
  return shape.groups * packed_group_bytes(shape);
}

void pack_conv_weights(const ConvShape& shape, const void* weights, bool is_unsigned,
                       void* packed) noexcept {
  const size_t inputs = group_inputs(shape);
  const size_t group_elements = group_outputs(shape) * inputs * tap_count(shape);
  QWeights w = group_weights(shape, packed_runs(shape), weights, is_unsigned, inputs);
  for (size_t g = 0; g < shape.groups; ++g) {
    w.data = static_cast<const char*>(weights) + g * group_elements;
    pack_weights(w, static_cast<int8_t*>(packed) + g * packed_group_bytes(shape));
  }
}

size_t qconv_scratch_bytes(const ConvShape& shape) noexcept {
  if (gathers(shape))
    return std::max(gathered_scratch_bytes(shape), ConvScratch(shape, nullptr).bytes);
  if (!uses_strassen(shape)) return ConvScratch(shape, nullptr).bytes;
  const size_t pixels = shape.batch * shape.out_h * shape.out_w;
  return combined_row_bytes(std::min(rows_at_once(shape.in_channels), pixels), shape.in_channels) +
         combined_panel_bytes(shape.in_channels);
}

bool qconv_pools(const ConvShape& shape) noexcept {
  return gathers(shape);
}

void qconv(const QConv& conv, size_t pixel_begin, size_t pixel_end, void* scratch) noexcept {
  if (gathers(conv.shape) && !conv.byte_dot)
    return qconv_gathered(conv, pixel_begin, pixel_end, scratch);
  if (is_matrix_product(conv.shape))
    return run_matrix_product(conv, pixel_begin, pixel_end, scratch);
  ConvRun(conv, scratch).run(pixel_begin, pixel_end);
}

QConv channels_of(const QConv& args, size_t begin, size_t end) noexcept {
  QConv part = args;
  part.shape.out_channels = begin; // those before
  const size_t skipped = args.byte_dot ? packed_dot_conv_weight_bytes(part.shape)
                                       : packed_conv_weight_bytes(part.shape);
  part.shape.out_channels = end - begin;
  part.w = static_cast<const int8_t*>(args.w) + skipped;
  part.y = static_cast<char*>(args.y) + begin * output_bytes(args.output);
  part.params = columns_from(args.params, begin);
  return part;
}

} // namespace octet::kernels

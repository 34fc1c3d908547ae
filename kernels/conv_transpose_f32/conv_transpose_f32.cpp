#include "kernels/conv_transpose_f32/conv_transpose_f32.h"

#include <algorithm>

#include "kernels/conv_transpose_f32/disjoint.h"
#include "kernels/scratch.h"

namespace octet::kernels {
namespace {

/// One spatial axis: tap k of input position i adds to output position
/// i · stride + k · dilation − pad.
struct Axis {
  size_t kernel, stride, dilation, pad;

  /// Taps reach the outputs whose padded position has their phase.
  size_t phase_of_tap(size_t k) const noexcept { return k * dilation % stride; }
  size_t phase_of_output(size_t position) const noexcept { return (position + pad) % stride; }

  /// The first output of a phase; it may lie past the end.
  size_t first_output(size_t phase) const noexcept {
    return (phase + stride - pad % stride) % stride;
  }

  /// The input under tap k of an output of the same phase; it may lie outside.
  ptrdiff_t input(size_t position, size_t k) const noexcept {
    const auto distance =
        static_cast<ptrdiff_t>(position + pad) - static_cast<ptrdiff_t>(k * dilation);
    return distance / static_cast<ptrdiff_t>(stride);
  }
};

Axis rows_of(const ConvShape& s) noexcept {
  return {s.kernel_h, s.stride_h, s.dilation_h, s.pad_top};
}
Axis columns_of(const ConvShape& s) noexcept {
  return {s.kernel_w, s.stride_w, s.dilation_w, s.pad_left};
}

/// Calls visit(ky, kx) for the taps of a class, in the order of its packed weights.
template <class Visit>
void for_each_tap(const ConvShape& shape, size_t phase_y, size_t phase_x, Visit&& visit) noexcept {
  const Axis rows = rows_of(shape), columns = columns_of(shape);
  for (size_t ky = 0; ky < rows.kernel; ++ky) {
    if (rows.phase_of_tap(ky) != phase_y) continue;
    for (size_t kx = 0; kx < columns.kernel; ++kx)
      if (columns.phase_of_tap(kx) == phase_x) visit(ky, kx);
  }
}

/// Packed weights lie class by class, group by group, in the panels of the matrix tile.
size_t packed_group_elements(const ConvShape& shape, size_t taps) noexcept {
  return packed_f32_elements(group_outputs(shape), taps, group_inputs(shape));
}

/// A tap of the class at hand.
struct Tap {
  size_t ky;
  ptrdiff_t column; // under the first output column of the class
  const float* row; // first pixel of the input row, or null outside
};

struct TransposeScratch {
  const float** pointers; // [taps][kFTileRows]
  Tap* taps;
  float* zeros; // one pixel
  size_t bytes;

  TransposeScratch(const ConvShape& shape, void* memory) noexcept {
    Scratch scratch(memory);
    pointers = scratch.take<const float*>(tap_count(shape) * kFTileRows);
    taps = scratch.take<Tap>(tap_count(shape));
    zeros = scratch.take<float>(shape.in_channels);
    bytes = scratch.bytes();
  }
};

/// One class of output pixels of a running call.
class ClassRun {
public:
  ClassRun(const FConvTranspose& args, const TransposeScratch& scratch, const float* weights,
           size_t phase_y, size_t phase_x) noexcept
      : args_(args), shape_(args.shape), rows_(rows_of(shape_)), columns_(columns_of(shape_)),
        scratch_(scratch), weights_(weights), phase_y_(phase_y),
        first_column_(columns_.first_output(phase_x)) {
    for_each_tap(shape_, phase_y, phase_x, [&](size_t ky, size_t kx) {
      scratch_.taps[tile_.taps++] = {ky, columns_.input(first_column_, kx), nullptr};
    });
    tile_.a = scratch_.pointers;
    tile_.k = group_inputs(shape_);
  }

  size_t packed_elements() const noexcept {
    return shape_.groups * packed_group_elements(shape_, tile_.taps);
  }

  void run(size_t row_begin, size_t row_end) noexcept {
    const size_t outputs = group_outputs(shape_);
    const size_t block = shape_.groups == 1 ? f32_columns_per_block(tile_.taps, tile_.k) : outputs;
    for (size_t n = 0; n < outputs; n += block) {
      tile_.column_begin = n;
      tile_.column_end = std::min(outputs, n + block);
      for (size_t row = row_begin; row < row_end; ++row)
        if (rows_.phase_of_output(row % shape_.out_h) == phase_y_) run_row(row);
    }
  }

private:
  void run_row(size_t row) noexcept {
    const float* image = args_.x + row / shape_.out_h * shape_.in_h * shape_.in_w * args_.x_stride;
    for (size_t t = 0; t < tile_.taps; ++t) {
      Tap& tap = scratch_.taps[t];
      const ptrdiff_t y = rows_.input(row % shape_.out_h, tap.ky);
      const bool inside = y >= 0 && y < static_cast<ptrdiff_t>(shape_.in_h);
      tap.row = inside ? image + static_cast<size_t>(y) * shape_.in_w * args_.x_stride : nullptr;
    }
    float* y = args_.y + row * shape_.out_w * args_.y_stride;
    const size_t stride = columns_.stride;
    ptrdiff_t steps = 0; // from the first output column, in strides
    for (size_t x = first_column_; x < shape_.out_w; x += kFTileRows * stride) {
      const size_t pixels = std::min(kFTileRows, (shape_.out_w - x + stride - 1) / stride);
      point_taps(steps, pixels);
      run_groups(y + x * args_.y_stride, pixels);
      steps += kFTileRows;
    }
  }

  void point_taps(ptrdiff_t steps, size_t pixels) noexcept {
    const float** to = scratch_.pointers;
    for (size_t t = 0; t < tile_.taps; ++t) {
      const Tap& tap = scratch_.taps[t];
      for (size_t p = 0; p < kFTileRows; ++p) {
        const ptrdiff_t x = tap.column + steps + static_cast<ptrdiff_t>(std::min(p, pixels - 1));
        const bool inside = tap.row && x >= 0 && x < static_cast<ptrdiff_t>(shape_.in_w);
        *to++ = inside ? tap.row + static_cast<size_t>(x) * args_.x_stride : scratch_.zeros;
      }
    }
  }

  void run_groups(float* y, size_t pixels) noexcept {
    tile_.params = args_.params;
    tile_.b = weights_;
    for (size_t g = 0;;) {
      for (size_t p = 0; p < kFTileRows; ++p)
        tile_.c[p] = y + std::min(p, pixels - 1) * columns_.stride * args_.y_stride;
      run_f32_tile(tile_, pixels);
      if (++g == shape_.groups) return;
      y += group_outputs(shape_);
      tile_.b += packed_group_elements(shape_, tile_.taps);
      if (tile_.params.bias) tile_.params.bias += group_outputs(shape_);
      for (size_t i = 0; i < tile_.taps * kFTileRows; ++i)
        scratch_.pointers[i] += group_inputs(shape_);
    }
  }

  const FConvTranspose& args_;
  const ConvShape& shape_;
  const Axis rows_, columns_;
  const TransposeScratch& scratch_;
  const float* weights_;
  size_t phase_y_;
  size_t first_column_;
  FTile tile_{.taps = 0};
};

/// Packs the weights of one tap and one group: panel p goes to packed + p · panel_step.
void pack_tap(FWeights w, size_t panel_step, float* packed) noexcept {
  const size_t outputs = w.n;
  for (size_t n = 0; n < outputs; n += kFPanelWidth, packed += panel_step) {
    w.n = std::min(kFPanelWidth, outputs - n);
    pack_f32(w, packed);
    w.data += static_cast<ptrdiff_t>(kFPanelWidth) * w.n_stride;
  }
}

} // namespace

size_t packed_f32_conv_transpose_elements(const ConvShape& shape) noexcept {
  if (is_disjoint(shape)) return packed_disjoint_elements(shape);
  return shape.groups * packed_group_elements(shape, tap_count(shape));
}

void pack_f32_conv_transpose_weights(const ConvShape& shape, const float* weights,
                                     float* packed) noexcept {
  if (is_disjoint(shape)) return pack_disjoint_weights(shape, weights, packed);
  const size_t all_taps = tap_count(shape);
  const auto tap_step = static_cast<ptrdiff_t>(all_taps);
  FWeights w{.n = group_outputs(shape),
             .k = group_inputs(shape),
             .n_stride = tap_step,
             .k_stride = static_cast<ptrdiff_t>(group_outputs(shape)) * tap_step};
  const size_t run = w.k * kFPanelWidth; // of one tap in a panel
  for (size_t phase_y = 0; phase_y < shape.stride_h; ++phase_y)
    for (size_t phase_x = 0; phase_x < shape.stride_w; ++phase_x) {
      size_t taps = 0;
      for_each_tap(shape, phase_y, phase_x, [&](size_t, size_t) { ++taps; });
      for (size_t g = 0; g < shape.groups; ++g) {
        const float* group = weights + g * w.k * w.n * all_taps;
        float* to = packed;
        for_each_tap(shape, phase_y, phase_x, [&](size_t ky, size_t kx) {
          w.data = group + ky * shape.kernel_w + kx;
          pack_tap(w, taps * run, to);
          to += run;
        });
        packed += packed_group_elements(shape, taps);
      }
    }
}

size_t conv_transpose_f32_scratch_bytes(const ConvShape& shape) noexcept {
  if (is_disjoint(shape)) return disjoint_scratch_bytes(shape);
  return TransposeScratch(shape, nullptr).bytes;
}

void conv_transpose_f32(const FConvTranspose& args, size_t row_begin, size_t row_end,
                        void* memory) noexcept {
  const ConvShape& shape = args.shape;
  if (is_disjoint(shape)) return conv_transpose_disjoint(args, row_begin, row_end, memory);
  const TransposeScratch scratch(shape, memory);
  std::fill_n(scratch.zeros, shape.in_channels, 0.0f);
  const float* weights = args.w;
  for (size_t phase_y = 0; phase_y < shape.stride_h; ++phase_y)
    for (size_t phase_x = 0; phase_x < shape.stride_w; ++phase_x) {
      ClassRun run(args, scratch, weights, phase_y, phase_x);
      run.run(row_begin, row_end);
      weights += run.packed_elements();
    }
}

} // namespace octet::kernels

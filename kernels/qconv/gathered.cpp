#include "kernels/qconv/gathered.h"

#include <algorithm>
#include <cstring>

#include "kernels/dispatch.h"
#include "kernels/dwconv_walk.h"
#include "kernels/qgemv/qgemv.h"
#include "kernels/scratch.h"

namespace octet::kernels {
namespace {

/// Elements of one copied piece, of which the last of a row may hang over.
constexpr size_t kPiece = 8, kShortPiece = 4;

size_t window_elements(const ConvShape& shape) noexcept {
  return tap_count(shape) * shape.in_channels;
}
size_t row_stride(const ConvShape& shape) noexcept {
  return (window_elements(shape) + kPiece) / 2 * 2;
}

/// Rows of a call of the kernel: so many that they stay in the first-level cache.
size_t row_count(const ConvShape& shape) noexcept {
  constexpr size_t kMost = 64, kElements = 8 * 1024;
  return std::clamp(kElements / row_stride(shape), size_t{1}, kMost / kPooledRows) * kPooledRows;
}

/// Copies n elements in pieces of kPiece, the last of which overlaps; n ≥ kPiece.
template <size_t kElements>
void copy_overlapping(const int16_t* from, size_t n, int16_t* to) noexcept {
  for (size_t i = 0; i + kElements < n; i += kElements)
    std::memcpy(to + i, from + i, kElements * sizeof(int16_t));
  std::memcpy(to + n - kElements, from + n - kElements, kElements * sizeof(int16_t));
}

/// Exactly n elements; few, for which a call of memcpy would cost more than the copy.
void copy_run(const int16_t* from, size_t n, int16_t* to) noexcept {
  if (n >= 8) return copy_overlapping<8>(from, n, to);
  if (n >= 4) return copy_overlapping<4>(from, n, to);
  if (n >= 2) return copy_overlapping<2>(from, n, to);
  *to = *from;
}

/// Which row the i-th pixel of some goes to: `group` pixels touch, groups are `step` rows apart.
struct RowsOfPixels {
  size_t first = 0, group = 1, step = 1;

  size_t operator()(size_t i) const noexcept { return first + i / group * step + i % group; }
};

class GatheredRun {
public:
  GatheredRun(const QConv& conv, void* memory) noexcept
      : conv_(conv), shape_(conv.shape), most_rows_(row_count(shape_)),
        row_elements_(shape_.kernel_w * shape_.in_channels),
        row_step_(shape_.dilation_h * shape_.in_w * conv.x_stride),
        rows_are_runs_(shape_.dilation_w == 1 && conv.x_stride == shape_.in_channels),
        x_elements_(shape_.batch * shape_.in_h * shape_.in_w * conv.x_stride) {
    Scratch scratch(memory);
    rows_ = scratch.take<int16_t>(most_rows_ * row_stride(shape_));
    sums_ = scratch.take<int32_t>(most_rows_);
    args_ = {.a = rows_,
             .a_stride = row_stride(shape_),
             .k = window_elements(shape_),
             .b = static_cast<const int8_t*>(conv.w),
             .columns = shape_.out_channels,
             .c_stride = conv.y_stride * output_bytes(conv.output),
             .row_sum = conv.params.w_zero ? sums_ : nullptr,
             .pools = conv.pools,
             .params = &conv.params};
  }

  void run(size_t pixel_begin, size_t pixel_end) noexcept {
    for (size_t pixel = pixel_begin; pixel < pixel_end; pixel += most_rows_) {
      const size_t count = std::min(most_rows_, pixel_end - pixel);
      gather(pixel, count, {});
      multiply(pixel, count);
    }
  }

  /// Counts pooled pixels, each of two pixels in each of two rows.
  void run_pooled(size_t pixel_begin, size_t pixel_end) noexcept {
    const size_t width = shape_.out_w / 2, height = shape_.out_h / 2;
    for (size_t pixel = pixel_begin, count; pixel < pixel_end; pixel += count) {
      const size_t row = pixel / width, column = pixel % width;
      count = std::min({most_rows_ / kPooledRows, width - column, pixel_end - pixel});
      const size_t upper = (row / height * shape_.out_h + row % height * 2) * shape_.out_w;
      for (size_t i = 0; i < 2; ++i)
        gather(upper + i * shape_.out_w + 2 * column, 2 * count,
               {.first = 2 * i, .group = 2, .step = kPooledRows});
      multiply(pixel, count * kPooledRows);
    }
  }

private:
  /// Copies the windows of `count` pixels.
  void gather(size_t pixel, size_t count, const RowsOfPixels& row_of) noexcept {
    for_each_dw_stretch(shape_, pixel, pixel + count, [&](const DwStretch& stretch) {
      const size_t before = stretch.first - pixel;
      const size_t whole = overreadable_pixels(stretch);
      // Those of a group that are at the same place in it.
      for (size_t i = 0; i < std::min(row_of.group, whole); ++i)
        copy_whole(stretch, i, whole, row_of, rows_ + row_of(before + i) * args_.a_stride);
      for (size_t i = whole; i < stretch.pixels; ++i)
        copy_window(stretch, i, rows_ + row_of(before + i) * args_.a_stride);
    });
  }

  /// Index of the element under the first tap inside of the image of pixel i.
  size_t first_tap(const DwStretch& stretch, size_t i) const noexcept {
    return (stretch.in_pixel + i * shape_.stride_w) * conv_.x_stride;
  }

  /// How many of the first pixels have windows whose rows are runs, readable a piece further.
  size_t overreadable_pixels(const DwStretch& stretch) const noexcept {
    const bool is_whole =
        stretch.rows.count() == shape_.kernel_h && stretch.columns.count() == shape_.kernel_w;
    if (!is_whole || !rows_are_runs_) return 0;
    const size_t reach = (shape_.kernel_h - 1) * row_step_ + row_elements_ + kPiece - 1;
    size_t pixels = stretch.pixels;
    while (pixels > 0 && first_tap(stretch, pixels - 1) + reach > x_elements_) --pixels;
    return pixels;
  }

  /// The windows of every row_of.group-th pixel from `first` on. Kernel row by kernel row, as
  /// pieces hang over into the next.
  void copy_whole(const DwStretch& stretch, size_t first, size_t end, const RowsOfPixels& row_of,
                  int16_t* to) const noexcept {
    const int16_t* from = conv_.x + first_tap(stretch, first);
    const size_t count = (end - first + row_of.group - 1) / row_of.group;
    for (size_t r = 0; r < shape_.kernel_h; ++r, from += row_step_, to += row_elements_)
      if (row_elements_ <= kShortPiece)
        copy_pieces<kShortPiece>(from, count, row_of, to);
      else
        for (size_t at = 0; at < row_elements_; at += kPiece)
          copy_pieces<kPiece>(from + at, count, row_of, to + at);
  }

  template <size_t kElements>
  void copy_pieces(const int16_t* from, size_t count, const RowsOfPixels& row_of,
                   int16_t* to) const noexcept {
    const size_t from_step = row_of.group * shape_.stride_w * conv_.x_stride;
    const size_t to_step = row_of.step * args_.a_stride;
    for (; count > 0; --count, from += from_step, to += to_step)
      std::memcpy(to, from, kElements * sizeof(int16_t));
  }

  void copy_window(const DwStretch& stretch, size_t pixel, int16_t* to) const noexcept {
    constexpr int16_t kZeros[kPiece] = {};
    for (size_t i = 0; i < args_.k; i += kPiece) std::memcpy(to + i, kZeros, sizeof kZeros);
    const size_t rows = stretch.rows.count(), columns = stretch.columns.count();
    if (rows == 0 || columns == 0) return;
    const int16_t* from = conv_.x + first_tap(stretch, pixel);
    const size_t runs = rows_are_runs_ ? 1 : columns, run = columns / runs * shape_.in_channels;
    to += stretch.rows.begin * row_elements_ + stretch.columns.begin * shape_.in_channels;
    for (size_t r = 0; r < rows; ++r, from += row_step_, to += row_elements_)
      for (size_t c = 0; c < runs; ++c)
        copy_run(from + c * shape_.dilation_w * conv_.x_stride, run, to + c * run);
  }

  /// Rows that fill no tile go one by one, as a tile would compute four.
  void multiply(size_t pixel, size_t rows) noexcept {
    char* y = static_cast<char*>(conv_.y) + pixel * args_.c_stride;
    const size_t whole = rows / kTileRows * kTileRows;
    if (whole > 0) multiply_tiles(whole, y);
    if (whole < rows) multiply_singly(whole, rows - whole, y + whole * args_.c_stride);
  }

  void multiply_tiles(size_t rows, char* y) noexcept {
    if (args_.row_sum)
      for (size_t r = 0; r < rows; ++r)
        sums_[r] = kernel_table().qgemm_row_sum(rows_ + r * args_.a_stride, args_.k);
    args_.rows = rows;
    args_.c = y;
    kernel()(args_);
  }

  void multiply_singly(size_t first, size_t rows, char* y) const noexcept {
    const QGemm gemm{.m = rows,
                     .n = args_.columns,
                     .k = args_.k,
                     .a = rows_ + first * args_.a_stride,
                     .a_stride = args_.a_stride,
                     .b = args_.b,
                     .c = y,
                     .c_stride = conv_.y_stride,
                     .output = conv_.output,
                     .params = conv_.params};
    qgemv(gemm, 0, gemm.n);
  }

  QRowsFn* kernel() const noexcept {
    const KernelTable& table = kernel_table();
    switch (conv_.output) {
    case QOutput::i32:
      return table.qrows_i32;
    case QOutput::f32:
      return table.qrows_f32;
    case QOutput::u8:
      return table.qrows_u8;
    case QOutput::s8:
      return table.qrows_s8;
    case QOutput::s16:
      return table.qrows_s16;
    }
    return nullptr;
  }

  const QConv& conv_;
  const ConvShape& shape_;
  const size_t most_rows_;
  const size_t row_elements_, row_step_; // of a kernel row, and from one to the next
  const bool rows_are_runs_;
  const size_t x_elements_; // of touching pixels
  int16_t* rows_;
  int32_t* sums_;
  QRows args_;
};

} // namespace

size_t gathered_scratch_bytes(const ConvShape& shape) noexcept {
  Scratch scratch(nullptr);
  scratch.take<int16_t>(row_count(shape) * row_stride(shape));
  scratch.take<int32_t>(row_count(shape));
  return scratch.bytes();
}

void qconv_gathered(const QConv& conv, size_t pixel_begin, size_t pixel_end,
                    void* scratch) noexcept {
  GatheredRun run(conv, scratch);
  if (conv.pools)
    run.run_pooled(pixel_begin, pixel_end);
  else
    run.run(pixel_begin, pixel_end);
}

} // namespace octet::kernels

#include "kernels/winograd/winograd.h"

#include <algorithm>

#include "kernels/dispatch.h"
#include "kernels/qdot/byte_dot.h"
#include "kernels/scratch.h"
#include "kernels/winograd/geometry.h"

namespace octet::kernels {
namespace {

size_t panel_count(const ConvShape& shape) noexcept {
  return (shape.out_channels + kPanelWidth - 1) / kPanelWidth;
}

/// From one position to the next in transformed weights. Positions are written side by side, and
/// must not all fall on the same lines of a cache.
size_t weight_step(const ConvShape& shape) noexcept {
  constexpr size_t kOffTheLines = 32;
  return panel_count(shape) * kPanelWidth * shape.in_channels + kOffTheLines;
}

/// How many tiles, and columns of their products, are in work at once, so that they stay in a
/// second-level cache. Large weights had better be read seldom.
struct Blocks {
  size_t tiles, columns;

  Blocks(const ConvShape& shape, size_t element_bytes) noexcept {
    constexpr size_t kMostBytes = 512 * 1024, kSumBytes = 128 * 1024;
    const WinogradTiles geometry(shape);
    const size_t least_bytes = (geometry.is_line ? 32 : 128) * 1024;
    const size_t tile_bytes = geometry.positions * shape.in_channels * element_bytes;
    const size_t input_bytes =
        std::clamp(tile_bytes * shape.out_channels / 2, least_bytes, kMostBytes);
    tiles = std::max<size_t>(input_bytes / tile_bytes / kTileRows, 1) * kTileRows;
    const size_t panel_bytes = geometry.positions * tiles * kPanelWidth * sizeof(int32_t);
    columns = std::clamp<size_t>(kSumBytes / panel_bytes, 1, panel_count(shape)) * kPanelWidth;
  }
};

template <class T, class Sum>
struct WinogradScratch {
  T* inputs;    // [position][tile][channel]
  Sum* sums;    // [position][tile][column]
  T* zeros;     // a pixel of the padding
  void* unread; // takes the output pixels that nobody asked for
  size_t bytes;

  WinogradScratch(const ConvShape& shape, void* memory) noexcept {
    const Blocks blocks(shape, sizeof(T));
    const size_t rows = WinogradTiles(shape).positions * blocks.tiles;
    Scratch scratch(memory);
    inputs = scratch.take<T>(rows * shape.in_channels);
    sums = scratch.take<Sum>(rows * blocks.columns);
    zeros = scratch.take<T>(shape.in_channels);
    unread = scratch.take<int32_t>(shape.out_channels);
    bytes = scratch.bytes();
    if (memory) std::fill_n(zeros, shape.in_channels, T{0});
  }
};

/// What the integer convolution does differently from the float one.
struct IntegerKit {
  using Conv = QConv;
  using Element = int16_t;
  using Sum = int32_t;
  using Output = QWinogradOutput;

  static void transform(const WinogradInput<int16_t>& tile) noexcept {
    kernel_table().qwinograd_input(tile);
  }
  static void multiply(const int16_t* const* a, size_t k, const int16_t* panels, size_t columns,
                       int32_t* const* sums) noexcept {
    constexpr QOutputParams kPlain;
    QTile tile{.a = a, .k = k, .column_end = columns, .wide = panels, .params = &kPlain};
    std::copy_n(sums, kTileRows, tile.c);
    kernel_table().qgemm_i32(tile);
  }
  static void set_output(const QConv& conv, Output& tile) noexcept { tile.params = &conv.params; }
  static void finish(const QConv& conv, const Output& tile) noexcept {
    const KernelTable& table = kernel_table();
    switch (conv.output) {
    case QOutput::i32:
      return table.qwinograd_i32(tile);
    case QOutput::f32:
      return table.qwinograd_f32(tile);
    case QOutput::u8:
      return table.qwinograd_u8(tile);
    case QOutput::s8:
      return table.qwinograd_s8(tile);
    case QOutput::s16:
      return table.qwinograd_s16(tile);
    }
  }
  static size_t output_bytes(const QConv& conv) noexcept {
    return kernels::output_bytes(conv.output);
  }
  static void* output_pointer(void* y) noexcept { return y; }
};

struct FloatKit {
  using Conv = FConv;
  using Element = float;
  using Sum = float;
  using Output = FWinogradOutput;

  static void transform(const WinogradInput<float>& tile) noexcept {
    kernel_table().winograd_input_f32(tile);
  }
  static void multiply(const float* const* a, size_t k, const float* panels, size_t columns,
                       float* const* sums) noexcept {
    FTile tile{.a = a, .k = k, .b = panels, .column_end = columns};
    std::copy_n(sums, kFTileRows, tile.c);
    kernel_table().gemm_f32(tile);
  }
  static void set_output(const FConv& conv, Output& tile) noexcept { tile.params = conv.params; }
  static void finish(const FConv&, const Output& tile) noexcept {
    kernel_table().winograd_output_f32(tile);
  }
  static size_t output_bytes(const FConv&) noexcept { return sizeof(float); }
  static float* output_pointer(void* y) noexcept { return static_cast<float*>(y); }
};

static_assert(kTileRows == kFTileRows && kPanelWidth == kFPanelWidth);

/// One running call.
template <class Kit>
class WinogradRun {
public:
  using T = typename Kit::Element;
  using Sum = typename Kit::Sum;

  WinogradRun(const typename Kit::Conv& conv, void* scratch) noexcept
      : conv_(conv), shape_(conv.shape), tiles_(shape_), blocks_(shape_, sizeof(T)),
        scratch_(shape_, scratch) {}

  void run(size_t pixel_begin, size_t pixel_end) noexcept {
    if (pixel_begin == pixel_end) return;
    pixel_begin_ = pixel_begin;
    pixel_end_ = pixel_end;
    const size_t end = last_tile(pixel_end - 1) + 1;
    for (size_t tile = first_tile(pixel_begin); tile < end; tile += blocks_.tiles)
      run_block(tile, std::min(blocks_.tiles, end - tile));
  }

private:
  /// Of a row of tiles that holds a pixel.
  size_t row_begin(size_t pixel) const noexcept {
    const size_t row = pixel / shape_.out_w;
    return (row / shape_.out_h * tiles_.rows + row % shape_.out_h / tiles_.out_h) * tiles_.columns;
  }

  /// Tiles that are as high as a pixel have its order.
  size_t first_tile(size_t pixel) const noexcept {
    const size_t begin = row_begin(pixel);
    return tiles_.out_h == 1 ? begin + pixel % shape_.out_w / tiles_.out_w : begin;
  }
  size_t last_tile(size_t pixel) const noexcept {
    return tiles_.out_h == 1 ? first_tile(pixel) : row_begin(pixel) + tiles_.columns - 1;
  }

  void run_block(size_t first, size_t count) noexcept {
    for (size_t t = 0; t < count; ++t) transform_tile(first + t, t);
    const size_t columns = panel_count(shape_) * kPanelWidth;
    for (size_t n = 0; n < columns; n += blocks_.columns) {
      const size_t width = std::min(blocks_.columns, columns - n);
      for (size_t p = 0; p < tiles_.positions; ++p) multiply(p, count, n, width);
      for (size_t t = 0; t < count; ++t) finish_tile(first + t, t, n, width);
    }
  }

  size_t input_step() const noexcept { return blocks_.tiles * shape_.in_channels; }
  size_t sum_step() const noexcept { return blocks_.tiles * blocks_.columns; }

  void transform_tile(size_t tile, size_t slot) noexcept {
    const size_t row = tile / tiles_.columns % tiles_.rows, column = tile % tiles_.columns;
    const T* image =
        conv_.x + tile / tiles_.per_image() * shape_.in_h * shape_.in_w * conv_.x_stride;
    WinogradInput<T> input{.is_line = tiles_.is_line,
                           .channels = shape_.in_channels,
                           .to = scratch_.inputs + slot * shape_.in_channels,
                           .position_step = input_step()};
    const T** pixel = input.pixels;
    for (size_t i = 0; i < tiles_.in_h; ++i)
      for (size_t j = 0; j < tiles_.in_w; ++j)
        *pixel++ = input_pixel(image, row * tiles_.out_h + i, column * tiles_.out_w + j);
    Kit::transform(input);
  }

  /// y and x count from the padding on.
  const T* input_pixel(const T* image, size_t y, size_t x) const noexcept {
    y -= shape_.pad_top;
    x -= shape_.pad_left;
    if (y >= shape_.in_h || x >= shape_.in_w) return scratch_.zeros;
    return image + (y * shape_.in_w + x) * conv_.x_stride;
  }

  /// The sums of `count` tiles at one position, columns [n, n + width).
  void multiply(size_t position, size_t count, size_t n, size_t width) noexcept {
    constexpr size_t kCacheBytes = 16 * 1024;
    const size_t channels = shape_.in_channels, panel = channels * kPanelWidth;
    const T* weights =
        static_cast<const T*>(conv_.w) + position * weight_step(shape_) + n * channels;
    const T* inputs = scratch_.inputs + position * input_step();
    Sum* sums = scratch_.sums + position * sum_step();
    const size_t step = std::max<size_t>(kCacheBytes / (panel * sizeof(T)), 1) * kPanelWidth;
    for (size_t begin = 0; begin < width; begin += step)
      for (size_t t = 0; t < count; t += kTileRows) {
        const T* a[kTileRows];
        Sum* c[kTileRows];
        for (size_t r = 0; r < kTileRows; ++r) {
          const size_t slot = std::min(t + r, count - 1);
          a[r] = inputs + slot * channels;
          c[r] = sums + slot * blocks_.columns + begin;
        }
        Kit::multiply(a, channels, weights + begin * channels, std::min(step, width - begin), c);
      }
  }

  void finish_tile(size_t tile, size_t slot, size_t n, size_t width) noexcept {
    typename Kit::Output output{.is_line = tiles_.is_line,
                                .sums = scratch_.sums + slot * blocks_.columns,
                                .position_step = sum_step(),
                                .column_begin = n,
                                .column_end = std::min(n + width, shape_.out_channels)};
    Kit::set_output(conv_, output);
    const size_t image = tile / tiles_.per_image(), in_image = tile % tiles_.per_image();
    const size_t row = in_image / tiles_.columns * tiles_.out_h;
    const size_t column = in_image % tiles_.columns * tiles_.out_w;
    auto* y = output.y;
    for (size_t i = 0; i < tiles_.out_h; ++i)
      for (size_t j = 0; j < tiles_.out_w; ++j)
        *y++ = Kit::output_pointer(output_pixel(image, row + i, column + j));
    Kit::finish(conv_, output);
  }

  void* output_pixel(size_t image, size_t row, size_t column) const noexcept {
    const size_t pixel = (image * shape_.out_h + row) * shape_.out_w + column;
    const bool is_asked =
        row < shape_.out_h && column < shape_.out_w && pixel >= pixel_begin_ && pixel < pixel_end_;
    if (!is_asked) return scratch_.unread;
    return reinterpret_cast<char*>(conv_.y) + pixel * conv_.y_stride * Kit::output_bytes(conv_);
  }

  const typename Kit::Conv& conv_;
  const ConvShape& shape_;
  const WinogradTiles tiles_;
  const Blocks blocks_;
  const WinogradScratch<T, Sum> scratch_;
  size_t pixel_begin_ = 0, pixel_end_ = 0;
};

/// Fills in what the panel at column n reads and writes; the rest is the caller's.
template <class Panel>
void place_panel(const ConvShape& shape, const void* packed, size_t n, void* to,
                 Panel& panel) noexcept {
  using From = std::remove_cvref_t<decltype(*panel.panel)>;
  using To = std::remove_cvref_t<decltype(*panel.to)>;
  panel.is_line = WinogradTiles(shape).is_line;
  panel.tap_elements = shape.in_channels * kPanelWidth;
  panel.panel = static_cast<const From*>(packed) + n * shape.in_channels * tap_count(shape);
  panel.to = static_cast<To*>(to) + n * shape.in_channels;
  panel.position_step = weight_step(shape);
}

size_t weight_elements(const ConvShape& shape) noexcept {
  return WinogradTiles(shape).positions * weight_step(shape);
}

bool square_pays(const ConvShape& s) noexcept {
  constexpr size_t kLeastInputs = 32, kLeastOutputs = 24, kLeastTiles = 24, kMostInputs = 912;
  static_assert(kMostInputs * kWinogradTaps * 255 * 255 * 4 < INT32_MAX);
  return s.kernel_h == 3 && s.kernel_w == 3 && s.in_channels >= kLeastInputs &&
         s.in_channels <= kMostInputs && s.out_channels >= kLeastOutputs &&
         WinogradTiles(s).per_image() >= kLeastTiles;
}

/// On average three of the four pixels of a tile must lie in the image.
bool line_pays(const ConvShape& s, size_t least_inputs) noexcept {
  constexpr size_t kLeastOutputs = 24, kLeastTiles = 12, kLeastPixels = 3, kMostInputs = 1376;
  static_assert(kMostInputs * kWinogradLineTaps * 255 * 255 * 8 < INT32_MAX);
  const size_t tiles = WinogradTiles(s).per_image();
  return s.in_channels >= least_inputs && s.in_channels <= kMostInputs &&
         s.out_channels >= kLeastOutputs && tiles >= kLeastTiles &&
         s.out_h * s.out_w >= kLeastPixels * tiles;
}

/// The longer products take beside the transforms, the fewer channels will do.
bool pays(const ConvShape& s, size_t least_line_inputs) noexcept {
  const bool is_taken = s.stride_h == 1 && s.stride_w == 1 && s.dilation_h == 1 &&
                        s.dilation_w == 1 && s.groups == 1 && s.in_channels % 2 == 0;
  if (!is_taken) return false;
  return WinogradTiles(s).is_line ? line_pays(s, least_line_inputs) : square_pays(s);
}

} // namespace

bool qwinograd_pays(const ConvShape& shape) noexcept {
  return pays(shape, 32);
}
bool winograd_f32_pays(const ConvShape& shape) noexcept {
  return pays(shape, 24);
}
bool qwinograd_beats_byte_dot(const ConvShape& s) noexcept {
  constexpr size_t kLeastInputs = 48;
  return byte_dot_steps() == ByteDotSteps::two && s.in_channels >= kLeastInputs &&
         qwinograd_pays(s);
}

size_t winograd_grain(const ConvShape& shape) noexcept {
  const WinogradTiles tiles(shape);
  return tiles.out_h == 1 ? tiles.out_w : tiles.out_h * shape.out_w;
}

size_t qwinograd_weight_bytes(const ConvShape& shape) noexcept {
  return weight_elements(shape) * sizeof(int16_t);
}
size_t winograd_f32_weight_bytes(const ConvShape& shape) noexcept {
  return weight_elements(shape) * sizeof(float);
}

void transform_qwinograd_weights(const QConv& conv, size_t begin, size_t end, void* to) noexcept {
  QWinogradWeights panel;
  for (size_t n = begin; n < end; n += kPanelWidth) {
    place_panel(conv.shape, conv.w, n, to, panel);
    panel.zero = conv.params.w_zero ? conv.params.w_zero + n : nullptr;
    kernel_table().qwinograd_weights(panel);
  }
}
void transform_winograd_f32_weights(const FConv& conv, size_t begin, size_t end,
                                    void* to) noexcept {
  FWinogradWeights panel;
  for (size_t n = begin; n < end; n += kPanelWidth) {
    place_panel(conv.shape, conv.w, n, to, panel);
    kernel_table().winograd_weights_f32(panel);
  }
}

size_t qwinograd_scratch_bytes(const ConvShape& shape) noexcept {
  return WinogradScratch<int16_t, int32_t>(shape, nullptr).bytes;
}
size_t winograd_f32_scratch_bytes(const ConvShape& shape) noexcept {
  return WinogradScratch<float, float>(shape, nullptr).bytes;
}

void qwinograd(const QConv& conv, size_t pixel_begin, size_t pixel_end, void* scratch) noexcept {
  WinogradRun<IntegerKit>(conv, scratch).run(pixel_begin, pixel_end);
}
void winograd_f32(const FConv& conv, size_t pixel_begin, size_t pixel_end, void* scratch) noexcept {
  WinogradRun<FloatKit>(conv, scratch).run(pixel_begin, pixel_end);
}

} // namespace octet::kernels

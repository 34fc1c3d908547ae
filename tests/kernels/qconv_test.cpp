// Integer convolutions, dense, grouped and depthwise, against a direct loop.
#include "kernels/qconv/qconv.h"

#include <catch2/catch.hpp>

#include "kernels/dispatch.h"
#include "kernels/qdwconv/qdwconv.h"
#include "kernels/qgemm/pack.h"
#include "kernels/winograd/winograd.h"
#include "tests/kernels/q_operands.h"
#include "tests/kernels/windows.h"

using namespace octet::kernels;
using namespace octet::kernels::test;

namespace {

struct Padding {
  size_t top, left, bottom, right;
};

ConvShape with_output_size(ConvShape s, Padding pad) {
  s.pad_top = pad.top;
  s.pad_left = pad.left;
  s.out_h = (s.in_h + pad.top + pad.bottom - (s.kernel_h - 1) * s.dilation_h - 1) / s.stride_h + 1;
  s.out_w = (s.in_w + pad.left + pad.right - (s.kernel_w - 1) * s.dilation_w - 1) / s.stride_w + 1;
  return s;
}

struct Sums {
  int64_t products = 0;
  int64_t activations = 0;
};

/// Both sums of channel o of an output pixel. Weights are ONNX [O, I / groups, kH, kW].
template <class Weight>
Sums direct_sums(const QConv& conv, size_t pixel, size_t o, Weight&& weight) {
  const ConvShape& s = conv.shape;
  const size_t inputs = group_inputs(s);
  const size_t first_input = o / group_outputs(s) * inputs;
  Sums sums;
  for_each_input(s, pixel, [&](size_t tap, size_t in_pixel) {
    for (size_t i = 0; i < inputs; ++i) {
      const int64_t a = conv.x[in_pixel * conv.x_stride + first_input + i];
      sums.products += a * weight((o * inputs + i) * tap_count(s) + tap);
      sums.activations += a;
    }
  });
  return sums;
}

template <class Weight>
std::vector<char> direct_conv(const QConv& conv, Weight&& weight) {
  const ConvShape& s = conv.shape;
  std::vector<char> result;
  for (size_t pixel = 0; pixel < s.batch * s.out_h * s.out_w; ++pixel)
    for (size_t o = 0; o < s.out_channels; ++o) {
      const Sums sums = direct_sums(conv, pixel, o, weight);
      const auto bytes =
          expected_output(conv.output, sums.products, sums.activations, o, conv.params);
      result.insert(result.end(), bytes.begin(), bytes.end());
    }
  return result;
}

/// The same, with the largest of two by two pixels. The output step must rise with the sums.
template <class Weight>
std::vector<char> direct_pooled_conv(const QConv& conv, Weight&& weight) {
  const ConvShape& s = conv.shape;
  std::vector<char> result;
  for (size_t row = 0; row < s.batch * (s.out_h / 2); ++row)
    for (size_t column = 0; column < s.out_w / 2; ++column)
      for (size_t o = 0; o < s.out_channels; ++o) {
        const size_t upper = row / (s.out_h / 2) * s.out_h + row % (s.out_h / 2) * 2;
        int64_t largest = std::numeric_limits<int64_t>::min();
        for (size_t i = 0; i < 4; ++i) {
          const size_t pixel = (upper + i / 2) * s.out_w + 2 * column + i % 2;
          largest = std::max(largest, direct_sums(conv, pixel, o, weight).products);
        }
        const auto bytes = expected_output(conv.output, largest, 0, o, conv.params);
        result.insert(result.end(), bytes.begin(), bytes.end());
      }
  return result;
}

using ConvFn = void(const QConv&, size_t, size_t, void*) noexcept;

/// Runs in two ranges and drops the gap between output pixels.
std::vector<char> run_conv(Random& random, QConv conv, ConvFn* function, size_t scratch_bytes) {
  const size_t element = output_bytes(conv.output);
  const size_t side = conv.pools ? 2 : 1; // of a square of which one pixel is left
  const size_t pixels = conv.shape.batch * (conv.shape.out_h / side) * (conv.shape.out_w / side);
  const size_t channels = conv.shape.out_channels;
  std::vector<char> y(((pixels - 1) * conv.y_stride + channels) * element);
  std::vector<int64_t> scratch(scratch_bytes / sizeof(int64_t), -1);
  conv.y = y.data();
  const size_t split = random.size(0, pixels);
  function(conv, split, pixels, scratch.data());
  function(conv, 0, split, scratch.data());
  std::vector<char> result;
  for (size_t p = 0; p < pixels; ++p) {
    const auto pixel = y.begin() + static_cast<ptrdiff_t>(p * conv.y_stride * element);
    result.insert(result.end(), pixel, pixel + static_cast<ptrdiff_t>(channels * element));
  }
  return result;
}

/// What reads weights that pack_conv_weights has packed.
struct DenseFamily {
  size_t (*scratch_bytes)(const ConvShape&) noexcept;
  ConvFn* run;
};
constexpr DenseFamily kDirect{qconv_scratch_bytes, qconv};

/// Transforms the weights in two ranges, into the first part of the scratch memory.
constexpr DenseFamily kWinograd{
    [](const ConvShape& shape) noexcept {
      return qwinograd_weight_bytes(shape) + qwinograd_scratch_bytes(shape);
    },
    [](const QConv& conv, size_t begin, size_t end, void* scratch) noexcept {
      const size_t split = std::min(conv.shape.out_channels, 2 * kPanelWidth);
      transform_qwinograd_weights(conv, split, conv.shape.out_channels, scratch);
      transform_qwinograd_weights(conv, 0, split, scratch);
      QConv transformed = conv;
      transformed.w = scratch;
      transformed.params.w_zero = nullptr;
      qwinograd(transformed, begin, end,
                static_cast<char*>(scratch) + qwinograd_weight_bytes(conv.shape));
    }};

/// A convolution of this shape with random operands, int8 or uint8 weights, touching or spaced
/// pixels, for each output type.
void check_conv(Random& random, const ConvShape& shape, const DenseFamily& family = kDirect) {
  for (const QOutput output : kOutputs) {
    const bool is_unsigned = random.chance();
    const size_t inputs = shape.in_channels / shape.groups;
    const size_t taps = shape.kernel_h * shape.kernel_w;
    OutputOperands operands(random, output, shape.out_channels, inputs * taps);
    QConv conv{.shape = shape, .output = output, .params = operands.params()};
    conv.x_stride = shape.in_channels + (random.chance() ? 0 : random.size(1, 3));
    conv.y_stride = shape.out_channels + random.size(0, 3);
    CAPTURE(static_cast<int>(output), is_unsigned, conv.x_stride, conv.y_stride);
    const size_t in_pixels = shape.batch * shape.in_h * shape.in_w;
    const auto x =
        random.integers<int16_t>((in_pixels - 1) * conv.x_stride + shape.in_channels, -255, 255);
    const auto w = random.integers<int8_t>(shape.out_channels * inputs * taps, -128, 127);
    std::vector<int8_t> packed(packed_conv_weight_bytes(shape));
    pack_conv_weights(shape, w.data(), is_unsigned, packed.data());
    conv.x = x.data();
    conv.w = packed.data();
    const auto stored = [&](size_t i) {
      return is_unsigned ? static_cast<uint8_t>(w[i]) - 128 : w[i];
    };
    REQUIRE(run_conv(random, conv, family.run, family.scratch_bytes(shape)) ==
            direct_conv(conv, stored));
  }
}

size_t input_elements(const ConvShape& shape) {
  return shape.batch * shape.in_h * shape.in_w * shape.in_channels;
}
size_t weight_elements(const ConvShape& shape) {
  return shape.out_channels * group_inputs(shape) * tap_count(shape);
}

/// Sums of Winograd's products of these inputs and weights of uint8.
void check_winograd_sums(Random& random, const ConvShape& shape, const std::vector<int16_t>& x,
                         const std::vector<uint8_t>& w, const std::vector<int32_t>& zeros) {
  std::vector<int8_t> packed(packed_conv_weight_bytes(shape));
  pack_conv_weights(shape, w.data(), true, packed.data());
  std::vector<int32_t> stored_zeros(column_capacity(shape.out_channels));
  for (size_t o = 0; o < zeros.size(); ++o) stored_zeros[o] = stored_weight_zero(zeros[o], true);
  const QConv conv{.shape = shape,
                   .x = x.data(),
                   .x_stride = shape.in_channels,
                   .w = packed.data(),
                   .y_stride = shape.out_channels,
                   .output = QOutput::i32,
                   .params = {.w_zero = stored_zeros.data()}};
  REQUIRE(run_conv(random, conv, kWinograd.run, kWinograd.scratch_bytes(shape)) ==
          direct_conv(conv, [&](size_t i) { return w[i] - 128; }));
}

void check_pooled_conv(Random& random, const ConvShape& shape) {
  for (const QOutput output : kOutputs) {
    CAPTURE(static_cast<int>(output));
    const size_t weights = shape.in_channels * tap_count(shape);
    OutputOperands operands(random, output, shape.out_channels, weights);
    operands.params().w_zero = nullptr;
    if (operands.params().activation.function == QFunction::hard_swish)
      operands.params().activation.function = QFunction::none;
    const size_t in_pixels = shape.batch * shape.in_h * shape.in_w;
    const auto x = random.integers<int16_t>(in_pixels * shape.in_channels, -255, 255);
    const auto w = random.integers<int8_t>(shape.out_channels * weights, -128, 127);
    std::vector<int8_t> packed(packed_conv_weight_bytes(shape));
    pack_conv_weights(shape, w.data(), false, packed.data());
    const QConv conv{.shape = shape,
                     .x = x.data(),
                     .x_stride = shape.in_channels,
                     .w = packed.data(),
                     .y_stride = shape.out_channels + random.size(0, 3),
                     .pools = true,
                     .output = output,
                     .params = operands.params()};
    REQUIRE(run_conv(random, conv, qconv, qconv_scratch_bytes(shape)) ==
            direct_pooled_conv(conv, [&](size_t i) { return w[i]; }));
  }
}

/// Byte dot products against those of int16.
void check_byte_dot(Random& random, const ConvShape& shape) {
  const size_t outputs = shape.out_channels;
  const size_t inputs = shape.in_channels * shape.kernel_h * shape.kernel_w;
  const size_t pixels = shape.batch * shape.in_h * shape.in_w;
  for (const QOutput output : kOutputs) {
    CAPTURE(static_cast<int>(output));
    OutputOperands operands(random, output, outputs, inputs);
    const ByteDotOperands operand(random, pixels * shape.in_channels, outputs, inputs,
                                  operands.params());
    QConv conv{.shape = shape, .x = operand.wide.data(), .output = output};
    conv.x_stride = shape.in_channels;
    conv.y_stride = outputs;
    conv.params = operand.wide_params;
    std::vector<int8_t> packed(packed_conv_weight_bytes(shape));
    pack_conv_weights(shape, operand.weights.data(), operand.is_unsigned, packed.data());
    conv.w = packed.data();
    const auto wide = run_conv(random, conv, qconv, qconv_scratch_bytes(shape));

    conv.shape.in_channels /= 2;
    conv.x_stride /= 2;
    std::vector<int8_t> packed_dot(packed_dot_conv_weight_bytes(conv.shape));
    std::vector<int32_t> sums(outputs);
    pack_dot_conv_weights(conv.shape, operand.weights.data(), operand.is_unsigned,
                          packed_dot.data(), sums.data());
    const ByteDotColumns columns(operand, sums, inputs);
    conv.params = columns.params;
    conv.byte_dot = true;
    conv.padding = static_cast<int16_t>((operand.a_zero & 255) * 257);
    conv.x = reinterpret_cast<const int16_t*>(operand.codes.data());
    conv.w = packed_dot.data();
    REQUIRE(run_conv(random, conv, qconv, qconv_scratch_bytes(conv.shape)) == wide);
  }
}

/// Packing subtracts the zero points of weights.
void check_depthwise(Random& random, const ConvShape& shape) {
  for (const QOutput output : kOutputs) {
    const bool is_unsigned = random.chance();
    const bool per_channel = random.chance();
    const size_t weights = group_inputs(shape) * tap_count(shape); // of one output channel
    OutputOperands operands(random, output, shape.out_channels, weights);
    operands.params().w_zero = nullptr;
    QConv conv{.shape = shape, .output = output, .params = operands.params()};
    conv.x_stride = shape.in_channels + random.size(0, 3);
    conv.y_stride = shape.out_channels + random.size(0, 3);
    CAPTURE(static_cast<int>(output), is_unsigned, per_channel, conv.x_stride, conv.y_stride);
    const size_t in_pixels = shape.batch * shape.in_h * shape.in_w;
    const auto x =
        random.integers<int16_t>((in_pixels - 1) * conv.x_stride + shape.in_channels, -255, 255);
    const auto w = random.integers<int8_t>(shape.out_channels * weights, -128, 127);
    const auto zero = random.integers<int8_t>(per_channel ? shape.out_channels : 1, -128, 127);
    std::vector<int16_t> packed(packed_dwconv_weight_bytes(shape) / sizeof(int16_t));
    pack_dwconv_weights(shape, w.data(), is_unsigned, zero.data(), per_channel, packed.data());
    conv.x = x.data();
    conv.w = packed.data();
    const auto read = [&](int8_t value) {
      return is_unsigned ? static_cast<uint8_t>(value) : value;
    };
    const auto centered = [&](size_t i) {
      return read(w[i]) - read(zero[per_channel ? i / weights : 0]);
    };
    REQUIRE(run_conv(random, conv, qdwconv, qdwconv_scratch_bytes(shape)) ==
            direct_conv(conv, centered));
  }
}

} // namespace

TEST_CASE("qconv computes convolutions of every geometry") {
  const WithIsa with_isa(GENERATE(Isa::reference, Isa::simd128, Isa::relaxed));
  Random random(5);
  const auto [name, shape, pad] = GENERATE(table<const char*, ConvShape, Padding>({
      {"1x1", {.in_h = 5, .in_w = 3, .in_channels = 16, .out_channels = 20}, {}},
      {"1x1 in several ranges of Strassen's product",
       {.batch = 2, .in_h = 17, .in_w = 9, .in_channels = 2048, .out_channels = 40},
       {}},
      {"1x1 stride 2",
       {.in_h = 5, .in_w = 7, .in_channels = 6, .out_channels = 9, .stride_h = 2, .stride_w = 2},
       {}},
      {"1x1 with padding",
       {.in_h = 3, .in_w = 3, .in_channels = 4, .out_channels = 8},
       {1, 1, 1, 1}},
      {"3x3",
       {.batch = 2,
        .in_h = 6,
        .in_w = 5,
        .in_channels = 8,
        .out_channels = 12,
        .kernel_h = 3,
        .kernel_w = 3},
       {1, 1, 1, 1}},
      {"3x3 of 3 channels, stride 2",
       {.batch = 2,
        .in_h = 9,
        .in_w = 11,
        .in_channels = 3,
        .out_channels = 10,
        .kernel_h = 3,
        .kernel_w = 3,
        .stride_h = 2,
        .stride_w = 2},
       {0, 0, 1, 1}},
      {"7x7 of 3 channels",
       {.in_h = 10,
        .in_w = 12,
        .in_channels = 3,
        .out_channels = 8,
        .kernel_h = 7,
        .kernel_w = 7,
        .stride_h = 2,
        .stride_w = 2},
       {3, 3, 3, 3}},
      {"one channel",
       {.in_h = 7, .in_w = 8, .in_channels = 1, .out_channels = 5, .kernel_h = 3, .kernel_w = 3},
       {1, 1, 1, 1}},
      {"odd channels, dilated",
       {.in_h = 9,
        .in_w = 9,
        .in_channels = 5,
        .out_channels = 3,
        .kernel_h = 3,
        .kernel_w = 2,
        .dilation_h = 2,
        .dilation_w = 3},
       {2, 1, 0, 2}},
      {"even channels, dilated rows",
       {.in_h = 9,
        .in_w = 6,
        .in_channels = 4,
        .out_channels = 17,
        .kernel_h = 2,
        .kernel_w = 3,
        .dilation_h = 3},
       {1, 1, 1, 1}},
      {"groups",
       {.batch = 2,
        .in_h = 5,
        .in_w = 5,
        .in_channels = 12,
        .out_channels = 30,
        .groups = 3,
        .kernel_h = 3,
        .kernel_w = 3},
       {1, 1, 1, 1}},
      {"groups of odd channels",
       {.in_h = 4,
        .in_w = 6,
        .in_channels = 6,
        .out_channels = 4,
        .groups = 2,
        .kernel_h = 1,
        .kernel_w = 3},
       {0, 1, 0, 1}},
      {"depthwise with multiplier 2",
       {.in_h = 5,
        .in_w = 5,
        .in_channels = 4,
        .out_channels = 8,
        .groups = 4,
        .kernel_h = 3,
        .kernel_w = 3},
       {1, 1, 1, 1}},
      {"one dimension",
       {.in_w = 20, .in_channels = 10, .out_channels = 6, .kernel_w = 5, .stride_w = 2},
       {0, 2, 0, 2}},
      {"kernel larger than the image",
       {.in_h = 2, .in_w = 2, .in_channels = 2, .out_channels = 3, .kernel_h = 5, .kernel_w = 5},
       {3, 3, 3, 3}},
      {"weights beyond one block of columns",
       {.in_h = 2, .in_w = 3, .in_channels = 512, .out_channels = 80, .kernel_h = 3, .kernel_w = 3},
       {1, 1, 1, 1}},
  }));
  INFO(name);
  check_conv(random, with_output_size(shape, pad));
  if (shape.groups > 1 || shape.in_channels % 2 != 0) return;
  const WithByteDot with_byte_dot(GENERATE(from_range(WithByteDot::all())));
  if (!has_selected_byte_dot(selected_isa())) return;
  check_byte_dot(random, with_output_size(shape, pad));
}

TEST_CASE("qconv computes long windows of few channels, whatever number of them is left over") {
  const WithIsa with_isa(GENERATE(Isa::reference, Isa::simd128, Isa::relaxed));
  Random random(13);
  for (int round = 0; round < 24; ++round) {
    const bool is_tall = random.chance();
    const size_t taps = random.size(20, 150), stride = random.size(1, taps + 3);
    const size_t before = random.size(0, taps / 2), after = random.size(0, taps / 2);
    const size_t reach = taps + stride * random.size(0, 10) + random.size(0, stride - 1);
    const size_t length = std::max<size_t>(reach, before + after + 1) - before - after;
    ConvShape shape{.batch = random.size(1, 2), .in_channels = 2 * random.size(0, 1) + 1};
    shape.out_channels = random.size(1, 20);
    (is_tall ? shape.in_h : shape.in_w) = length;
    (is_tall ? shape.kernel_h : shape.kernel_w) = taps;
    (is_tall ? shape.stride_h : shape.stride_w) = stride;
    CAPTURE(round, is_tall, length, taps, stride, before, after, shape.in_channels);
    const Padding pad = is_tall ? Padding{before, 0, after, 0} : Padding{0, before, 0, after};
    check_conv(random, with_output_size(shape, pad));
  }
}

TEST_CASE("qconv of odd channels takes the largest of two by two pixels") {
  const WithIsa with_isa(GENERATE(Isa::reference, Isa::simd128, Isa::relaxed));
  Random random(11);
  for (int round = 0; round < 40; ++round) {
    ConvShape shape = random_windows(random).shape;
    if (shape.out_h < 2 || shape.out_w < 2) continue;
    shape.in_channels = 2 * random.size(0, 2) + 1;
    shape.out_channels = random.size(1, 20);
    REQUIRE(qconv_pools(shape));
    CAPTURE(round, shape.in_channels, shape.kernel_h, shape.kernel_w);
    check_pooled_conv(random, shape);
  }
  // Rows of more pixels than are gathered at once.
  check_pooled_conv(
      random,
      with_output_size({.in_h = 5, .in_w = 80, .out_channels = 3, .kernel_h = 2, .kernel_w = 2},
                       {0, 0, 0, 0}));
}

TEST_CASE("rows of gathered windows equal their references") {
  Random random(12);
  for_each_variant<QRowsFn>(
      [&](const char* family, const char* name, QRowsFn* function, QRowsFn* reference) {
        INFO(name);
        const QOutput output = output_of(family);
        for (int round = 0; round < 60; ++round) {
          const size_t k = random.size(1, 40), columns = random.size(1, 30);
          QRows rows{.a_stride = (k + 1) / 2 * 2 + random.size(0, 3),
                     .rows = random.size(1, 13),
                     .k = k,
                     .columns = columns,
                     .c_stride = (columns + random.size(0, 3)) * output_bytes(output),
                     .pools = random.chance()};
          if (rows.pools) rows.rows *= kPooledRows;
          CAPTURE(rows.rows, k, columns, rows.pools);
          OutputOperands operands(random, output, columns, k);
          if (rows.pools) operands.params().w_zero = nullptr;
          rows.params = &operands.params();
          const auto a = random.integers<int16_t>(rows.rows * rows.a_stride, -255, 255);
          const auto w = random.integers<int8_t>(columns * k, -128, 127);
          const auto sums = random.integers<int32_t>(rows.rows, -10000, 10000);
          std::vector<int8_t> packed(packed_weight_bytes(columns, 1, k));
          pack_weights({.data = w.data(),
                        .n = columns,
                        .k = k,
                        .n_stride = static_cast<ptrdiff_t>(k),
                        .k_stride = 1},
                       packed.data());
          rows.a = a.data();
          rows.b = packed.data();
          if (operands.params().w_zero) rows.row_sum = sums.data();
          const size_t outputs = rows.pools ? rows.rows / kPooledRows : rows.rows;
          const auto run = [&](QRowsFn* kernel) {
            std::vector<char> c(outputs * rows.c_stride, 0x5A);
            rows.c = c.data();
            kernel(rows);
            return c;
          };
          REQUIRE(run(function) == run(reference));
        }
      });
}

TEST_CASE("qdwconv computes depthwise convolutions of every geometry") {
  const WithIsa with_isa(GENERATE(Isa::reference, Isa::simd128, Isa::relaxed));
  Random random(6);
  const size_t channels = GENERATE(size_t{1}, size_t{8}, size_t{19}, size_t{32});
  const auto [kernel_h, kernel_w, stride, dilation] =
      GENERATE(table<size_t, size_t, size_t, size_t>({{1, 1, 1, 1},
                                                      {3, 3, 1, 1},
                                                      {3, 3, 2, 1},
                                                      {5, 5, 1, 1},
                                                      {5, 5, 2, 1},
                                                      {3, 3, 1, 2},
                                                      {1, 4, 1, 1},
                                                      {7, 2, 3, 1}}));
  CAPTURE(channels, kernel_h, kernel_w, stride, dilation);
  ConvShape shape{.batch = 2,
                  .in_h = 8,
                  .in_w = 9,
                  .in_channels = channels,
                  .out_channels = channels,
                  .groups = channels,
                  .kernel_h = kernel_h,
                  .kernel_w = kernel_w,
                  .stride_h = stride,
                  .stride_w = stride,
                  .dilation_h = dilation,
                  .dilation_w = dilation};
  const size_t pad_y = kernel_h / 2;
  const size_t pad_x = kernel_w / 2;
  check_depthwise(random, with_output_size(shape, {pad_y, pad_x, pad_y, pad_x}));
}

TEST_CASE("byte dot products give the bits of int16 in depthwise convolutions") {
  const WithIsa with_isa(GENERATE(Isa::reference, Isa::relaxed));
  const ByteDot reading = GENERATE(ByteDot::unsigned_activations, ByteDot::signed_activations);
  const WithByteDot with_byte_dot({reading, ByteDotSteps::one});
  if (!has_selected_byte_dot(selected_isa())) return;
  Random random(13);
  for (int round = 0; round < 60; ++round) {
    ConvShape shape = random_windows(random).shape;
    shape.in_channels = shape.out_channels = shape.groups = random.size(1, 40);
    CAPTURE(round, shape.groups, shape.kernel_h, shape.kernel_w, shape.stride_h, shape.dilation_h);
    const size_t pixels = shape.batch * shape.in_h * shape.in_w;
    for (const QOutput output : kOutputs) {
      OutputOperands operands(random, output, shape.groups, tap_count(shape));
      operands.params().w_zero = nullptr;
      const ByteDotOperands operand(random, pixels * shape.groups, shape.groups, tap_count(shape),
                                    operands.params());
      QConv conv{.shape = shape, .x = operand.wide.data(), .output = output};
      conv.x_stride = conv.y_stride = shape.groups;
      conv.params = operand.wide_params;
      std::vector<int16_t> packed(packed_dwconv_weight_bytes(shape) / sizeof(int16_t));
      const uint8_t zero = operand.is_unsigned ? 128 : 0;
      pack_dwconv_weights(shape, operand.weights.data(), operand.is_unsigned, &zero, false,
                          packed.data());
      conv.w = packed.data();
      const auto wide = run_conv(random, conv, qdwconv, qdwconv_scratch_bytes(shape));

      std::vector<int16_t> packed_dot(packed_dot_dwconv_weight_bytes(shape) / sizeof(int16_t));
      std::vector<int32_t> sums(shape.groups);
      pack_dot_dwconv_weights(shape, operand.weights.data(), operand.is_unsigned, packed_dot.data(),
                              sums.data());
      const ByteDotColumns columns(operand, sums, tap_count(shape));
      conv.params = columns.params;
      conv.byte_dot = true;
      conv.padding = static_cast<int16_t>((operand.a_zero & 255) * 257);
      conv.x = reinterpret_cast<const int16_t*>(operand.codes.data());
      conv.w = packed_dot.data();
      REQUIRE(run_conv(random, conv, qdwconv, qdwconv_scratch_bytes(shape)) == wide);
    }
  }
}

TEST_CASE("qwinograd computes convolutions of every geometry that it takes") {
  const WithIsa with_isa(GENERATE(Isa::reference, Isa::simd128, Isa::relaxed));
  Random random(9);
  const size_t channels = GENERATE(size_t{8}, size_t{22});
  const size_t outputs = GENERATE(size_t{5}, size_t{40});
  const auto [height, width, pad] = GENERATE(table<size_t, size_t, Padding>(
      {{7, 10, {1, 1, 1, 1}}, {6, 5, {0, 0, 0, 0}}, {1, 2, {2, 1, 2, 1}}, {4, 9, {0, 2, 1, 0}}}));
  CAPTURE(channels, outputs, height, width);
  for (const auto& [kernel_h, kernel_w] : {std::pair{3, 3}, {3, 1}, {1, 3}}) {
    CAPTURE(kernel_h);
    const ConvShape shape{.batch = 2,
                          .in_h = height,
                          .in_w = width,
                          .in_channels = channels,
                          .out_channels = outputs,
                          .kernel_h = static_cast<size_t>(kernel_h),
                          .kernel_w = static_cast<size_t>(kernel_w)};
    check_conv(random, with_output_size(shape, pad), kWinograd);
  }
}

TEST_CASE("qwinograd is exact where its products wrap, over several blocks of tiles and columns") {
  const WithIsa with_isa(GENERATE(Isa::reference, Isa::simd128, Isa::relaxed));
  const auto [height, width, channels, kernel_h, kernel_w, zero] =
      GENERATE(table<size_t, size_t, size_t, size_t, size_t, int>(
          {{18, 11, 900, 3, 3, 0}, {37, 3, 1376, 3, 1, 0}, {2, 70, 1376, 1, 3, 255}}));
  const size_t pad_y = kernel_h / 2, pad_x = kernel_w / 2;
  const ConvShape shape = with_output_size({.in_h = height,
                                            .in_w = width,
                                            .in_channels = channels,
                                            .out_channels = 70,
                                            .kernel_h = kernel_h,
                                            .kernel_w = kernel_w},
                                           {pad_y, pad_x, pad_y, pad_x});
  REQUIRE(qwinograd_pays(shape));
  Random random(10);
  check_winograd_sums(random, shape, std::vector<int16_t>(input_elements(shape), 255),
                      std::vector<uint8_t>(weight_elements(shape), zero == 0 ? 255 : 0),
                      std::vector<int32_t>(shape.out_channels, zero));
}

TEST_CASE("qwinograd is exact at the ends of what its transformed operands reach") {
  const WithIsa with_isa(GENERATE(Isa::reference, Isa::simd128, Isa::relaxed));
  const size_t kernel_w = GENERATE(size_t{1}, size_t{3});
  Random random(11);
  const ConvShape shape = with_output_size({.in_h = 24,
                                            .in_w = 5,
                                            .in_channels = 32,
                                            .out_channels = 24,
                                            .kernel_h = 3,
                                            .kernel_w = kernel_w},
                                           {1, 0, 1, 0});
  const auto ends = [&](auto values, int low) {
    for (auto& value : values) value = random.chance() ? 255 : low;
    return values;
  };
  check_winograd_sums(random, shape, ends(std::vector<int16_t>(input_elements(shape)), -255),
                      ends(std::vector<uint8_t>(weight_elements(shape)), 0),
                      ends(std::vector<int32_t>(shape.out_channels), 0));
}

TEST_CASE("depthwise tiles equal their references") {
  Random random(7);
  const ByteDot reading = GENERATE(ByteDot::unsigned_activations, ByteDot::signed_activations);
  for_each_variant<QDwTileFn>(
      [&](const char* family, const char* name, QDwTileFn* function, QDwTileFn* reference) {
        INFO(name);
        const QOutput output = output_of(family);
        const WithByteDot with_byte_dot({reading, ByteDotSteps::one});
        if (std::string_view(family).starts_with("qdwdot") && !has_selected_byte_dot(Isa::relaxed))
          return;
        for (int round = 0; round < 40; ++round) {
          const size_t groups = random.size(0, 3), columns = random.size(1, 6);
          const size_t channels = random.size(1, 40), pixels = random.size(1, 11);
          const size_t pixel_elements = interleaved_pixel_elements(channels);
          QDwTile tile{.row_groups = groups,
                       .columns = columns,
                       .x_column = random.size(1, 2) * pixel_elements,
                       .x_pixel = random.size(1, 3) * pixel_elements,
                       .w_row = columns * kDwElements,
                       .w_channels = groups * columns * kDwElements,
                       .channels = channels,
                       .pixels = pixels};
          tile.y_pixel = channels * output_bytes(output);
          CAPTURE(groups, columns, channels, pixels, tile.x_column, tile.x_pixel);
          OutputOperands operands(random, output, channels, groups * columns + 1);
          operands.params().w_zero = nullptr;
          tile.params = &operands.params();
          const size_t row = (pixels - 1) * tile.x_pixel + (columns - 1) * tile.x_column;
          std::vector<std::vector<int16_t>> x;
          std::vector<const int16_t*> rows;
          for (size_t i = 0; i < groups; ++i) {
            x.push_back(random.integers<int16_t>(row + pixel_elements, -255, 255));
            rows.push_back(x.back().data());
          }
          tile.x = rows.data();
          const size_t vectors = (channels + kPanelWidth - 1) / kPanelWidth * 2;
          const auto w =
              random.integers<int16_t>(vectors * std::max<size_t>(tile.w_channels, 1), -255, 255);
          tile.w = w.data();
          const auto run = [&](QDwTileFn* kernel) {
            std::vector<char> y(pixels * tile.y_pixel, 0x5A);
            tile.y = y.data();
            kernel(tile);
            return y;
          };
          REQUIRE(run(function) == run(reference));
        }
      });
}

TEST_CASE("interleaving of rows equals its references") {
  Random random(8);
  for_each_variant<QDwRowsFn>(
      [&](const char* family, const char* name, QDwRowsFn* function, QDwRowsFn* reference) {
        INFO(name);
        const bool is_pairs = std::string_view(family).ends_with("pair_rows");
        const size_t count = is_pairs ? kDwPair : kDwQuad, bytes = is_pairs ? 2 : 1;
        for (int round = 0; round < 40; ++round) {
          const size_t channels = random.size(1, 40), pixels = random.size(1, 5);
          QDwRows rows{.channels = channels, .pixels = pixels};
          CAPTURE(channels, pixels);
          std::vector<std::vector<uint8_t>> x;
          for (size_t r = 0; r < count; ++r) {
            rows.strides[r] = random.chance() ? 0 : channels + random.size(0, 3);
            const size_t elements = (pixels - 1) * rows.strides[r] + channels;
            x.push_back(random.integers<uint8_t>(elements * bytes, 0, 255));
            rows.rows[r] = x.back().data();
          }
          const auto run = [&](QDwRowsFn* kernel) {
            std::vector<int16_t> to(pixels * interleaved_pixel_elements(channels), -1);
            rows.to = to.data();
            kernel(rows);
            return to;
          };
          REQUIRE(run(function) == run(reference));
        }
      });
}

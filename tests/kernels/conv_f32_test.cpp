// Float convolutions, dense, grouped, depthwise and transposed, against their definition. Operands
// are whole numbers, so every sum is exact and results are compared for equality.
#include "kernels/conv_f32/conv_f32.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

#include "kernels/conv_transpose_f32/conv_transpose_f32.h"
#include "kernels/dispatch.h"
#include "kernels/dwconv_f32/dwconv_f32.h"
#include "kernels/winograd/winograd.h"
#include "tests/kernels/windows.h"
#include "tests/kernels/with_isa.h"

using namespace octet::kernels;
using namespace octet::kernels::test;

namespace {

/// Operands of a convolution or transposed convolution of some shape.
struct Operands {
  ConvShape shape;
  size_t x_stride, y_stride;
  std::vector<float> x, w, bias, y;
  FOutputParams params;

  Operands(Random& random, const ConvShape& s)
      : shape(s), x_stride(s.in_channels + (random.chance() ? 0 : random.size(1, 3))),
        y_stride(s.out_channels + random.size(0, 3)),
        x(whole_numbers(random, (s.batch * s.in_h * s.in_w - 1) * x_stride + s.in_channels)),
        w(whole_numbers(random, tap_count(s) * group_inputs(s) * s.out_channels)),
        // Biases are read in whole panels.
        bias(whole_numbers(random, s.out_channels + kFPanelWidth)),
        y((pixels() - 1) * y_stride + s.out_channels, -1000.0f) {
    if (random.chance()) params.bias = bias.data();
    if (random.chance()) params.lo = 0;
    if (random.chance()) params.hi = 100;
  }

  size_t pixels() const { return shape.batch * shape.out_h * shape.out_w; }

  /// Holds y to the sums [pixel][channel].
  void check(const std::vector<float>& sums) const {
    for_each_output([&](float result, size_t i, size_t o) {
      const float expected = params.bias ? sums[i] + bias[o] : sums[i];
      REQUIRE(result == std::clamp(expected, params.lo, params.hi));
    });
  }

  /// Calls visit(element, its index in [pixel][channel], channel), and sees that nothing was
  /// written between the pixels.
  template <class Visit>
  void for_each_output(Visit&& visit) const {
    for (size_t p = 0; p < pixels(); ++p) {
      for (size_t o = 0; o < shape.out_channels; ++o)
        visit(y[p * y_stride + o], p * shape.out_channels + o, o);
      for (size_t o = shape.out_channels; o < y_stride && p + 1 < pixels(); ++o)
        REQUIRE(y[p * y_stride + o] == -1000.0f);
    }
  }
};

std::vector<int64_t> scratch_of(size_t bytes) {
  return std::vector<int64_t>(bytes / sizeof(int64_t), -1);
}

template <class Sum>
std::vector<Sum> direct_sums(const Operands& op) {
  const ConvShape& s = op.shape;
  const size_t inputs = group_inputs(s);
  std::vector<Sum> sums(op.pixels() * s.out_channels);
  for (size_t p = 0; p < op.pixels(); ++p)
    for_each_input(s, p, [&](size_t tap, size_t pixel) {
      for (size_t o = 0; o < s.out_channels; ++o)
        for (size_t i = 0; i < inputs; ++i)
          sums[p * s.out_channels + o] +=
              Sum{op.x[pixel * op.x_stride + o / group_outputs(s) * inputs + i]} *
              op.w[(o * inputs + i) * tap_count(s) + tap];
    });
  return sums;
}

using Pack = void(const ConvShape&, const float*, float*) noexcept;
using Run = void(const FConv&, size_t, size_t, void*) noexcept;

/// Computes op.y in two ranges.
void run_conv(Random& random, Operands& op, size_t packed_elements, Pack* pack,
              size_t scratch_bytes, Run* run) {
  std::vector<float> packed(packed_elements);
  pack(op.shape, op.w.data(), packed.data());
  const FConv conv{op.shape,    op.x.data(), op.x_stride, packed.data(),
                   op.y.data(), op.y_stride, op.params};
  auto scratch = scratch_of(scratch_bytes);
  const size_t split = random.size(0, op.pixels());
  run(conv, split, op.pixels(), scratch.data());
  run(conv, 0, split, scratch.data());
}

void check_conv(Random& random, const ConvShape& shape, size_t packed_elements, Pack* pack,
                size_t scratch_bytes, Run* run) {
  Operands op(random, shape);
  CAPTURE(shape.in_h, shape.in_w, shape.in_channels, shape.out_channels, shape.groups,
          shape.kernel_h, shape.kernel_w, shape.stride_w, shape.dilation_w, op.x_stride);
  run_conv(random, op, packed_elements, pack, scratch_bytes, run);
  op.check(direct_sums<float>(op));
}

/// Transforms the weights into the first part of the scratch memory.
void run_winograd(const FConv& conv, size_t begin, size_t end, void* scratch) noexcept {
  transform_winograd_f32_weights(conv, 0, conv.shape.out_channels, scratch);
  FConv transformed = conv;
  transformed.w = static_cast<const float*>(scratch);
  winograd_f32(transformed, begin, end,
               static_cast<char*>(scratch) + winograd_f32_weight_bytes(conv.shape));
}

void run_winograd(Random& random, Operands& op) {
  run_conv(random, op, packed_f32_conv_elements(op.shape), pack_f32_conv_weights,
           winograd_f32_weight_bytes(op.shape) + winograd_f32_scratch_bytes(op.shape),
           run_winograd);
}

ConvShape random_line(Random& random) {
  const bool is_column = random.chance();
  ConvShape shape{.batch = random.size(1, 2),
                  .in_h = random.size(is_column ? 3 : 1, 13),
                  .in_w = random.size(is_column ? 1 : 3, 13),
                  .in_channels = random.size(8, 60),
                  .out_channels = random.size(1, 40)};
  (is_column ? shape.kernel_h : shape.kernel_w) = 3;
  (is_column ? shape.pad_top : shape.pad_left) = random.size(0, 2);
  shape.out_h = shape.in_h + 2 * shape.pad_top + 1 - shape.kernel_h;
  shape.out_w = shape.in_w + 2 * shape.pad_left + 1 - shape.kernel_w;
  return shape;
}

/// Of every output, its error's share of what winograd.h allows for inputs up to 1.
std::vector<double> line_errors(const Operands& op) {
  const ConvShape& s = op.shape;
  const size_t weights = s.in_channels * tap_count(s);
  const auto sums = direct_sums<double>(op);
  std::vector<double> errors;
  op.for_each_output([&](float result, size_t i, size_t o) {
    double sum = 0;
    for (size_t k = 0; k < weights; ++k) sum += std::abs(op.w[o * weights + k]);
    const double bound = 13 * static_cast<double>(s.in_channels + 16) * 0x1p-24 * sum;
    errors.push_back((result - sums[i]) / bound);
  });
  return errors;
}

double sum_of_squares(const std::vector<double>& values) {
  return std::inner_product(values.begin(), values.end(), values.begin(), 0.0);
}

ConvShape with_channels(ConvShape s, size_t groups, size_t inputs, size_t outputs) {
  s.groups = groups;
  s.in_channels = groups * inputs;
  s.out_channels = groups * outputs;
  return s;
}

/// The transpose of the convolution `forward`, which has input and output swapped. The input of
/// `forward` may end with rows and columns that no window reaches: that is output padding.
void check_conv_transpose(Random& random, const ConvShape& forward) {
  ConvShape shape = forward;
  std::swap(shape.in_h, shape.out_h);
  std::swap(shape.in_w, shape.out_w);
  std::swap(shape.in_channels, shape.out_channels);
  Operands op(random, shape);
  CAPTURE(shape.in_h, shape.in_w, shape.out_h, shape.out_w, shape.in_channels, shape.out_channels,
          shape.groups, shape.kernel_h, shape.kernel_w, shape.stride_h, shape.stride_w,
          shape.dilation_h, shape.dilation_w, shape.pad_top, shape.pad_left);
  std::vector<float> packed(packed_f32_conv_transpose_elements(shape));
  pack_f32_conv_transpose_weights(shape, op.w.data(), packed.data());
  const FConvTranspose args{shape,       op.x.data(), op.x_stride, packed.data(),
                            op.y.data(), op.y_stride, op.params};
  auto scratch = scratch_of(conv_transpose_f32_scratch_bytes(shape));
  const size_t rows = shape.batch * shape.out_h, split = random.size(0, rows);
  conv_transpose_f32(args, split, rows, scratch.data());
  conv_transpose_f32(args, 0, split, scratch.data());

  std::vector<float> sums(op.pixels() * shape.out_channels);
  const size_t inputs = group_inputs(shape), outputs = group_outputs(shape);
  for (size_t p = 0; p < shape.batch * shape.in_h * shape.in_w; ++p)
    for_each_input(forward, p, [&](size_t tap, size_t pixel) {
      for (size_t i = 0; i < shape.in_channels; ++i)
        for (size_t o = 0; o < outputs; ++o)
          sums[pixel * shape.out_channels + i / inputs * outputs + o] +=
              op.x[p * op.x_stride + i] * op.w[(i * outputs + o) * tap_count(shape) + tap];
    });
  op.check(sums);
}

} // namespace

TEST_CASE("float convolutions of any geometry") {
  const WithIsa with_isa(GENERATE(Isa::reference, Isa::simd128, Isa::relaxed));
  Random random(71);
  for (int i = 0; i < 150; ++i) {
    const ConvShape shape =
        with_channels(random_windows(random).shape, random.chance() ? 1 : random.size(1, 3),
                      random.size(1, 9), random.size(1, 40));
    check_conv(random, shape, packed_f32_conv_elements(shape), pack_f32_conv_weights,
               conv_f32_scratch_bytes(shape), conv_f32);
  }
}

TEST_CASE("float depthwise convolutions of any geometry") {
  const WithIsa with_isa(GENERATE(Isa::reference, Isa::simd128, Isa::relaxed));
  Random random(72);
  for (int i = 0; i < 150; ++i) {
    const ConvShape shape = with_channels(random_windows(random).shape, random.size(1, 30), 1, 1);
    check_conv(random, shape, packed_f32_dwconv_elements(shape), pack_f32_dwconv_weights, 0,
               [](const FConv& conv, size_t begin, size_t end, void*) noexcept {
                 dwconv_f32(conv, begin, end);
               });
  }
}

TEST_CASE("float Winograd convolutions of any geometry") {
  const WithIsa with_isa(GENERATE(Isa::reference, Isa::simd128, Isa::relaxed));
  Random random(76);
  for (int i = 0; i < 80; ++i) {
    ConvShape shape{.batch = random.size(1, 2),
                    .in_h = random.size(3, 9),
                    .in_w = random.size(3, 13),
                    .in_channels = random.size(8, 30),
                    .out_channels = random.size(1, 40),
                    .kernel_h = 3,
                    .kernel_w = 3,
                    .pad_top = random.size(0, 2),
                    .pad_left = random.size(0, 2)};
    shape.out_h = shape.in_h + 2 * shape.pad_top - 2;
    shape.out_w = shape.in_w + 2 * shape.pad_left - 2;
    Operands op(random, shape);
    CAPTURE(shape.in_h, shape.in_w, shape.in_channels, shape.out_channels, op.x_stride);
    run_winograd(random, op);
    op.check(direct_sums<float>(op));
  }
}

TEST_CASE("float Winograd convolutions of lines stay within their bound, with a usual error") {
  const WithIsa with_isa(GENERATE(Isa::reference, Isa::simd128, Isa::relaxed));
  Random random(77);
  double squares = 0, direct_squares = 0;
  for (int i = 0; i < 60; ++i) {
    const ConvShape shape = random_line(random);
    Operands op(random, shape);
    op.x = random.reals(op.x.size(), -1, 1);
    op.w = random.reals(op.w.size(), -1, 1);
    op.params = {};
    CAPTURE(shape.in_h, shape.in_w, shape.in_channels, shape.out_channels, shape.kernel_h,
            op.x_stride);
    run_conv(random, op, packed_f32_conv_elements(shape), pack_f32_conv_weights,
             conv_f32_scratch_bytes(shape), conv_f32);
    direct_squares += sum_of_squares(line_errors(op));
    run_winograd(random, op);
    const auto errors = line_errors(op);
    for (const double error : errors) REQUIRE(std::abs(error) <= 1);
    squares += sum_of_squares(errors);
  }
  CAPTURE(squares / direct_squares);
  REQUIRE(squares < 4 * direct_squares);
}

TEST_CASE("float Winograd convolutions of lines finish like direct ones") {
  const WithIsa with_isa(GENERATE(Isa::reference, Isa::simd128, Isa::relaxed));
  Random random(78);
  for (int i = 0; i < 40; ++i) {
    Operands op(random, random_line(random));
    run_winograd(random, op);
    const auto sums = direct_sums<float>(op);
    // Sums of whole numbers are far smaller than 1 / the error of a sum.
    op.for_each_output([&](float result, size_t i, size_t o) {
      const float expected = op.params.bias ? sums[i] + op.bias[o] : sums[i];
      REQUIRE(result == Approx(std::clamp(expected, op.params.lo, op.params.hi)).margin(0.02));
    });
  }
}

TEST_CASE("float convolutions with more weights than fit a column block") {
  const WithIsa with_isa(GENERATE(Isa::reference, Isa::simd128, Isa::relaxed));
  Random random(73);
  const ConvShape shape{.in_h = 3,
                        .in_w = 3,
                        .in_channels = 300,
                        .out_h = 3,
                        .out_w = 3,
                        .out_channels = 70,
                        .kernel_h = 3,
                        .kernel_w = 3,
                        .pad_top = 1,
                        .pad_left = 1};
  REQUIRE(f32_columns_per_block(tap_count(shape), shape.in_channels) < shape.out_channels);
  check_conv(random, shape, packed_f32_conv_elements(shape), pack_f32_conv_weights,
             conv_f32_scratch_bytes(shape), conv_f32);
}

TEST_CASE("float transposed convolutions of any geometry") {
  const WithIsa with_isa(GENERATE(Isa::reference, Isa::simd128, Isa::relaxed));
  Random random(74);
  for (int i = 0; i < 200; ++i)
    check_conv_transpose(random, with_channels(random_windows(random).shape,
                                               random.chance() ? 1 : random.size(1, 3),
                                               random.size(1, 20), random.size(1, 9)));
}

TEST_CASE("float transposed convolutions with kernels as large as their stride") {
  const WithIsa with_isa(GENERATE(Isa::reference, Isa::simd128, Isa::relaxed));
  Random random(75);
  for (int i = 0; i < 60; ++i) {
    const size_t h = random.size(1, 3), w = random.size(1, 3);
    ConvShape shape{.batch = random.size(1, 2),
                    .in_channels = random.size(1, 7),
                    .out_h = random.size(1, 5),
                    .out_w = random.size(1, 9),
                    .out_channels = random.size(1, 30),
                    .kernel_h = h,
                    .kernel_w = w,
                    .stride_h = h,
                    .stride_w = w};
    shape.in_h = shape.out_h * h;
    shape.in_w = shape.out_w * w;
    check_conv_transpose(random, shape);
  }
}

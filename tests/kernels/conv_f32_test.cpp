// Float convolutions, dense, grouped, depthwise and transposed, against their definition. Operands
// are whole numbers, so every sum is exact and results are compared for equality.
#include "kernels/conv_f32/conv_f32.h"

#include <algorithm>
#include <catch2/catch.hpp>

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
    for (size_t p = 0; p < pixels(); ++p) {
      for (size_t o = 0; o < shape.out_channels; ++o) {
        float expected = sums[p * shape.out_channels + o];
        if (params.bias) expected += bias[o];
        REQUIRE(y[p * y_stride + o] == std::clamp(expected, params.lo, params.hi));
      }
      for (size_t o = shape.out_channels; o < y_stride && p + 1 < pixels(); ++o)
        REQUIRE(y[p * y_stride + o] == -1000.0f);
    }
  }
};

std::vector<int64_t> scratch_of(size_t bytes) {
  return std::vector<int64_t>(bytes / sizeof(int64_t), -1);
}

std::vector<float> direct_sums(const Operands& op) {
  const ConvShape& s = op.shape;
  const size_t inputs = group_inputs(s);
  std::vector<float> sums(op.pixels() * s.out_channels);
  for (size_t p = 0; p < op.pixels(); ++p)
    for_each_input(s, p, [&](size_t tap, size_t pixel) {
      for (size_t o = 0; o < s.out_channels; ++o)
        for (size_t i = 0; i < inputs; ++i)
          sums[p * s.out_channels + o] +=
              op.x[pixel * op.x_stride + o / group_outputs(s) * inputs + i] *
              op.w[(o * inputs + i) * tap_count(s) + tap];
    });
  return sums;
}

using Pack = void(const ConvShape&, const float*, float*) noexcept;
using Run = void(const FConv&, size_t, size_t, void*) noexcept;

void check_conv(Random& random, const ConvShape& shape, size_t packed_elements, Pack* pack,
                size_t scratch_bytes, Run* run) {
  Operands op(random, shape);
  CAPTURE(shape.in_h, shape.in_w, shape.in_channels, shape.out_channels, shape.groups,
          shape.kernel_h, shape.kernel_w, shape.stride_w, shape.dilation_w, op.x_stride);
  std::vector<float> packed(packed_elements);
  pack(shape, op.w.data(), packed.data());
  const FConv conv{shape,       op.x.data(), op.x_stride, packed.data(),
                   op.y.data(), op.y_stride, op.params};
  auto scratch = scratch_of(scratch_bytes);
  const size_t split = random.size(0, op.pixels());
  run(conv, split, op.pixels(), scratch.data());
  run(conv, 0, split, scratch.data());
  op.check(direct_sums(op));
}

/// Transforms the weights into the first part of the scratch memory.
void run_winograd(const FConv& conv, size_t begin, size_t end, void* scratch) noexcept {
  transform_winograd_f32_weights(conv, 0, conv.shape.out_channels, scratch);
  FConv transformed = conv;
  transformed.w = static_cast<const float*>(scratch);
  winograd_f32(transformed, begin, end,
               static_cast<char*>(scratch) + winograd_f32_weight_bytes(conv.shape));
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
    check_conv(random, shape, packed_f32_conv_elements(shape), pack_f32_conv_weights,
               winograd_f32_weight_bytes(shape) + winograd_f32_scratch_bytes(shape), run_winograd);
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

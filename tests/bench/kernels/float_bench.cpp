#include "kernels/conv_transpose_f32/conv_transpose_f32.h"
#include "kernels/copy/copy_strided.h"
#include "kernels/dwconv_f32/dwconv_f32.h"
#include "kernels/eltwise/binary.h"
#include "kernels/eltwise/unary.h"
#include "kernels/lstm/lstm.h"
#include "kernels/norm/norm.h"
#include "kernels/pool/pool.h"
#include "kernels/reduce/reduce.h"
#include "kernels/resize/resize.h"
#include "kernels/softmax/softmax.h"
#include "kernels/winograd/winograd.h"
#include "tests/bench/kernels/bench.h"
#include "tests/bench/kernels/same_shape.h"
#include "tests/kernels/random.h"

namespace octet::bench {
namespace {

using namespace octet::kernels;
using octet::kernels::test::Random;

constexpr const char* kMacs = "GMAC/s";
constexpr const char* kBytes = "GB/s";

void bench_matrix(const char* name, size_t m, size_t k, size_t n) {
  Random random(1);
  const auto a = random.reals(m * k, -1, 1), b = random.reals(k * n, -1, 1);
  std::vector<float> packed(packed_f32_elements(n, 1, k)), c(m * n);
  pack_f32({.data = b.data(), .n = n, .k = k, .n_stride = 1, .k_stride = static_cast<ptrdiff_t>(n)},
           packed.data());
  const FGemm args{.m = m,
                   .n = n,
                   .k = k,
                   .a = a.data(),
                   .a_stride = k,
                   .b = packed.data(),
                   .c = c.data(),
                   .c_stride = n};
  report(name, static_cast<double>(m * n * k), kMacs, [&] { gemm_f32(args, 0, m); });
}

/// Bytes read of a matrix [rows, columns], or its transpose, that is packed.
void bench_pack(const char* name, size_t n, size_t k, bool is_transposed) {
  Random random(1);
  const auto b = random.reals(k * n, -1, 1);
  std::vector<float> packed(packed_f32_elements(n, 1, k));
  const FWeights w{.data = b.data(),
                   .n = n,
                   .k = k,
                   .n_stride = is_transposed ? static_cast<ptrdiff_t>(k) : 1,
                   .k_stride = is_transposed ? 1 : static_cast<ptrdiff_t>(n)};
  report(name, static_cast<double>(b.size() * sizeof(float)), kBytes,
         [&] { pack_f32(w, packed.data()); });
}

struct ConvFamily {
  size_t (*packed_elements)(const ConvShape&) noexcept;
  void (*pack)(const ConvShape&, const float*, float*) noexcept;
  size_t (*scratch_bytes)(const ConvShape&) noexcept;
  void (*run)(const FConv&, size_t, size_t, void*) noexcept;
};
constexpr ConvFamily kDense{packed_f32_conv_elements, pack_f32_conv_weights, conv_f32_scratch_bytes,
                            conv_f32};
constexpr ConvFamily kDepthwise{packed_f32_dwconv_elements, pack_f32_dwconv_weights,
                                [](const ConvShape&) noexcept { return size_t{0}; },
                                [](const FConv& conv, size_t begin, size_t end, void*) noexcept {
                                  dwconv_f32(conv, begin, end);
                                }};
constexpr ConvFamily kWinograd{
    kDense.packed_elements, kDense.pack,
    [](const ConvShape& shape) noexcept {
      return winograd_f32_weight_bytes(shape) + winograd_f32_scratch_bytes(shape);
    },
    [](const FConv& conv, size_t begin, size_t end, void* scratch) noexcept {
      transform_winograd_f32_weights(conv, 0, conv.shape.out_channels, scratch);
      FConv transformed = conv;
      transformed.w = static_cast<const float*>(scratch);
      winograd_f32(transformed, begin, end,
                   static_cast<char*>(scratch) + winograd_f32_weight_bytes(conv.shape));
    }};

void bench_conv(const char* name, const ConvFamily& family, const ConvShape& shape) {
  Random random(1);
  const size_t macs_per_pixel = shape.out_channels * group_inputs(shape) * tap_count(shape);
  const auto x = random.reals(shape.in_h * shape.in_w * shape.in_channels, -1, 1);
  const auto w = random.reals(macs_per_pixel, -1, 1);
  const auto bias = random.reals(shape.out_channels + kFPanelWidth, -1, 1);
  std::vector<float> packed(family.packed_elements(shape));
  family.pack(shape, w.data(), packed.data());
  const size_t pixels = shape.out_h * shape.out_w;
  std::vector<float> y(pixels * shape.out_channels);
  std::vector<int64_t> scratch(family.scratch_bytes(shape) / sizeof(int64_t));
  const FConv conv{.shape = shape,
                   .x = x.data(),
                   .x_stride = shape.in_channels,
                   .w = packed.data(),
                   .y = y.data(),
                   .y_stride = shape.out_channels,
                   .params = {.bias = bias.data(), .lo = 0}};
  report(name, static_cast<double>(pixels * macs_per_pixel), kMacs,
         [&] { family.run(conv, 0, pixels, scratch.data()); });
}

void bench_conv_transpose(const char* name, size_t size, size_t inputs, size_t outputs) {
  const ConvShape shape{.in_h = size,
                        .in_w = size,
                        .in_channels = inputs,
                        .out_h = 2 * size,
                        .out_w = 2 * size,
                        .out_channels = outputs,
                        .kernel_h = 2,
                        .kernel_w = 2,
                        .stride_h = 2,
                        .stride_w = 2};
  Random random(1);
  const auto x = random.reals(size * size * inputs, -1, 1);
  const auto w = random.reals(inputs * outputs * 4, -1, 1);
  std::vector<float> packed(packed_f32_conv_transpose_elements(shape));
  pack_f32_conv_transpose_weights(shape, w.data(), packed.data());
  std::vector<float> y(4 * size * size * outputs);
  std::vector<int64_t> scratch(conv_transpose_f32_scratch_bytes(shape) / sizeof(int64_t));
  const FConvTranspose args{shape, x.data(), inputs, packed.data(), y.data(), outputs};
  report(name, static_cast<double>(size * size * inputs * outputs * 4), kMacs,
         [&] { conv_transpose_f32(args, 0, shape.out_h, scratch.data()); });
}

/// Bytes read and written of functions of one number, in a second-level cache.
void bench_unary() {
  constexpr size_t kCount = 16 * 1024;
  Random random(1);
  const auto x = random.reals(kCount, 0.1f, 4.0f);
  std::vector<float> y(kCount);
  const float params[] = {0.2f, 0.5f};
#define OCTET_UNARY(name)                                                                          \
  report(#name, 2.0 * kCount * sizeof(float), kBytes,                                              \
         [&] { name##_f32(x.data(), y.data(), kCount, params); });
#include "kernels/eltwise/unary_list.inc"
#undef OCTET_UNARY
}

void bench_binary(const char* name, Binary op, size_t pixels, size_t channels, ptrdiff_t b_pixel,
                  ptrdiff_t b_channel) {
  Random random(1);
  const auto a = random.reals(pixels * channels, 0.1f, 4), b = random.reals(a.size(), 0.1f, 4);
  std::vector<float> y(a.size());
  BinaryNest nest;
  const auto pitch = static_cast<ptrdiff_t>(channels);
  nest.add_inner(pixels, {pitch, b_pixel, pitch});
  nest.add_inner(channels, {1, b_channel, 1});
  report(name, 2.0 * static_cast<double>(a.size() * sizeof(float)), kBytes,
         [&] { binary_f32(op, nest, a.data(), b.data(), y.data()); });
}

/// Bytes moved by transposing [rows, columns].
void bench_transpose(const char* name, size_t rows, size_t columns, size_t bytes) {
  const std::vector<char> x(rows * columns * bytes, 1);
  std::vector<char> y(x.size());
  CopyNest nest;
  nest.add_inner(columns, {1, static_cast<ptrdiff_t>(rows)});
  nest.add_inner(rows, {static_cast<ptrdiff_t>(columns), 1});
  report(name, 2.0 * static_cast<double>(x.size()), kBytes,
         [&] { copy_strided(nest, bytes, x.data(), y.data()); });
}

/// Bytes moved by swapping the outer axes of [a, b, run].
void bench_swap(const char* name, size_t a, size_t b, size_t run) {
  const std::vector<float> x(a * b * run);
  std::vector<float> y(x.size());
  CopyNest nest;
  nest.add_inner(b, {static_cast<ptrdiff_t>(run), static_cast<ptrdiff_t>(a * run)});
  nest.add_inner(a, {static_cast<ptrdiff_t>(b * run), static_cast<ptrdiff_t>(run)});
  nest.add_inner(run, {1, 1});
  report(name, 2.0 * static_cast<double>(x.size() * sizeof(float)), kBytes,
         [&] { copy_strided(nest, sizeof(float), x.data(), y.data()); });
}

void bench_along_axis(const char* name, const AxisShape& shape) {
  Random random(1);
  const auto x = random.reals(shape.outer * shape.axis * shape.inner, -3, 3);
  std::vector<float> y(x.size());
  const double bytes = static_cast<double>(x.size() * sizeof(float));
  char label[64];
  std::snprintf(label, sizeof label, "softmax %s", name);
  report(label, bytes, kBytes, [&] { softmax_f32({shape, x.data(), y.data()}); });
  std::snprintf(label, sizeof label, "reduce sum %s", name);
  report(label, bytes, kBytes, [&] { reduce_f32(Reduction::sum, shape, x.data(), y.data()); });
  std::snprintf(label, sizeof label, "reduce max %s", name);
  report(label, bytes, kBytes, [&] { reduce_f32(Reduction::max, shape, x.data(), y.data()); });
}

void bench_rows(size_t rows, size_t columns) {
  Random random(1);
  const auto x = random.reals(rows * columns, -3, 3), scale = random.reals(columns, -1, 1);
  std::vector<float> y(x.size());
  const RowNorm args{.columns = columns,
                     .x = x.data(),
                     .y = y.data(),
                     .scale = scale.data(),
                     .bias = scale.data(),
                     .epsilon = 1e-5f};
  report("layer_norm 128x768", static_cast<double>(x.size() * sizeof(float)), kBytes,
         [&] { layer_norm_f32(args, 0, rows); });
}

void bench_pool(const char* name, size_t size, size_t channels, size_t kernel) {
  const ConvShape shape = same_shape(size, channels, channels, kernel, 2);
  const std::vector<float> x(size * size * channels, 1.0f);
  const size_t pixels = shape.out_h * shape.out_w;
  std::vector<float> y(pixels * channels);
  std::vector<int64_t> scratch(pool_scratch_bytes(shape) / sizeof(int64_t));
  const Pool<float> args{shape, x.data(), channels, y.data(), channels};
  report(name, static_cast<double>(x.size() * sizeof(float)), kBytes,
         [&] { max_pool_f32(args, 0, pixels, scratch.data()); });
}

/// Bytes written when sides are doubled.
void bench_resize(const char* linear_name, const char* nearest_name, size_t size, size_t channels) {
  const ResizeShape shape{
      .in_h = size, .in_w = size, .out_h = 2 * size, .out_w = 2 * size, .channels = channels};
  std::vector<uint32_t> first(2 * size), second(2 * size);
  for (size_t i = 0; i < first.size(); ++i) {
    first[i] = static_cast<uint32_t>(i / 2);
    second[i] = static_cast<uint32_t>(std::min(i / 2 + 1, size - 1));
  }
  const std::vector<float> weight(2 * size, 0.25f), x(size * size * channels, 1.0f);
  std::vector<float> y(4 * x.size());
  std::vector<int64_t> scratch(resize_linear_scratch_bytes(shape) / sizeof(int64_t));
  const LinearAxis axis{first.data(), second.data(), weight.data()};
  const double bytes = static_cast<double>(y.size() * sizeof(float));
  report(linear_name, bytes, kBytes, [&] {
    resize_linear_f32({shape, axis, axis, x.data(), y.data()}, 0, shape.out_h, scratch.data());
  });
  report(nearest_name, bytes, kBytes, [&] {
    resize_nearest({shape, first.data(), first.data(), sizeof(float), x.data(), y.data()}, 0,
                   shape.out_h);
  });
}

void bench_lstm(size_t hidden) {
  Random random(1);
  const auto z = random.reals(4 * hidden, -3, 3), c = random.reals(hidden, -1, 1);
  std::vector<float> c_next(hidden), h(hidden);
  report("lstm gates 128 (z read)", static_cast<double>(z.size() * sizeof(float)), kBytes, [&] {
    lstm_gates_f32(
        {.hidden = hidden, .z = z.data(), .c_prev = c.data(), .c = c_next.data(), .h = h.data()});
  });
}

void bench_products() {
  bench_matrix("f32 gemm 256x768x768", 256, 768, 768);
  bench_matrix("f32 gemm 256x3072x768", 256, 3072, 768);
  bench_matrix("f32 gemm 128x64x128", 128, 64, 128);
  bench_matrix("f32 gemm 49x64x64", 49, 64, 64);
  bench_matrix("f32 gemv 768x3072", 1, 768, 3072);
  bench_matrix("f32 gemv 256x256", 1, 256, 256);
  bench_pack("f32 pack 128x64", 128, 64, false);
  bench_pack("f32 pack 128x64 transposed", 128, 64, true);
  bench_conv("f32 conv 3x3 64>64 56x56", kDense, same_shape(56, 64, 64, 3, 1));
  bench_conv("f32 conv 3x3 512>512 7x7", kDense, same_shape(7, 512, 512, 3, 1));
  bench_conv("f32 conv 3x3 16>16 56x56", kDense, same_shape(56, 16, 16, 3, 1));
  bench_conv("f32 conv 1x1 16>96 56x56", kDense, same_shape(56, 16, 96, 1, 1));
  bench_conv("f32 conv 1x1 96>24 56x56", kDense, same_shape(56, 96, 24, 1, 1));
  bench_conv("f32 conv 1x1 256>256 14x14", kDense, same_shape(14, 256, 256, 1, 1));
  bench_conv("f32 conv 3x3 3>32 s2 224x224", kDense, same_shape(224, 3, 32, 3, 2));
  bench_conv("f32 conv 7x7 3>64 s2 224x224", kDense, same_shape(224, 3, 64, 7, 2));
  bench_conv("f32 conv 3x3 1>32 28x28", kDense, same_shape(28, 1, 32, 3, 1));
  bench_conv("f32 depthwise 3x3 144 56x56", kDepthwise, same_shape(56, 144, 0, 3, 1));
  bench_conv("f32 depthwise 3x3 s2 144 56x56", kDepthwise, same_shape(56, 144, 0, 3, 2));
  bench_conv("f32 depthwise 5x5 144 56x56", kDepthwise, same_shape(56, 144, 0, 5, 1));
  bench_conv("f32 depthwise 3x3 576 14x14", kDepthwise, same_shape(14, 576, 0, 3, 1));
  bench_conv("f32 depthwise 3x3 960 7x7", kDepthwise, same_shape(7, 960, 0, 3, 1));
  bench_conv("f32 depthwise 3x3 64 28x28", kDepthwise, same_shape(28, 64, 0, 3, 1));
  bench_conv("f32 depthwise 3x3 16 112x112", kDepthwise, same_shape(112, 16, 0, 3, 1));
  bench_conv("f32 winograd 3x3 64>64 56x56", kWinograd, same_shape(56, 64, 64, 3, 1));
  bench_conv("f32 winograd 3x3 256>256 14x14", kWinograd, same_shape(14, 256, 256, 3, 1));
  bench_conv("f32 winograd 3x3 512>512 7x7", kWinograd, same_shape(7, 512, 512, 3, 1));
  bench_conv("f32 winograd 3x3 16>16 56x56", kWinograd, same_shape(56, 16, 16, 3, 1));
  bench_conv("f32 winograd 3x3 96>24 160x160", kWinograd, same_shape(160, 96, 24, 3, 1));
  bench_conv("f32 winograd 3x3 32>32 56x56", kWinograd, same_shape(56, 32, 32, 3, 1));
  bench_conv("f32 conv 3x3 32>32 56x56", kDense, same_shape(56, 32, 32, 3, 1));
  bench_conv("f32 conv 3x1 24>24 72x32", kDense, column_shape(72, 32, 24, 24));
  bench_conv("f32 winograd 3x1 24>24 72x32", kWinograd, column_shape(72, 32, 24, 24));
  bench_conv("f32 conv 3x1 48>48 34x16", kDense, column_shape(34, 16, 48, 48));
  bench_conv("f32 winograd 3x1 48>48 34x16", kWinograd, column_shape(34, 16, 48, 48));
  bench_conv("f32 conv 3x1 72>72 30x8", kDense, column_shape(30, 8, 72, 72));
  bench_conv("f32 winograd 3x1 72>72 30x8", kWinograd, column_shape(30, 8, 72, 72));
  bench_conv("f32 conv 3x1 96>96 12x4", kDense, column_shape(12, 4, 96, 96));
  bench_conv("f32 winograd 3x1 96>96 12x4", kWinograd, column_shape(12, 4, 96, 96));
  bench_conv("f32 conv 3x1 384>384 1500x1", kDense, column_shape(1500, 1, 384, 384));
  bench_conv("f32 winograd 3x1 384>384 1500x1", kWinograd, column_shape(1500, 1, 384, 384));
  bench_conv_transpose("f32 conv_transpose 2x2 s2 24>24 80", 80, 24, 24);
  bench_conv_transpose("f32 conv_transpose 2x2 s2 24>1 160", 160, 24, 1);
}

void bench_elements() {
  bench_unary();
  bench_binary("add", Binary::add, 1, 16 * 1024, 0, 1);
  bench_binary("add [H,W,16] + [16]", Binary::add, 1024, 16, 0, 1);
  bench_binary("mul [H,W,16] * [H,W,1]", Binary::mul, 1024, 16, 1, 0);
  bench_binary("div", Binary::div, 1, 16 * 1024, 0, 1);
  bench_binary("max", Binary::max, 1, 16 * 1024, 0, 1);
  bench_binary("pow", Binary::pow, 1, 16 * 1024, 0, 1);
  bench_binary("less", Binary::less, 1, 16 * 1024, 0, 1);
}

} // namespace

void float_kernels() {
  bench_products();
  bench_elements();
  bench_transpose("transpose 64x3136", 64, 3136, 4);
  bench_transpose("transpose 3136x64", 3136, 64, 4);
  bench_transpose("transpose 3x50176", 3, 50176, 4);
  bench_transpose("transpose 50176x3", 50176, 3, 4);
  bench_transpose("transpose 128x64", 128, 64, 4);
  bench_transpose("transpose 64x4096", 64, 4096, 4);
  bench_transpose("transpose 64x3136 of bytes", 64, 3136, 1);
  bench_transpose("transpose 64x3136 of 2 bytes", 64, 3136, 2);
  bench_swap("swap 128x12 rows of 64", 128, 12, 64);
  bench_swap("swap 128x12 rows of 16", 128, 12, 16);
  bench_swap("swap 128x12 rows of 4096", 128, 12, 4096);
  bench_along_axis("rows 1536x128", {.outer = 1536, .axis = 128});
  bench_along_axis("[49, 1280] inner", {.axis = 49, .inner = 1280});
  bench_rows(128, 768);
  bench_pool("max_pool 3x3 s2 64 112x112", 112, 64, 3);
  bench_pool("max_pool 2x2 s2 32 28x28", 28, 32, 2);
  bench_resize("resize linear 80x80x24", "resize nearest 80x80x24", 80, 24);
  bench_resize("resize linear 128x128x1", "resize nearest 128x128x1", 128, 1);
  bench_lstm(128);
}

} // namespace octet::bench

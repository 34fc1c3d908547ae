#include "kernels/convert/convert.h"
#include "kernels/qb4/qb4.h"
#include "kernels/qconv/qconv.h"
#include "kernels/qdot/byte_dot.h"
#include "kernels/qdot/pack.h"
#include "kernels/qdwconv/qdwconv.h"
#include "kernels/qgemm/pack.h"
#include "kernels/qgemm/strassen.h"
#include "kernels/qgemv/qgemv.h"
#include "tests/bench/kernels/bench.h"
#include "tests/bench/kernels/same_shape.h"
#include "tests/kernels/random.h"

namespace octet::bench {
namespace {

using namespace octet::kernels;
using octet::kernels::test::Random;

constexpr const char* kMacs = "GMAC/s";
constexpr const char* kBytes = "GB/s";

/// Whether products of `k` codes are measured as byte dot products: where the engine has them.
bool uses_bytes(size_t k) {
  return byte_dot() != ByteDot::none && k % 2 == 0;
}

void bench_matrix(const char* name, size_t m, size_t k, size_t n) {
  Random random(1);
  const bool bytes = uses_bytes(k);
  const size_t elements = bytes ? k / 2 : k;
  const auto a = random.integers<int16_t>(m * elements, -128, 127);
  const auto b = random.integers<int8_t>(k * n, -128, 127);
  const auto scale = random.reals(column_capacity(n), 0.001f, 0.01f);
  std::vector<int8_t> packed(bytes ? packed_dot_weight_bytes(n, 1, elements)
                                   : packed_weight_bytes(n, 1, elements));
  std::vector<int32_t> sums(n);
  const QWeights weights{
      .data = b.data(), .n = n, .k = k, .n_stride = 1, .k_stride = static_cast<ptrdiff_t>(n)};
  if (bytes)
    pack_dot_weights(weights, packed.data(), sums.data());
  else
    pack_weights(weights, packed.data());
  std::vector<float> c(m * n);
  std::vector<int64_t> scratch(strassen_scratch_bytes(m, k) / sizeof(int64_t) + 1);
  const QGemm args{.m = m,
                   .n = n,
                   .k = elements,
                   .a = a.data(),
                   .a_stride = elements,
                   .b = packed.data(),
                   .c = c.data(),
                   .c_stride = n,
                   .byte_dot = bytes,
                   .output = QOutput::f32,
                   .params = {.scale = scale.data(), .bias_f32 = scale.data()},
                   .scratch = scratch.data()};
  report(name, static_cast<double>(m * n * k), kMacs, [&] {
    if (m <= kMaxGemvRows)
      qgemv(args, 0, n);
    else
      qgemm(args, 0, m);
  });
}

std::vector<int16_t> packed_conv(const ConvShape& shape, bool depthwise, const int8_t* w) {
  std::vector<int16_t> packed(
      (depthwise ? packed_dwconv_weight_bytes(shape) : packed_conv_weight_bytes(shape)) / 2);
  if (depthwise)
    pack_dwconv_weights(shape, w, false, nullptr, false, packed.data());
  else
    pack_conv_weights(shape, w, false, packed.data());
  return packed;
}

/// `shape` counts pairs of channels.
std::vector<int16_t> packed_dot_conv(const ConvShape& shape, const int8_t* w) {
  std::vector<int16_t> packed(packed_dot_conv_weight_bytes(shape) / 2);
  std::vector<int32_t> sums(shape.out_channels);
  pack_dot_conv_weights(shape, w, false, packed.data(), sums.data());
  return packed;
}

/// A square "same" convolution; depthwise when `channels_out` is 0.
void bench_conv(const char* name, size_t size, size_t channels_in, size_t channels_out,
                size_t kernel, size_t stride, QOutput output = QOutput::f32) {
  const bool depthwise = channels_out == 0, bytes = !depthwise && uses_bytes(channels_in);
  ConvShape shape = same_shape(size, channels_in, channels_out, kernel, stride);
  const size_t outputs = shape.out_channels;
  const size_t inputs = channels_in / shape.groups;
  Random random(1);
  const auto x = random.integers<int16_t>(size * size * channels_in, -128, 127);
  const auto w = random.integers<int8_t>(outputs * inputs * kernel * kernel, -128, 127);
  const auto scale = random.reals(column_capacity(outputs), 0.001f, 0.01f);
  if (bytes) shape.in_channels /= 2;
  const auto packed =
      bytes ? packed_dot_conv(shape, w.data()) : packed_conv(shape, depthwise, w.data());
  const size_t pixels = shape.out_h * shape.out_w;
  std::vector<float> y(pixels * outputs);
  std::vector<int64_t> scratch(
      (depthwise ? qdwconv_scratch_bytes(shape) : qconv_scratch_bytes(shape)) / sizeof(int64_t));
  const QConv conv{.shape = shape,
                   .x = x.data(),
                   .x_stride = shape.in_channels,
                   .w = packed.data(),
                   .y = y.data(),
                   .y_stride = outputs,
                   .byte_dot = bytes,
                   .output = output,
                   .params = {.scale = scale.data(), .bias_f32 = scale.data()}};
  auto* const run = depthwise ? qdwconv : qconv;
  report(name, static_cast<double>(pixels * outputs * inputs * kernel * kernel), kMacs,
         [&] { run(conv, 0, pixels, scratch.data()); });
}

void bench_qb4(const char* name, size_t m, size_t k, size_t n, size_t block) {
  Random random(1);
  const Qb4Shape shape{n, k, block};
  const auto a = random.reals(m * k, -3.0f, 3.0f);
  const auto codes = random.integers<uint8_t>(qb4_code_bytes(shape), 0, 255);
  const std::vector<float> blocks(qb4_block_floats(shape), 0.1f);
  std::vector<float> c(m * n);
  std::vector<double> rows(qb8_row_bytes(shape, m) / sizeof(double));
  std::vector<double> scratch(qb4_f32_scratch_bytes(shape) / sizeof(double));
  const Qb4Gemm gemm{.shape = shape,
                     .m = m,
                     .a = a.data(),
                     .codes = codes.data(),
                     .scales = blocks.data(),
                     .zeros = blocks.data(),
                     .c = c.data()};
  const auto macs = static_cast<double>(m * n * k);
  report(name, macs, kMacs, [&] {
    qb8_quantize_rows(gemm, rows.data());
    qb4_gemm_qb8(gemm, rows.data(), 0, n);
  });
  report((std::string(name) + ", float").c_str(), macs, kMacs,
         [&] { qb4_gemm_f32(gemm, scratch.data(), 0, n); });
}

/// Bytes read: float input once for each pass over it.
void bench_convert(size_t n) {
  Random random(1);
  const auto x = random.reals(n, -3.0f, 3.0f);
  std::vector<int16_t> wide(n);
  std::vector<uint8_t> narrow(n);
  const double bytes = static_cast<double>(n * sizeof(float));
  report("dynamic quantize to int16", bytes, kBytes, [&] {
    quantize_s16(x.data(), n, choose_dynamic_params(value_range(x.data(), n)), wide.data());
  });
  report("value range", bytes, kBytes,
         [&] { narrow[0] = choose_dynamic_params(value_range(x.data(), n)).zero_point; });
  report("quantize to uint8", bytes, kBytes,
         [&] { quantize_u8(x.data(), n, {0.02f, 128}, narrow.data()); });
  report("widen uint8 to int16", static_cast<double>(n), kBytes,
         [&] { widen_u8(narrow.data(), n, 128, wide.data()); });
}

} // namespace

void integer_kernels() {
  bench_matrix("gemm 256x768x768", 256, 768, 768);
  bench_matrix("gemm 256x768x3072", 256, 768, 3072);
  bench_matrix("gemm 256x3072x768", 256, 3072, 768);
  bench_matrix("gemm 49x64x64", 49, 64, 64);

  bench_conv("conv 3x3 128>128 28x28", 28, 128, 128, 3, 1);
  bench_conv("conv 3x3 512>512 7x7", 7, 512, 512, 3, 1);
  bench_conv("conv 3x3 16>16 56x56", 56, 16, 16, 3, 1);
  bench_conv("conv 1x1 256>256 14x14", 14, 256, 256, 1, 1);
  bench_conv("conv 1x1 16>96 56x56", 56, 16, 96, 1, 1);
  bench_conv("conv 1x1 96>24 56x56", 56, 96, 24, 1, 1);
  bench_conv("conv 1x1 64>64 28x28 to uint8", 28, 64, 64, 1, 1, QOutput::u8);
  bench_conv("conv 3x3 3>32 s2 224x224", 224, 3, 32, 3, 2);
  bench_conv("conv 7x7 3>64 s2 224x224", 224, 3, 64, 7, 2);
  bench_conv("conv 3x3 1>32 28x28", 28, 1, 32, 3, 1);
  bench_conv("depthwise 3x3 144 56x56", 56, 144, 0, 3, 1);
  bench_conv("depthwise 3x3 s2 144 56x56", 56, 144, 0, 3, 2);
  bench_conv("depthwise 5x5 144 56x56", 56, 144, 0, 5, 1);
  bench_conv("depthwise 5x5 s2 144 56x56", 56, 144, 0, 5, 2);
  bench_conv("depthwise 3x3 16 112x112", 112, 16, 0, 3, 1);
  bench_matrix("gemv 1024x4096", 1, 1024, 4096);
  bench_matrix("gemv 256x256", 1, 256, 256);
  bench_qb4("4-bit gemv 1024x4096, blocks of 32", 1, 1024, 4096, 32);
  bench_qb4("4-bit gemv 1024x4096, blocks of 128", 1, 1024, 4096, 128);
  bench_qb4("4-bit gemm 64x1024x1024, blocks of 32", 64, 1024, 1024, 32);
  bench_convert(64 * 1024);
  bench_convert(4 * 1024 * 1024);
}

} // namespace octet::bench

#include "kernels/convert/convert.h"
#include "kernels/qb4/qb4.h"
#include "kernels/qconv/qconv.h"
#include "kernels/qdot/byte_dot.h"
#include "kernels/qdot/pack.h"
#include "kernels/qdwconv/qdwconv.h"
#include "kernels/qgemm/pack.h"
#include "kernels/qgemm/strassen.h"
#include "kernels/qgemv/qgemv.h"
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

/// Whether products of `k` codes are measured as byte dot products: where the engine has them.
bool uses_bytes(size_t k) {
  return byte_dot() != ByteDot::none && k % 2 == 0;
}

/// Of as many bits as byte dot products take.
std::vector<int8_t> random_weights(Random& random, size_t count) {
  if (byte_dot_steps() == ByteDotSteps::one) return random.integers<int8_t>(count, -128, 127);
  return random.integers<int8_t>(count, -kMostPairWeight, kMostPairWeight);
}

void bench_matrix(const char* name, size_t m, size_t k, size_t n) {
  Random random(1);
  const bool bytes = uses_bytes(k);
  const size_t elements = bytes ? k / 2 : k;
  const auto a = random.integers<int16_t>(m * elements, -128, 127);
  const auto b = random_weights(random, k * n);
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
  std::vector<int64_t> rows(combined_row_bytes(m, k) / sizeof(int64_t));
  std::vector<int64_t> panels(combined_panel_bytes(k) / sizeof(int64_t));
  const bool combines = !bytes && strassen_pays(m, n, k);
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
                   .combined_rows = combines ? rows.data() : nullptr,
                   .panels = panels.data()};
  report(name, static_cast<double>(m * n * k), kMacs, [&] {
    if (combines) combine_rows(args, 0, m, rows.data());
    if (m <= kMaxGemvRows)
      qgemv(args, 0, n);
    else
      qgemm(args, 0, m);
  });
}

struct ConvFamily {
  size_t (*packed_bytes)(const ConvShape&) noexcept;
  void (*pack)(const ConvShape&, const void*, void*) noexcept;
  size_t (*scratch_bytes)(const ConvShape&) noexcept;
  void (*run)(const QConv&, size_t, size_t, void*) noexcept;
};
constexpr ConvFamily kDense{packed_conv_weight_bytes,
                            [](const ConvShape& shape, const void* w, void* packed) noexcept {
                              pack_conv_weights(shape, w, false, packed);
                            },
                            qconv_scratch_bytes, qconv};
constexpr ConvFamily kDepthwise{packed_dwconv_weight_bytes,
                                [](const ConvShape& shape, const void* w, void* packed) noexcept {
                                  pack_dwconv_weights(shape, w, false, nullptr, false, packed);
                                },
                                qdwconv_scratch_bytes, qdwconv};
constexpr ConvFamily kWinograd{
    kDense.packed_bytes, kDense.pack,
    [](const ConvShape& shape) noexcept {
      return qwinograd_weight_bytes(shape) + qwinograd_scratch_bytes(shape);
    },
    [](const QConv& conv, size_t begin, size_t end, void* scratch) noexcept {
      transform_qwinograd_weights(conv, 0, conv.shape.out_channels, scratch);
      QConv transformed = conv;
      transformed.w = scratch;
      qwinograd(transformed, begin, end,
                static_cast<char*>(scratch) + qwinograd_weight_bytes(conv.shape));
    }};

/// Its shape counts pairs of channels.
constexpr ConvFamily kByteDot{packed_dot_conv_weight_bytes,
                              [](const ConvShape& shape, const void* w, void* packed) noexcept {
                                std::vector<int32_t> sums(shape.out_channels);
                                pack_dot_conv_weights(shape, w, false, packed, sums.data());
                              },
                              qconv_scratch_bytes, qconv};

void bench_conv(const char* name, const ConvFamily& asked, ConvShape shape,
                QOutput output = QOutput::f32, bool pools = false) {
  const bool bytes = &asked == &kDense && uses_bytes(shape.in_channels);
  const ConvFamily& family = bytes ? kByteDot : asked;
  const size_t outputs = shape.out_channels;
  const size_t macs_per_pixel = outputs * group_inputs(shape) * tap_count(shape);
  Random random(1);
  const auto x = random.integers<int16_t>(shape.in_h * shape.in_w * shape.in_channels, -128, 127);
  const auto w = random_weights(random, macs_per_pixel);
  const auto scale = random.reals(column_capacity(outputs), 0.001f, 0.01f);
  if (bytes) shape.in_channels /= 2;
  std::vector<int16_t> packed(family.packed_bytes(shape) / sizeof(int16_t));
  family.pack(shape, w.data(), packed.data());
  const size_t pixels = shape.out_h * shape.out_w;
  std::vector<float> y(pixels * outputs);
  std::vector<int64_t> scratch(family.scratch_bytes(shape) / sizeof(int64_t));
  const QConv conv{.shape = shape,
                   .x = x.data(),
                   .x_stride = shape.in_channels,
                   .w = packed.data(),
                   .y = y.data(),
                   .y_stride = outputs,
                   .pools = pools,
                   .byte_dot = bytes,
                   .output = output,
                   .params = {.scale = scale.data(), .bias_f32 = scale.data(), .bounded = true}};
  const size_t range = pools ? shape.out_h / 2 * (shape.out_w / 2) : pixels;
  report(name, static_cast<double>(pixels * macs_per_pixel), kMacs,
         [&] { family.run(conv, 0, range, scratch.data()); });
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

  bench_conv("conv 3x3 128>128 28x28", kDense, same_shape(28, 128, 128, 3, 1));
  bench_conv("conv 3x3 512>512 7x7", kDense, same_shape(7, 512, 512, 3, 1));
  bench_conv("conv 3x3 16>16 56x56", kDense, same_shape(56, 16, 16, 3, 1));
  bench_conv("conv 1x1 256>256 14x14", kDense, same_shape(14, 256, 256, 1, 1));
  bench_conv("conv 1x1 64>256 56x56", kDense, same_shape(56, 64, 256, 1, 1));
  bench_conv("conv 1x1 128>512 28x28", kDense, same_shape(28, 128, 512, 1, 1));
  bench_conv("conv 1x1 1024>256 14x14", kDense, same_shape(14, 1024, 256, 1, 1));
  bench_conv("conv 1x1 2048>512 7x7", kDense, same_shape(7, 2048, 512, 1, 1));
  bench_conv("conv 1x1 384>64 14x14", kDense, same_shape(14, 384, 64, 1, 1));
  bench_conv("conv 1x1 192>192 40x40", kDense, same_shape(40, 192, 192, 1, 1));
  bench_conv("conv 1x1 16>96 56x56", kDense, same_shape(56, 16, 96, 1, 1));
  bench_conv("conv 1x1 96>24 56x56", kDense, same_shape(56, 96, 24, 1, 1));
  bench_conv("conv 1x1 64>64 28x28 to uint8", kDense, same_shape(28, 64, 64, 1, 1), QOutput::u8);
  bench_conv("conv 3x3 3>32 s2 224x224", kDense, same_shape(224, 3, 32, 3, 2));
  bench_conv("conv 7x7 3>64 s2 224x224", kDense, same_shape(224, 3, 64, 7, 2));
  bench_conv("conv 3x3 1>32 28x28", kDense, same_shape(28, 1, 32, 3, 1));
  bench_conv("conv 3x3 1>32 28x28 to codes", kDense, same_shape(28, 1, 32, 3, 1), QOutput::s16);
  bench_conv("conv 3x3 1>32 28x28 pooled", kDense, same_shape(28, 1, 32, 3, 1), QOutput::s16, true);
  bench_conv("depthwise 3x3 144 56x56", kDepthwise, same_shape(56, 144, 0, 3, 1));
  bench_conv("depthwise 3x3 144 56x56 to codes", kDepthwise, same_shape(56, 144, 0, 3, 1),
             QOutput::s16);
  bench_conv("depthwise 3x3 s2 144 56x56", kDepthwise, same_shape(56, 144, 0, 3, 2));
  bench_conv("depthwise 5x5 144 56x56", kDepthwise, same_shape(56, 144, 0, 5, 1));
  bench_conv("depthwise 5x5 s2 144 56x56", kDepthwise, same_shape(56, 144, 0, 5, 2));
  bench_conv("depthwise 3x3 16 112x112", kDepthwise, same_shape(112, 16, 0, 3, 1));
  bench_conv("winograd 3x3 64>64 56x56", kWinograd, same_shape(56, 64, 64, 3, 1));
  bench_conv("winograd 3x3 128>128 28x28", kWinograd, same_shape(28, 128, 128, 3, 1));
  bench_conv("winograd 3x3 256>256 14x14", kWinograd, same_shape(14, 256, 256, 3, 1));
  bench_conv("winograd 3x3 512>512 7x7", kWinograd, same_shape(7, 512, 512, 3, 1));
  bench_conv("winograd 3x3 16>16 56x56", kWinograd, same_shape(56, 16, 16, 3, 1));
  bench_conv("winograd 3x3 32>32 56x56", kWinograd, same_shape(56, 32, 32, 3, 1));
  bench_conv("winograd 3x3 96>24 160x160", kWinograd, same_shape(160, 96, 24, 3, 1));
  bench_conv("conv 3x3 96>24 160x160", kDense, same_shape(160, 96, 24, 3, 1));
  bench_conv("winograd 3x3 24>24 160x160", kWinograd, same_shape(160, 24, 24, 3, 1));
  bench_conv("conv 3x3 24>24 160x160", kDense, same_shape(160, 24, 24, 3, 1));
  bench_conv("conv 3x1 24>24 72x32", kDense, column_shape(72, 32, 24, 24));
  bench_conv("winograd 3x1 24>24 72x32", kWinograd, column_shape(72, 32, 24, 24));
  bench_conv("conv 3x1 48>48 34x16", kDense, column_shape(34, 16, 48, 48));
  bench_conv("winograd 3x1 48>48 34x16", kWinograd, column_shape(34, 16, 48, 48));
  bench_conv("conv 3x1 72>72 30x8", kDense, column_shape(30, 8, 72, 72));
  bench_conv("winograd 3x1 72>72 30x8", kWinograd, column_shape(30, 8, 72, 72));
  bench_conv("conv 3x1 96>96 12x4", kDense, column_shape(12, 4, 96, 96));
  bench_conv("winograd 3x1 96>96 12x4", kWinograd, column_shape(12, 4, 96, 96));
  bench_conv("conv 3x1 384>384 1500x1", kDense, column_shape(1500, 1, 384, 384));
  bench_conv("winograd 3x1 384>384 1500x1", kWinograd, column_shape(1500, 1, 384, 384));
  bench_matrix("gemv 1024x4096", 1, 1024, 4096);
  bench_matrix("gemv 256x256", 1, 256, 256);
  bench_qb4("4-bit gemv 1024x4096, blocks of 32", 1, 1024, 4096, 32);
  bench_qb4("4-bit gemv 1024x4096, blocks of 128", 1, 1024, 4096, 128);
  bench_qb4("4-bit gemm 64x1024x1024, blocks of 32", 64, 1024, 1024, 32);
  bench_convert(64 * 1024);
  bench_convert(4 * 1024 * 1024);
}

} // namespace octet::bench

// The arithmetic of single quantized operators is onnxruntime's, bit for bit (golden/).
#include <bit>
#include <catch2/catch.hpp>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include "kernels/convert/convert.h"
#include "kernels/qgemm/pack.h"
#include "kernels/qgemm/qgemm.h"
#include "tests/kernels/q_operands.h"

using namespace octet::kernels;
using namespace octet::kernels::test;

namespace {

using Bits = std::vector<uint32_t>; // of floats

float from_bits(uint32_t bits) {
  return std::bit_cast<float>(bits);
}

std::vector<float> from_bits(const Bits& bits) {
  std::vector<float> values;
  for (const uint32_t b : bits) values.push_back(from_bits(b));
  return values;
}

template <class Q>
QType type_of() {
  if constexpr (sizeof(Q) == 1) return std::is_signed_v<Q> ? QType::s8 : QType::u8;
  if constexpr (sizeof(Q) == 2) return std::is_signed_v<Q> ? QType::s16 : QType::u16;
  return QType::s32;
}

void check_dynamic_quantize(uint32_t scale, int zero_point, const Bits& x_bits,
                            const std::vector<uint8_t>& expected) {
  const auto x = from_bits(x_bits);
  const DynamicQuantParams params = choose_dynamic_params(value_range(x.data(), x.size()));
  CHECK(std::bit_cast<uint32_t>(params.scale) == scale);
  CHECK(params.zero_point == zero_point);
  std::vector<uint8_t> y(x.size());
  quantize_u8(x.data(), x.size(), params, y.data());
  CHECK(y == expected);

  std::vector<int16_t> centered(x.size());
  std::vector<int16_t> widened(x.size());
  quantize_s16(x.data(), x.size(), params, centered.data());
  widen_u8(y.data(), y.size(), params.zero_point, widened.data());
  CHECK(centered == widened);
}

template <class Q>
void check_quantize(uint32_t scale_bits, int zero_point, const Bits& x_bits,
                    const std::vector<Q>& expected) {
  const auto x = from_bits(x_bits);
  const float scale = from_bits(scale_bits);
  const auto zero = static_cast<Q>(zero_point);
  std::vector<Q> y(x.size());
  quantize_linear({.inner = x.size(), .scale = &scale, .zero_point = &zero}, x.data(), type_of<Q>(),
                  y.data(), 0, x.size());
  CHECK(y == expected);
}

template <class Q>
void check_dequantize(uint32_t scale_bits, int zero_point, const std::vector<Q>& x,
                      const Bits& expected) {
  const float scale = from_bits(scale_bits);
  const auto zero = static_cast<Q>(zero_point);
  std::vector<float> y(x.size());
  dequantize_linear({.inner = x.size(), .scale = &scale, .zero_point = &zero}, x.data(),
                    type_of<Q>(), y.data(), 0, x.size());
  CHECK(y == from_bits(expected));
}

/// Activations minus their zero point, [m, k].
template <class X>
std::vector<int16_t> centered(const std::vector<X>& x, int zero_point) {
  std::vector<int16_t> result;
  for (const X value : x) result.push_back(static_cast<int16_t>(value - zero_point));
  return result;
}

template <class X, class W>
void check_qlinear_conv(size_t m, size_t n, size_t k, int x_zero, int w_zero, int y_zero,
                        uint32_t x_scale, uint32_t y_scale, const Bits& w_scale,
                        const std::vector<X>& x, const std::vector<W>& w, std::vector<int32_t> bias,
                        const std::vector<X>& expected) {
  constexpr bool kUnsignedOutput = std::is_same_v<X, uint8_t>;
  constexpr bool kUnsignedWeights = std::is_same_v<W, uint8_t>;
  const auto a = centered(x, x_zero);
  std::vector<int8_t> packed(packed_weight_bytes(n, 1, k));
  pack_weights({.data = w.data(),
                .is_unsigned = kUnsignedWeights,
                .n = n,
                .k = k,
                .n_stride = static_cast<ptrdiff_t>(k),
                .k_stride = 1},
               packed.data());
  std::vector<float> scale;
  for (const uint32_t bits : w_scale)
    scale.push_back(from_bits(x_scale) * from_bits(bits) / from_bits(y_scale));
  std::vector<int32_t> w_zeros(n, stored_weight_zero(w_zero, kUnsignedWeights));
  scale.resize(column_capacity(n));
  bias.resize(column_capacity(n));
  w_zeros.resize(column_capacity(n));

  std::vector<X> y(m * n);
  QGemm args{.m = m, .n = n, .k = k, .a = a.data(), .a_stride = k, .b = packed.data()};
  args.c = y.data();
  args.c_stride = n;
  args.output = kUnsignedOutput ? QOutput::u8 : QOutput::s8;
  args.params = {.w_zero = w_zeros.data(), .bias = bias.data(), .scale = scale.data()};
  args.params.zero_point = y_zero;
  args.params.qmin = std::numeric_limits<X>::min();
  args.params.qmax = std::numeric_limits<X>::max();
  qgemm(args, 0, m);
  CHECK(y == expected);
}

} // namespace

#define LIST(...) {__VA_ARGS__}

TEST_CASE("single quantized operators equal onnxruntime") {
  const WithIsa with_isa(GENERATE(Isa::reference, Isa::simd128));
#define DYNAMIC_QUANTIZE(scale, zero_point, x, y) check_dynamic_quantize(scale, zero_point, x, y);
#define QUANTIZE(Q, scale, zero_point, x, y) check_quantize<Q>(scale, zero_point, x, y);
#define DEQUANTIZE(Q, scale, zero_point, x, y) check_dequantize<Q>(scale, zero_point, x, y);
#define QLINEAR_CONV(X, W, ...) check_qlinear_conv<X, W>(__VA_ARGS__);
#include "tests/kernels/golden/onnxruntime.inc"
}

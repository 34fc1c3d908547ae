#include <cmath>

#include "kernels/dispatch.h"
#include "kernels/math_simd128.h"
#include "kernels/vectors_simd128.h"

namespace octet::kernels {
namespace {

/// Σ f(x), in four parts.
template <class F>
float sum_of(const float* x, size_t n, F&& f) noexcept {
  v128_t a = splat(0.0f), b = a, c = a, d = a;
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    a = wasm_f32x4_add(a, f(wasm_v128_load(x + i)));
    b = wasm_f32x4_add(b, f(wasm_v128_load(x + i + 4)));
    c = wasm_f32x4_add(c, f(wasm_v128_load(x + i + 8)));
    d = wasm_f32x4_add(d, f(wasm_v128_load(x + i + 12)));
  }
  v128_t sum = horizontal_sum(wasm_f32x4_add(wasm_f32x4_add(a, b), wasm_f32x4_add(c, d)));
  for (; i < n; ++i) sum = wasm_f32x4_add(sum, f(wasm_v128_load32_splat(x + i)));
  return wasm_f32x4_extract_lane(sum, 0);
}

void normalize(const RowNorm& args, size_t row, float mean) noexcept {
  const size_t n = args.columns;
  const float* x = args.x + row * n;
  float* y = args.y + row * n;
  const v128_t center = splat(mean);
  const float squares = sum_of(x, n, [center](v128_t v) {
    const v128_t d = wasm_f32x4_sub(v, center);
    return wasm_f32x4_mul(d, d);
  });
  const float inverse = 1.0f / std::sqrt(squares / static_cast<float>(n) + args.epsilon);
  if (args.inverse_std) args.inverse_std[row] = inverse;

  const v128_t factor = splat(inverse);
  const auto finish = [&](v128_t v, v128_t scale, v128_t bias) {
    const v128_t unit = wasm_f32x4_mul(wasm_f32x4_sub(v, center), factor);
    return multiply_add(unit, scale, bias);
  };
  const v128_t none = splat(0.0f);
  size_t i = 0;
  for (; i + 4 <= n; i += 4)
    wasm_v128_store(y + i, finish(wasm_v128_load(x + i), wasm_v128_load(args.scale + i),
                                  args.bias ? wasm_v128_load(args.bias + i) : none));
  const size_t rest = n - i;
  store_first_floats(finish(load_first_floats(x + i, rest), load_first_floats(args.scale + i, rest),
                            args.bias ? load_first_floats(args.bias + i, rest) : none),
                     rest, y + i);
}

} // namespace

void f32_layer_norm_simd128(const RowNorm& args, size_t row_begin, size_t row_end) noexcept {
  for (size_t row = row_begin; row < row_end; ++row) {
    const float sum = sum_of(args.x + row * args.columns, args.columns, [](v128_t v) { return v; });
    const float mean = sum / static_cast<float>(args.columns);
    if (args.mean) args.mean[row] = mean;
    normalize(args, row, mean);
  }
}

void f32_rms_norm_simd128(const RowNorm& args, size_t row_begin, size_t row_end) noexcept {
  for (size_t row = row_begin; row < row_end; ++row) normalize(args, row, 0.0f);
}

} // namespace octet::kernels

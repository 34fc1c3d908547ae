#include "kernels/dispatch.h"
#include "kernels/math_simd128.h"
#include "kernels/vectors_simd128.h"

namespace octet::kernels {
namespace {

/// The shares of two numbers, in every lane.
struct Mix {
  v128_t of_first, of_second;

  explicit Mix(float weight) noexcept : of_first(splat(1.0f - weight)), of_second(splat(weight)) {}
  v128_t operator()(v128_t a, v128_t b) const noexcept {
    return wasm_f32x4_add(wasm_f32x4_mul(a, of_first), wasm_f32x4_mul(b, of_second));
  }
};

/// y[i] = mix(a[i], b[i])
void mix_rows(const Mix& mix, const float* a, const float* b, size_t n, float* y) noexcept {
  size_t i = 0;
  for (; i + 4 <= n; i += 4)
    wasm_v128_store(y + i, mix(wasm_v128_load(a + i), wasm_v128_load(b + i)));
  for (; i < n; ++i)
    wasm_v128_store32_lane(y + i, mix(wasm_v128_load32_splat(a + i), wasm_v128_load32_splat(b + i)),
                           0);
}

/// Four numbers x[at[0]] … x[at[3]].
v128_t gather(const float* x, const uint32_t* at) noexcept {
  return wasm_f32x4_make(x[at[0]], x[at[1]], x[at[2]], x[at[3]]);
}

/// Single channels: four columns at a time.
size_t mix_single_columns(const float* from, const LinearAxis& columns, size_t n,
                          float* y) noexcept {
  size_t x = 0;
  for (; x + 4 <= n; x += 4) {
    const v128_t weight = wasm_v128_load(columns.weight + x);
    const v128_t left =
        wasm_f32x4_mul(gather(from, columns.first + x), wasm_f32x4_sub(splat(1.0f), weight));
    const v128_t right = wasm_f32x4_mul(gather(from, columns.second + x), weight);
    wasm_v128_store(y + x, wasm_f32x4_add(left, right));
  }
  return x;
}

} // namespace

void f32_resize_linear_row_simd128(const LinearRow& row) noexcept {
  mix_rows(Mix(row.weight), row.first, row.second, row.in_elements, row.blend);
  const auto& [first, second, weight] = row.columns;
  size_t x = 0;
  if (row.channels == 1) x = mix_single_columns(row.blend, row.columns, row.out_w, row.y);
  for (; x < row.out_w; ++x)
    mix_rows(Mix(weight[x]), row.blend + first[x] * row.channels,
             row.blend + second[x] * row.channels, row.channels, row.y + x * row.channels);
}

} // namespace octet::kernels

// Rows (inner 1) fold into four vectors that meet at the end; otherwise columns fold side by side.
#include "kernels/dispatch.h"
#include "kernels/math_simd128.h"
#include "kernels/vectors_simd128.h"

namespace octet::kernels {
namespace {

// An operation: `initial`, fold(accumulator, x), and merge(accumulator, accumulator).
struct Sum {
  static constexpr float initial = 0;
  static v128_t merge(v128_t a, v128_t b) noexcept { return wasm_f32x4_add(a, b); }
  static v128_t fold(v128_t a, v128_t x) noexcept { return merge(a, x); }
};
struct SumAbs : Sum {
  static v128_t fold(v128_t a, v128_t x) noexcept { return merge(a, wasm_f32x4_abs(x)); }
};
struct SumSquare : Sum {
  static v128_t fold(v128_t a, v128_t x) noexcept { return merge(a, wasm_f32x4_mul(x, x)); }
};
struct Product {
  static constexpr float initial = 1;
  static v128_t merge(v128_t a, v128_t b) noexcept { return wasm_f32x4_mul(a, b); }
  static v128_t fold(v128_t a, v128_t x) noexcept { return merge(a, x); }
};
struct Max {
  static constexpr float initial = -__builtin_inff();
  static v128_t merge(v128_t a, v128_t b) noexcept { return wasm_f32x4_max(a, b); }
  static v128_t fold(v128_t a, v128_t x) noexcept { return merge(a, x); }
};
struct Min {
  static constexpr float initial = __builtin_inff();
  static v128_t merge(v128_t a, v128_t b) noexcept { return wasm_f32x4_min(a, b); }
  static v128_t fold(v128_t a, v128_t x) noexcept { return merge(a, x); }
};

template <class Op>
void reduce_rows(const AxisShape& shape, const float* x, float* y) noexcept {
  for (size_t o = 0; o < shape.outer; ++o, x += shape.axis) {
    const v128_t initial = splat(Op::initial);
    v128_t a[4] = {initial, initial, initial, initial};
    size_t i = 0;
    for (; i + 16 <= shape.axis; i += 16)
      for (size_t v = 0; v < 4; ++v) a[v] = Op::fold(a[v], wasm_v128_load(x + i + 4 * v));
    for (; i + 4 <= shape.axis; i += 4) a[0] = Op::fold(a[0], wasm_v128_load(x + i));
    v128_t all = Op::merge(Op::merge(a[0], a[1]), Op::merge(a[2], a[3]));
    all = Op::merge(all, swap_halves(all));
    all = Op::merge(all, swap_neighbours(all));
    all = Op::merge(wasm_v128_load32_splat(y + o), all);
    for (; i < shape.axis; ++i) all = Op::fold(all, wasm_v128_load32_splat(x + i));
    wasm_v128_store32_lane(y + o, all, 0);
  }
}

/// kVectors · 4 columns, or the first of one vector.
template <class Op, size_t kVectors>
void reduce_columns(const AxisShape& shape, const float* x, float* y) noexcept {
  v128_t a[kVectors];
  for (size_t v = 0; v < kVectors; ++v) a[v] = wasm_v128_load(y + 4 * v);
  for (size_t k = 0; k < shape.axis; ++k, x += shape.inner)
    for (size_t v = 0; v < kVectors; ++v) a[v] = Op::fold(a[v], wasm_v128_load(x + 4 * v));
  for (size_t v = 0; v < kVectors; ++v) wasm_v128_store(y + 4 * v, a[v]);
}

template <class Op>
void reduce_column(const AxisShape& shape, const float* x, float* y) noexcept {
  v128_t a = wasm_v128_load32_splat(y);
  for (size_t k = 0; k < shape.axis; ++k, x += shape.inner)
    a = Op::fold(a, wasm_v128_load32_splat(x));
  wasm_v128_store32_lane(y, a, 0);
}

template <class Op>
void reduce(const AxisShape& shape, const float* x, float* y) noexcept {
  if (shape.axis == 0) return;
  if (shape.inner == 1) return reduce_rows<Op>(shape, x, y);
  for (size_t o = 0; o < shape.outer; ++o, x += shape.axis * shape.inner, y += shape.inner) {
    size_t i = 0;
    for (; i + 16 <= shape.inner; i += 16) reduce_columns<Op, 4>(shape, x + i, y + i);
    for (; i + 4 <= shape.inner; i += 4) reduce_columns<Op, 1>(shape, x + i, y + i);
    for (; i < shape.inner; ++i) reduce_column<Op>(shape, x + i, y + i);
  }
}

} // namespace

void f32_reduce_sum_simd128(const AxisShape& shape, const float* x, float* y) noexcept {
  reduce<Sum>(shape, x, y);
}
void f32_reduce_sum_abs_simd128(const AxisShape& shape, const float* x, float* y) noexcept {
  reduce<SumAbs>(shape, x, y);
}
void f32_reduce_sum_square_simd128(const AxisShape& shape, const float* x, float* y) noexcept {
  reduce<SumSquare>(shape, x, y);
}
void f32_reduce_product_simd128(const AxisShape& shape, const float* x, float* y) noexcept {
  reduce<Product>(shape, x, y);
}
void f32_reduce_max_simd128(const AxisShape& shape, const float* x, float* y) noexcept {
  reduce<Max>(shape, x, y);
}
void f32_reduce_min_simd128(const AxisShape& shape, const float* x, float* y) noexcept {
  reduce<Min>(shape, x, y);
}

} // namespace octet::kernels

// Rows in three forms: both operands contiguous, or one of them repeated.
#include <cmath>
#include <type_traits>

#include "kernels/dispatch.h"
#include "kernels/eltwise/map_simd128.h"

namespace octet::kernels {
namespace {

// One function per row of binary_list.inc; comparisons give lanes of zeros or ones.
namespace four {
v128_t add(v128_t a, v128_t b) noexcept {
  return wasm_f32x4_add(a, b);
}
v128_t sub(v128_t a, v128_t b) noexcept {
  return wasm_f32x4_sub(a, b);
}
v128_t mul(v128_t a, v128_t b) noexcept {
  return wasm_f32x4_mul(a, b);
}
v128_t div(v128_t a, v128_t b) noexcept {
  return wasm_f32x4_div(a, b);
}
v128_t min(v128_t a, v128_t b) noexcept {
  return wasm_f32x4_min(a, b);
}
v128_t max(v128_t a, v128_t b) noexcept {
  return wasm_f32x4_max(a, b);
}
v128_t prelu(v128_t a, v128_t b) noexcept {
  return wasm_v128_bitselect(wasm_f32x4_mul(a, b), a, wasm_f32x4_lt(a, splat(0.0f)));
}
bool all_equal(v128_t b, float x) noexcept {
  return wasm_i32x4_all_true(wasm_f32x4_eq(b, splat(x)));
}
/// Small whole exponents, the usual ones, are multiplied out.
v128_t pow(v128_t a, v128_t b) noexcept {
  if (all_equal(b, 2.0f)) return wasm_f32x4_mul(a, a);
  if (all_equal(b, 3.0f)) return wasm_f32x4_mul(wasm_f32x4_mul(a, a), a);
  float base[4], exponent[4];
  wasm_v128_store(base, a);
  wasm_v128_store(exponent, b);
  for (size_t i = 0; i < 4; ++i) base[i] = std::pow(base[i], exponent[i]);
  return wasm_v128_load(base);
}
v128_t equal(v128_t a, v128_t b) noexcept {
  return wasm_f32x4_eq(a, b);
}
v128_t less(v128_t a, v128_t b) noexcept {
  return wasm_f32x4_lt(a, b);
}
v128_t less_or_equal(v128_t a, v128_t b) noexcept {
  return wasm_f32x4_le(a, b);
}
v128_t greater(v128_t a, v128_t b) noexcept {
  return wasm_f32x4_gt(a, b);
}
v128_t greater_or_equal(v128_t a, v128_t b) noexcept {
  return wasm_f32x4_ge(a, b);
}
} // namespace four

/// Reads vectors of a row; a repeated element is read once.
template <bool kRepeats>
class Source {
public:
  explicit Source(const float* x) noexcept : x_(x) {
    if constexpr (kRepeats) repeated_ = wasm_v128_load32_splat(x);
  }
  v128_t load(size_t i) const noexcept {
    if constexpr (kRepeats) return repeated_;
    return wasm_v128_load(x_ + i);
  }
  v128_t load(size_t i, size_t n) const noexcept {
    if constexpr (kRepeats) return repeated_;
    return load_first_floats(x_ + i, n);
  }

private:
  const float* x_;
  v128_t repeated_;
};

template <class F, class A, class B>
void run_row(F&& f, const A& a, const B& b, float* y, size_t n) noexcept {
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const v128_t lo = f(a.load(i), b.load(i));
    const v128_t hi = f(a.load(i + 4), b.load(i + 4));
    wasm_v128_store(y + i, lo);
    wasm_v128_store(y + i + 4, hi);
  }
  if (i + 4 <= n) {
    wasm_v128_store(y + i, f(a.load(i), b.load(i)));
    i += 4;
  }
  if (i < n) store_first_floats(f(a.load(i, n - i), b.load(i, n - i)), n - i, y + i);
}

template <class F, class A, class B>
void run_row(F&& f, const A& a, const B& b, uint8_t* y, size_t n) noexcept {
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    v128_t q[4];
    for (size_t v = 0; v < 4; ++v) q[v] = f(a.load(i + 4 * v), b.load(i + 4 * v));
    const v128_t masks = wasm_i8x16_narrow_i16x8(wasm_i16x8_narrow_i32x4(q[0], q[1]),
                                                 wasm_i16x8_narrow_i32x4(q[2], q[3]));
    wasm_v128_store(y + i, wasm_i8x16_neg(masks));
  }
  for (; i < n; i += 4) {
    const size_t rest = n - i < 4 ? n - i : 4;
    const auto bits = wasm_i32x4_bitmask(f(a.load(i, rest), b.load(i, rest)));
    for (size_t k = 0; k < rest; ++k) y[i + k] = bits >> k & 1;
  }
}

template <class Result, bool kRepeatsA, bool kRepeatsB, class F>
void run_rows(const BinaryRows& rows, F&& f) noexcept {
  const float* a = rows.a;
  const float* b = rows.b;
  Result* y = static_cast<Result*>(rows.y);
  for (size_t r = 0; r < rows.rows; ++r) {
    run_row(f, Source<kRepeatsA>(a), Source<kRepeatsB>(b), y, rows.columns);
    a += rows.a_stride;
    b += rows.b_stride;
    y += rows.y_stride;
  }
}

template <class Result, class F>
void run(const BinaryRows& rows, F&& f) noexcept {
  if (rows.b_repeats) return run_rows<Result, false, true>(rows, f);
  if (rows.a_repeats) return run_rows<Result, true, false>(rows, f);
  run_rows<Result, false, false>(rows, f);
}

} // namespace

#define OCTET_BINARY(name, Result)                                                                 \
  void f32_##name##_simd128(const BinaryRows& rows) noexcept {                                     \
    run<Result>(rows, [](v128_t a, v128_t b) { return four::name(a, b); });                        \
  }
#include "kernels/eltwise/binary_list.inc"
#undef OCTET_BINARY

} // namespace octet::kernels

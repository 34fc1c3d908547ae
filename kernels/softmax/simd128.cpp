// Three passes: the maximum, exponentials and their sum, the finish. On the last axis the lanes of
// a row meet after the first two; on another one four neighbours go side by side.
#include <algorithm>

#include "kernels/dispatch.h"
#include "kernels/math_simd128.h"
#include "kernels/vectors_simd128.h"

namespace octet::kernels {
namespace {

/// softmax keeps the exponentials in y and scales them, log_softmax starts from x again.
struct PlainFinish {
  static constexpr bool kKeepsExponentials = true;
  static v128_t prepare(v128_t sum) noexcept { return wasm_f32x4_div(splat(1.0f), sum); }
  static v128_t finish(v128_t e, v128_t, v128_t inverse) noexcept {
    return wasm_f32x4_mul(e, inverse);
  }
};
struct LogFinish {
  static constexpr bool kKeepsExponentials = false;
  static v128_t prepare(v128_t sum) noexcept { return log(sum); }
  static v128_t finish(v128_t x, v128_t max, v128_t log_sum) noexcept {
    return wasm_f32x4_sub(wasm_f32x4_sub(x, max), log_sum);
  }
};

/// exp(x − max), 0 where that would not be a normal number.
v128_t exp_below(v128_t max, v128_t x) noexcept {
  const v128_t log2 = wasm_f32x4_mul(wasm_f32x4_sub(x, max), splat(1.44269504088896341f));
  return power_of_two_f32(wasm_f32x4_pmax(log2, splat(-127.0f)));
}

v128_t horizontal_max(v128_t v) noexcept {
  v = wasm_f32x4_pmax(v, swap_halves(v));
  return wasm_f32x4_pmax(v, swap_neighbours(v));
}

/// The first n (< 4) lanes, then numbers without weight.
v128_t first_lanes(v128_t x, size_t n) noexcept {
  const v128_t lanes = wasm_i32x4_lt(wasm_i32x4_make(0, 1, 2, 3), wasm_i32x4_splat(int(n)));
  return wasm_v128_bitselect(x, splat(-__builtin_inff()), lanes);
}

/// A row whose maximum is known. `last`: what follows the whole vectors.
template <class Op>
void finish_row(const float* x, size_t n, v128_t last, v128_t max, float* y) noexcept {
  const size_t whole = n / 4 * 4;
  const v128_t last_exponential = exp_below(max, last);
  v128_t sum = last_exponential;
  for (size_t i = 0; i < whole; i += 4) {
    const v128_t e = exp_below(max, wasm_v128_load(x + i));
    if (Op::kKeepsExponentials) wasm_v128_store(y + i, e);
    sum = wasm_f32x4_add(sum, e);
  }

  const v128_t of_sum = Op::prepare(horizontal_sum(sum));
  const float* from = Op::kKeepsExponentials ? y : x;
  for (size_t i = 0; i < whole; i += 4)
    wasm_v128_store(y + i, Op::finish(wasm_v128_load(from + i), max, of_sum));
  if (Op::kKeepsExponentials) last = last_exponential;
  store_first_floats(Op::finish(last, max, of_sum), n - whole, y + whole);
}

template <class Op>
void run_row(const float* x, size_t n, float* y) noexcept {
  const size_t whole = n / 4 * 4;
  const v128_t last = first_lanes(load_first_floats(x + whole, n - whole), n - whole);
  v128_t max = last;
  for (size_t i = 0; i < whole; i += 4) max = wasm_f32x4_pmax(max, wasm_v128_load(x + i));
  finish_row<Op>(x, n, last, horizontal_max(max), y);
}

/// load_mask(i, n) gives the first n of the mask's four numbers at i.
template <class LoadMask>
void run_score_row(float* x, size_t n, float scale, LoadMask&& load_mask) noexcept {
  const size_t whole = n / 4 * 4, rest = n - whole;
  const v128_t factor = splat(scale);
  const v128_t masked =
      multiply_add(load_first_floats(x + whole, rest), factor, load_mask(whole, rest));
  const v128_t last = first_lanes(masked, rest);
  v128_t max = last;
  for (size_t i = 0; i < whole; i += 4) {
    const v128_t score = multiply_add(wasm_v128_load(x + i), factor, load_mask(i, 4));
    wasm_v128_store(x + i, score);
    max = wasm_f32x4_pmax(max, score);
  }
  finish_row<PlainFinish>(x, n, last, horizontal_max(max), x);
}

/// Four neighbouring columns, or one.
template <size_t kColumns>
v128_t load_columns(const float* x) noexcept {
  return kColumns == 4 ? wasm_v128_load(x) : wasm_v128_load32_splat(x);
}
template <size_t kColumns>
void store_columns(v128_t v, float* y) noexcept {
  if (kColumns == 4)
    wasm_v128_store(y, v);
  else
    wasm_v128_store32_lane(y, v, 0);
}

template <class Op, size_t kColumns>
void run_columns(const float* x, size_t n, size_t step, float* y) noexcept {
  const size_t end = n * step;
  v128_t max = splat(-__builtin_inff());
  for (size_t i = 0; i < end; i += step) max = wasm_f32x4_pmax(max, load_columns<kColumns>(x + i));

  v128_t sum = splat(0.0f);
  for (size_t i = 0; i < end; i += step) {
    const v128_t e = exp_below(max, load_columns<kColumns>(x + i));
    if (Op::kKeepsExponentials) store_columns<kColumns>(e, y + i);
    sum = wasm_f32x4_add(sum, e);
  }

  const v128_t of_sum = Op::prepare(sum);
  const float* from = Op::kKeepsExponentials ? y : x;
  for (size_t i = 0; i < end; i += step)
    store_columns<kColumns>(Op::finish(load_columns<kColumns>(from + i), max, of_sum), y + i);
}

template <class Op>
void run(const Softmax& args) noexcept {
  const AxisShape& shape = args.shape;
  const float* x = args.x;
  float* y = args.y;
  const size_t plane = shape.axis * shape.inner;
  for (size_t o = 0; o < shape.outer; ++o, x += plane, y += plane) {
    if (shape.inner == 1) {
      run_row<Op>(x, shape.axis, y);
      continue;
    }
    size_t i = 0;
    for (; i + 4 <= shape.inner; i += 4) run_columns<Op, 4>(x + i, shape.axis, shape.inner, y + i);
    for (; i < shape.inner; ++i) run_columns<Op, 1>(x + i, shape.axis, shape.inner, y + i);
  }
}

} // namespace

void f32_softmax_simd128(const Softmax& args) noexcept {
  run<PlainFinish>(args);
}
void f32_log_softmax_simd128(const Softmax& args) noexcept {
  run<LogFinish>(args);
}

void f32_score_softmax_simd128(const ScoreSoftmax& args) noexcept {
  for (size_t row = 0; row < args.rows; ++row) {
    float* x = args.x + row * args.columns;
    if (const float* mask = args.mask)
      run_score_row(x, args.columns, args.scale,
                    [mask = mask + row * args.mask_stride](size_t i, size_t n) {
                      return n == 4 ? wasm_v128_load(mask + i) : load_first_floats(mask + i, n);
                    });
    else
      run_score_row(x, args.columns, args.scale, [](size_t, size_t) { return splat(-0.0f); });
  }
}

} // namespace octet::kernels

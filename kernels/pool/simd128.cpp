#include "kernels/dispatch.h"
#include "kernels/math_simd128.h"

namespace octet::kernels {
namespace {

template <class T>
constexpr size_t kLanes = 16 / sizeof(T);

template <class T>
v128_t load_splat(const T* x) noexcept {
  if constexpr (sizeof(T) == 1) return wasm_v128_load8_splat(x);
  if constexpr (sizeof(T) == 2) return wasm_v128_load16_splat(x);
  return wasm_v128_load32_splat(x);
}
template <class T>
void store_first_lane(v128_t v, T* y) noexcept {
  if constexpr (sizeof(T) == 1)
    wasm_v128_store8_lane(y, v, 0);
  else if constexpr (sizeof(T) == 2)
    wasm_v128_store16_lane(y, v, 0);
  else
    wasm_v128_store32_lane(y, v, 0);
}

/// kVectors vectors of channels from c on.
template <size_t kVectors, class T, class Fold, class Finish>
void fold_vectors(const T* const* taps, size_t count, size_t c, T* y, v128_t initial, Fold&& fold,
                  Finish&& finish) noexcept {
  v128_t a[kVectors];
  for (v128_t& v : a) v = initial;
  for (size_t t = 0; t < count; ++t)
    for (size_t v = 0; v < kVectors; ++v)
      a[v] = fold(a[v], wasm_v128_load(taps[t] + c + v * kLanes<T>));
  for (size_t v = 0; v < kVectors; ++v) wasm_v128_store(y + c + v * kLanes<T>, finish(a[v]));
}

/// y[c] = finish(initial folded with taps[0][c], taps[1][c], …).
template <class T, class Fold, class Finish>
void fold_taps(const T* const* taps, size_t count, size_t channels, T* y, v128_t initial,
               Fold&& fold, Finish&& finish) noexcept {
  size_t c = 0;
  for (; c + 4 * kLanes<T> <= channels; c += 4 * kLanes<T>)
    fold_vectors<4>(taps, count, c, y, initial, fold, finish);
  for (; c + kLanes<T> <= channels; c += kLanes<T>)
    fold_vectors<1>(taps, count, c, y, initial, fold, finish);
  for (; c < channels; ++c) {
    v128_t a = initial;
    for (size_t t = 0; t < count; ++t) a = fold(a, load_splat(taps[t] + c));
    store_first_lane(finish(a), y + c);
  }
}

v128_t unchanged(v128_t v) noexcept {
  return v;
}

} // namespace

void f32_max_pool_simd128(const float* const* taps, size_t count, size_t channels,
                          float* y) noexcept {
  const auto larger = [](v128_t a, v128_t x) { return wasm_f32x4_pmax(a, x); };
  fold_taps(taps, count, channels, y, splat(-__builtin_inff()), larger, unchanged);
}
void u8_max_pool_simd128(const uint8_t* const* taps, size_t count, size_t channels,
                         uint8_t* y) noexcept {
  const auto larger = [](v128_t a, v128_t x) { return wasm_u8x16_max(a, x); };
  fold_taps(taps, count, channels, y, wasm_i8x16_splat(0), larger, unchanged);
}
void s8_max_pool_simd128(const int8_t* const* taps, size_t count, size_t channels,
                         int8_t* y) noexcept {
  const auto larger = [](v128_t a, v128_t x) { return wasm_i8x16_max(a, x); };
  fold_taps(taps, count, channels, y, wasm_i8x16_splat(INT8_MIN), larger, unchanged);
}
void s16_max_pool_simd128(const int16_t* const* taps, size_t count, size_t channels,
                          int16_t* y) noexcept {
  const auto larger = [](v128_t a, v128_t x) { return wasm_i16x8_max(a, x); };
  fold_taps(taps, count, channels, y, wasm_i16x8_splat(INT16_MIN), larger, unchanged);
}

void f32_average_pool_simd128(const float* const* taps, size_t count, size_t channels,
                              float divisor, float* y) noexcept {
  const v128_t terms = splat(divisor);
  const auto add = [](v128_t a, v128_t x) { return wasm_f32x4_add(a, x); };
  fold_taps(taps, count, channels, y, splat(0.0f), add,
            [terms](v128_t sum) { return wasm_f32x4_div(sum, terms); });
}

} // namespace octet::kernels

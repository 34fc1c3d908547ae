#include "kernels/compare/compare.h"
#include "kernels/dispatch.h"
#include "kernels/vectors_simd128.h"

namespace octet::kernels {
namespace {
constexpr size_t kLanes = 4;

// The sums of two neighbouring lanes.
struct PairSums {
  v128_t signal = wasm_f64x2_splat(0), candidate = signal, product = signal, noise = signal,
         largest = signal;

  void add(v128_t r, v128_t c) {
    const v128_t difference = wasm_f64x2_sub(r, c);
    signal = wasm_f64x2_add(signal, wasm_f64x2_mul(r, r));
    candidate = wasm_f64x2_add(candidate, wasm_f64x2_mul(c, c));
    product = wasm_f64x2_add(product, wasm_f64x2_mul(r, c));
    noise = wasm_f64x2_add(noise, wasm_f64x2_mul(difference, difference));
    largest = wasm_f64x2_pmax(largest, wasm_f64x2_abs(difference));
  }
};

// The largest elements of four rows so far, and where they are.
struct Tops {
  v128_t value, place = wasm_i32x4_splat(0);

  void add(v128_t x, v128_t at) {
    const v128_t larger = wasm_f32x4_gt(x, value);
    value = wasm_v128_bitselect(x, value, larger);
    place = wasm_v128_bitselect(at, place, larger);
  }
};
} // namespace

void f32_sum_differences_simd128(const float* reference, const float* candidate, size_t count,
                                 DifferenceSums& sums) noexcept {
  PairSums low, high;
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const v128_t r = wasm_v128_load(reference + i), c = wasm_v128_load(candidate + i);
    low.add(lower_doubles(r), lower_doubles(c));
    high.add(upper_doubles(r), upper_doubles(c));
  }
  sums.signal += sum_doubles(low.signal, high.signal);
  sums.candidate += sum_doubles(low.candidate, high.candidate);
  sums.product += sum_doubles(low.product, high.product);
  sums.noise += sum_doubles(low.noise, high.noise);
  const v128_t largest = wasm_f64x2_pmax(low.largest, high.largest);
  sums.largest = std::max(
      {sums.largest, wasm_f64x2_extract_lane(largest, 0), wasm_f64x2_extract_lane(largest, 1)});
  sum_differences(reference + i, candidate + i, count - i, sums);
}

size_t f32_count_same_tops_simd128(const float* reference, const float* candidate, size_t width,
                                   size_t channels) noexcept {
  size_t c = 0, same = 0;
  for (; c + kLanes <= channels; c += kLanes) {
    Tops r{.value = wasm_v128_load(reference + c)}, q{.value = wasm_v128_load(candidate + c)};
    v128_t at = wasm_i32x4_splat(0);
    for (size_t x = 1; x < width; ++x) {
      at = wasm_i32x4_add(at, wasm_i32x4_splat(1));
      r.add(wasm_v128_load(reference + x * channels + c), at);
      q.add(wasm_v128_load(candidate + x * channels + c), at);
    }
    same += static_cast<size_t>(
        __builtin_popcount(wasm_i32x4_bitmask(wasm_i32x4_eq(r.place, q.place))));
  }
  for (; c < channels; ++c)
    same += top_of(reference + c, width, channels) == top_of(candidate + c, width, channels);
  return same;
}

} // namespace octet::kernels

// The intrinsics mean the same in WebAssembly and through SIMDe, in the corners where x86
// instructions differ.
#include "kernels/simd.h"

#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <limits>

TEST_CASE("16-bit dot product wraps only in the corner of two minima") {
  constexpr int16_t min = std::numeric_limits<int16_t>::min();
  const v128_t a = wasm_i16x8_make(min, min, 1, 2, -3, 4, 0, 0);
  const v128_t b = wasm_i16x8_make(min, min, 5, 6, 7, 8, 9, 10);
  std::array<int32_t, 4> got{};
  wasm_v128_store(got.data(), wasm_i32x4_dot_i16x8(a, b));
  CHECK(got == std::array<int32_t, 4>{std::numeric_limits<int32_t>::min(), 17, 11, 0});
}

TEST_CASE("float to int conversion saturates and maps NaN to zero") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::array<int32_t, 4> got{};
  wasm_v128_store(got.data(), wasm_i32x4_trunc_sat_f32x4(wasm_f32x4_make(nan, 3e9F, -3e9F, -1.9F)));
  CHECK(got == std::array<int32_t, 4>{0, std::numeric_limits<int32_t>::max(),
                                      std::numeric_limits<int32_t>::min(), -1});
}

TEST_CASE("nearest rounds half to even") {
  std::array<float, 4> got{};
  wasm_v128_store(got.data(), wasm_f32x4_nearest(wasm_f32x4_make(0.5F, 1.5F, -2.5F, 2.4999998F)));
  CHECK(got == std::array<float, 4>{0.0F, 2.0F, -2.0F, 2.0F});
}

// Sixteen numbers at a time; the rest goes to the reference.
#include "kernels/dispatch.h"
#include "kernels/vectors_simd128.h"

namespace octet::kernels {
namespace {
constexpr size_t kNumbers = 16;

// Sums of one half of the lanes.
struct HalfSums {
  v128_t signal = wasm_f64x2_splat(0), noise = signal;
  v128_t clipped = wasm_i64x2_splat(0);

  void add(v128_t x, v128_t rounded, v128_t most) noexcept {
    const v128_t error = wasm_f64x2_sub(x, rounded);
    signal = wasm_f64x2_add(signal, wasm_f64x2_mul(x, x));
    noise = wasm_f64x2_add(noise, wasm_f64x2_mul(error, error));
    clipped = wasm_i64x2_sub(clipped, wasm_f64x2_gt(wasm_f64x2_abs(error), most));
  }
};

template <bool kByNumber>
class Rounding {
public:
  explicit Rounding(const CodeGrid& grid) noexcept
      : grid_(grid), lo_(wasm_f32x4_splat(static_cast<float>(grid.lo))),
        hi_(wasm_f32x4_splat(static_cast<float>(grid.hi))), scale_(scale_at(0)), zero_(zero_at(0)) {
  }

  // Numbers [i, i + 4); their codes' low bytes as int32.
  v128_t round(v128_t x, size_t i) noexcept {
    const v128_t scale = kByNumber ? scale_at(i) : scale_, zero = kByNumber ? zero_at(i) : zero_;
    const v128_t steps = wasm_f32x4_nearest(wasm_f32x4_div(x, scale));
    const v128_t code = wasm_f32x4_pmin(hi_, wasm_f32x4_pmax(lo_, wasm_f32x4_add(steps, zero)));
    const v128_t rounded = wasm_f32x4_mul(scale, wasm_f32x4_sub(code, zero));
    const v128_t share = wasm_f64x2_splat(kMostRoundingError);
    low_.add(lower_doubles(x), lower_doubles(rounded), wasm_f64x2_mul(share, lower_doubles(scale)));
    high_.add(upper_doubles(x), upper_doubles(rounded),
              wasm_f64x2_mul(share, upper_doubles(scale)));
    return wasm_v128_and(wasm_i32x4_trunc_sat_f32x4(code), wasm_i32x4_splat(255));
  }

  void add_to(RoundingLoss& loss) const noexcept {
    const v128_t clipped = wasm_i64x2_add(low_.clipped, high_.clipped);
    loss.signal += sum_doubles(low_.signal, high_.signal);
    loss.noise += sum_doubles(low_.noise, high_.noise);
    loss.clipped += static_cast<size_t>(wasm_i64x2_extract_lane(clipped, 0) +
                                        wasm_i64x2_extract_lane(clipped, 1));
  }

private:
  v128_t scale_at(size_t i) const noexcept {
    return kByNumber ? wasm_v128_load(grid_.scales + i) : wasm_v128_load32_splat(grid_.scales);
  }
  v128_t zero_at(size_t i) const noexcept {
    return wasm_f32x4_convert_i32x4(kByNumber ? wasm_v128_load(grid_.zero_points + i)
                                              : wasm_v128_load32_splat(grid_.zero_points));
  }

  const CodeGrid& grid_;
  v128_t lo_, hi_, scale_, zero_; // the last two for all numbers
  HalfSums low_, high_;
};

// Returns how many numbers were rounded.
template <bool kByNumber>
size_t round_vectors(const float* x, size_t n, const CodeGrid& grid, uint8_t* codes,
                     RoundingLoss& loss) noexcept {
  Rounding<kByNumber> rounding(grid);
  size_t i = 0;
  for (; i + kNumbers <= n; i += kNumbers) {
    v128_t fours[4];
    for (size_t j = 0; j < 4; ++j)
      fours[j] = rounding.round(wasm_v128_load(x + i + 4 * j), i + 4 * j);
    wasm_v128_store(codes + i,
                    wasm_u8x16_narrow_i16x8(wasm_u16x8_narrow_i32x4(fours[0], fours[1]),
                                            wasm_u16x8_narrow_i32x4(fours[2], fours[3])));
  }
  rounding.add_to(loss);
  return i;
}
} // namespace

void f32_round_to_codes_simd128(const float* x, size_t n, const CodeGrid& grid, uint8_t* codes,
                                RoundingLoss& loss) noexcept {
  if (n < kNumbers) return f32_round_to_codes_reference(x, n, grid, codes, loss);
  const auto round = grid.by_number ? round_vectors<true> : round_vectors<false>;
  const size_t done = round(x, n, grid, codes, loss);
  CodeGrid rest = grid;
  if (grid.by_number) {
    rest.scales += done;
    rest.zero_points += done;
  }
  f32_round_to_codes_reference(x + done, n - done, rest, codes + done, loss);
}

} // namespace octet::kernels

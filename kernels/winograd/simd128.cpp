#include "kernels/dispatch.h"
#include "kernels/gemm_f32/tile_simd128.h"

namespace octet::kernels {
namespace {

struct Int16Lanes {
  using Element = int16_t;
  using Line = WinogradLine<int16_t>;
  static v128_t add(v128_t a, v128_t b) noexcept { return wasm_i16x8_add(a, b); }
  static v128_t subtract(v128_t a, v128_t b) noexcept { return wasm_i16x8_sub(a, b); }
  static v128_t multiply(Element a, v128_t b) noexcept {
    return wasm_i16x8_mul(wasm_i16x8_splat(a), b);
  }
};
struct Int32Lanes {
  using Element = int32_t;
  using Line = WinogradLine<int16_t>;
  static v128_t add(v128_t a, v128_t b) noexcept { return wasm_i32x4_add(a, b); }
  static v128_t subtract(v128_t a, v128_t b) noexcept { return wasm_i32x4_sub(a, b); }
  static v128_t multiply(Element a, v128_t b) noexcept {
    return wasm_i32x4_mul(wasm_i32x4_splat(a), b);
  }
};
struct FloatLanes {
  using Element = float;
  using Line = WinogradLine<float>;
  static v128_t add(v128_t a, v128_t b) noexcept { return wasm_f32x4_add(a, b); }
  static v128_t subtract(v128_t a, v128_t b) noexcept { return wasm_f32x4_sub(a, b); }
  static v128_t multiply(Element a, v128_t b) noexcept {
    return wasm_f32x4_mul(wasm_f32x4_splat(a), b);
  }
};

/// 2 · G of three taps.
template <class Lanes>
[[clang::always_inline]] inline void transform_taps(v128_t first, v128_t middle, v128_t last,
                                                    v128_t (&u)[4]) noexcept {
  const v128_t ends = Lanes::add(first, last);
  u[0] = Lanes::add(first, first);
  u[1] = Lanes::add(ends, middle);
  u[2] = Lanes::subtract(ends, middle);
  u[3] = Lanes::add(last, last);
}

/// 4 · G g Gᵀ of a vector of kernels; tap(i) loads their tap i.
template <class Lanes, class Tap>
[[clang::always_inline]] inline void transform_kernels(const Tap& tap, typename Lanes::Element* to,
                                                       size_t step) noexcept {
  v128_t half[3][4];
  for (size_t column = 0; column < 3; ++column)
    transform_taps<Lanes>(tap(column), tap(column + 3), tap(column + 6), half[column]);
  for (size_t row = 0; row < 4; ++row) {
    v128_t u[4];
    transform_taps<Lanes>(half[0][row], half[1][row], half[2][row], u);
    for (const v128_t& vector : u) {
      wasm_v128_store(to, vector);
      to += step;
    }
  }
}

/// Stores the sum of two vectors, and one step further their difference.
template <class Lanes>
void store_pair(v128_t even, v128_t odd, typename Lanes::Element* to, size_t step) noexcept {
  wasm_v128_store(to, Lanes::add(even, odd));
  wasm_v128_store(to + step, Lanes::subtract(even, odd));
}

/// G g of a vector of kernels with three taps, times 24 of whole numbers.
template <class Lanes, class Tap>
[[clang::always_inline]] inline void transform_lines(const Tap& tap, typename Lanes::Element* to,
                                                     size_t step) noexcept {
  using Line = typename Lanes::Line;
  const v128_t first = tap(0), middle = Lanes::multiply(Line::kPoint, tap(1)), last = tap(2);
  const v128_t square = Lanes::multiply(Line::kSquare, last);
  wasm_v128_store(to, Lanes::multiply(Line::kFirst, first));
  store_pair<Lanes>(Lanes::multiply(Line::kSmall, Lanes::add(first, square)),
                    Lanes::multiply(Line::kSmall, middle), to + step, step);
  store_pair<Lanes>(Lanes::multiply(Line::kLarge, Lanes::add(first, Lanes::multiply(4, square))),
                    Lanes::multiply(2 * Line::kLarge, middle), to + 3 * step, step);
  wasm_v128_store(to + 5 * step, Lanes::multiply(Line::kLast, last));
}

/// Bᵀ along a row of four positions.
template <class Lanes>
void store_row(const v128_t (&d)[4], typename Lanes::Element* to, size_t step) noexcept {
  wasm_v128_store(to, Lanes::subtract(d[0], d[2]));
  wasm_v128_store(to + step, Lanes::add(d[1], d[2]));
  wasm_v128_store(to + 2 * step, Lanes::subtract(d[2], d[1]));
  wasm_v128_store(to + 3 * step, Lanes::subtract(d[1], d[3]));
}

/// Calls visit(first channel) for vectors that cover all channels.
template <class T, class Visit>
void for_each_vector(size_t channels, Visit&& visit) noexcept {
  constexpr size_t kWidth = 16 / sizeof(T);
  for (size_t c = 0; c + kWidth < channels; c += kWidth) visit(c);
  visit(channels - kWidth);
}

/// A row of positions that is the sum or difference of two rows of pixels.
template <class Lanes, bool kAdds>
void transform_rows(const WinogradInput<typename Lanes::Element>& tile, size_t position,
                    size_t first, size_t second) noexcept {
  using T = typename Lanes::Element;
  const T* const* a = tile.pixels + 4 * first;
  const T* const* b = tile.pixels + 4 * second;
  const T *a0 = a[0], *a1 = a[1], *a2 = a[2], *a3 = a[3];
  const T *b0 = b[0], *b1 = b[1], *b2 = b[2], *b3 = b[3];
  T* to = tile.to + 4 * position * tile.position_step;
  const auto combine = [](const T* x, const T* y) {
    const v128_t left = wasm_v128_load(x), right = wasm_v128_load(y);
    return kAdds ? Lanes::add(left, right) : Lanes::subtract(left, right);
  };
  for_each_vector<T>(tile.channels, [&](size_t c) {
    const v128_t d[4] = {combine(a0 + c, b0 + c), combine(a1 + c, b1 + c), combine(a2 + c, b2 + c),
                         combine(a3 + c, b3 + c)};
    store_row<Lanes>(d, to + c, tile.position_step);
  });
}

/// Bᵀ d of a line.
template <class Lanes>
void transform_line(const WinogradInput<typename Lanes::Element>& tile) noexcept {
  using T = typename Lanes::Element;
  using Line = typename Lanes::Line;
  const T* const* x = tile.pixels;
  const T *x0 = x[0], *x1 = x[1], *x2 = x[2], *x3 = x[3], *x4 = x[4], *x5 = x[5];
  const size_t step = tile.position_step;
  const auto end = [](v128_t a, v128_t b, v128_t c) {
    const v128_t sum = Lanes::add(Lanes::multiply(4 * Line::kSquare * Line::kSquare, a), c);
    return Lanes::subtract(sum, Lanes::multiply(5 * Line::kSquare, b));
  };
  for_each_vector<T>(tile.channels, [&](size_t c) {
    const v128_t d1 = wasm_v128_load(x1 + c), d2 = wasm_v128_load(x2 + c);
    const v128_t d3 = wasm_v128_load(x3 + c), d4 = wasm_v128_load(x4 + c);
    const v128_t s1 = Lanes::multiply(Line::kSquare, d1), s2 = Lanes::multiply(Line::kSquare, d2);
    const v128_t small_odd = Lanes::subtract(d3, Lanes::multiply(4, s1));
    const v128_t large_odd = Lanes::subtract(d3, s1);
    T* const to = tile.to + c;
    wasm_v128_store(to, end(wasm_v128_load(x0 + c), d2, d4));
    store_pair<Lanes>(Lanes::subtract(d4, Lanes::multiply(4, s2)),
                      Lanes::multiply(Line::kPoint, small_odd), to + step, step);
    store_pair<Lanes>(Lanes::subtract(d4, s2), Lanes::multiply(2 * Line::kPoint, large_odd),
                      to + 3 * step, step);
    wasm_v128_store(to + 5 * step, end(d1, d3, wasm_v128_load(x5 + c)));
  });
}

template <class Lanes>
void transform_tile(const WinogradInput<typename Lanes::Element>& tile) noexcept {
  if (tile.is_line) return transform_line<Lanes>(tile);
  transform_rows<Lanes, false>(tile, 0, 0, 2);
  transform_rows<Lanes, true>(tile, 1, 1, 2);
  transform_rows<Lanes, false>(tile, 2, 2, 1);
  transform_rows<Lanes, false>(tile, 3, 1, 3);
}

template <class Lanes>
v128_t first_of(v128_t m0, v128_t m1, v128_t m2) noexcept {
  return Lanes::add(Lanes::add(m0, m1), m2);
}
template <class Lanes>
v128_t second_of(v128_t m1, v128_t m2, v128_t m3) noexcept {
  return Lanes::subtract(Lanes::subtract(m1, m2), m3);
}

/// Aᵀ m A for four columns.
template <class Lanes>
[[clang::always_inline]] inline void sum_plane(const typename Lanes::Element* m, size_t step,
                                               v128_t (&y)[4]) noexcept {
  v128_t top[4], bottom[4];
  for (size_t column = 0; column < 4; ++column, m += step) {
    const v128_t m1 = wasm_v128_load(m + 4 * step), m2 = wasm_v128_load(m + 8 * step);
    top[column] = first_of<Lanes>(wasm_v128_load(m), m1, m2);
    bottom[column] = second_of<Lanes>(m1, m2, wasm_v128_load(m + 12 * step));
  }
  y[0] = first_of<Lanes>(top[0], top[1], top[2]);
  y[1] = second_of<Lanes>(top[1], top[2], top[3]);
  y[2] = first_of<Lanes>(bottom[0], bottom[1], bottom[2]);
  y[3] = second_of<Lanes>(bottom[1], bottom[2], bottom[3]);
}

/// Aᵀ m of a line for four columns.
template <class Lanes>
[[clang::always_inline]] inline void sum_line(const typename Lanes::Element* m, size_t step,
                                              v128_t (&y)[4]) noexcept {
  using Line = typename Lanes::Line;
  const v128_t m1 = wasm_v128_load(m + step), m2 = wasm_v128_load(m + 2 * step);
  const v128_t m3 = wasm_v128_load(m + 3 * step), m4 = wasm_v128_load(m + 4 * step);
  const v128_t small = Lanes::add(m1, m2), small_odd = Lanes::subtract(m1, m2);
  const v128_t large = Lanes::add(m3, m4), large_odd = Lanes::subtract(m3, m4);
  const auto weighted = [](typename Lanes::Element factor, v128_t a, int power, v128_t b) {
    return Lanes::multiply(factor, Lanes::add(a, Lanes::multiply(power, b)));
  };
  y[0] = first_of<Lanes>(wasm_v128_load(m), small, large);
  y[1] = weighted(Line::kPoint, small_odd, 2, large_odd);
  y[2] = weighted(Line::kSquare, small, 4, large);
  y[3] = Lanes::add(weighted(Line::kPoint * Line::kSquare, small_odd, 8, large_odd),
                    wasm_v128_load(m + 5 * step));
}

/// The sums of eight columns of the four pixels.
template <class Lanes, class Tile>
[[clang::always_inline]] inline void sum_columns(const Tile& tile, const typename Lanes::Element* m,
                                                 V8 (&acc)[4]) noexcept {
  v128_t lo[4], hi[4];
  if (tile.is_line) {
    sum_line<Lanes>(m, tile.position_step, lo);
    sum_line<Lanes>(m + 4, tile.position_step, hi);
  } else {
    sum_plane<Lanes>(m, tile.position_step, lo);
    sum_plane<Lanes>(m + 4, tile.position_step, hi);
  }
  for (size_t p = 0; p < 4; ++p) acc[p] = {lo[p], hi[p]};
}

/// Sums that are 4 times the result, of lines 24 times, of which a multiplication takes the 3: with
/// its inverse modulo 2^32.
[[clang::always_inline]] inline v128_t unscaled(bool is_line, v128_t sum) noexcept {
  if (!is_line) return wasm_i32x4_shr(sum, 2);
  return wasm_i32x4_shr(wasm_i32x4_mul(sum, wasm_i32x4_splat(kInverseOfThree)), 3);
}

template <QOutput kOutput>
void finish_tile(const QWinogradOutput& tile) noexcept {
  const OutputStep<kOutput> output(*tile.params);
  const int32_t* m = tile.sums;
  for (size_t n = tile.column_begin; n < tile.column_end; n += kPanelWidth, m += kPanelWidth) {
    V8 acc[4];
    sum_columns<Int32Lanes>(tile, m, acc);
    for (V8& row : acc) row = {unscaled(tile.is_line, row.lo), unscaled(tile.is_line, row.hi)};
    output.store(acc, nullptr, n, tile.column_end, tile.y);
  }
}

} // namespace

void qc8w_winograd_weights_simd128(const QWinogradWeights& panel) noexcept {
  const size_t apart = panel.tap_elements;
  v128_t zeros[2] = {wasm_i16x8_splat(0), wasm_i16x8_splat(0)};
  for (size_t half = 0; panel.zero && half < 2; ++half) {
    const v128_t columns = wasm_v128_load(panel.zero + 4 * half);
    zeros[half] =
        wasm_v128_or(wasm_v128_and(columns, wasm_i32x4_splat(0xFFFF)), wasm_i32x4_shl(columns, 16));
  }
  for (size_t i = 0; i < apart; i += 16)
    for (size_t half = 0; half < 2; ++half) {
      const int8_t* taps = panel.panel + i + 8 * half;
      int16_t* const to = panel.to + i + 8 * half;
      const auto tap = [&](size_t t) {
        return wasm_i16x8_sub(wasm_i16x8_load8x8(taps + t * apart), zeros[half]);
      };
      if (panel.is_line)
        transform_lines<Int16Lanes>(tap, to, panel.position_step);
      else
        transform_kernels<Int16Lanes>(tap, to, panel.position_step);
    }
}
void f32_winograd_weights_simd128(const FWinogradWeights& panel) noexcept {
  const size_t apart = panel.tap_elements;
  for (size_t i = 0; i < apart; i += 4) {
    const auto tap = [&](size_t t) { return wasm_v128_load(panel.panel + i + t * apart); };
    const auto quarter = [&](size_t t) { return FloatLanes::multiply(0.25f, tap(t)); };
    if (panel.is_line)
      transform_lines<FloatLanes>(tap, panel.to + i, panel.position_step);
    else
      transform_kernels<FloatLanes>(quarter, panel.to + i, panel.position_step);
  }
}

void qs16_winograd_input_simd128(const WinogradInput<int16_t>& tile) noexcept {
  transform_tile<Int16Lanes>(tile);
}
void f32_winograd_input_simd128(const WinogradInput<float>& tile) noexcept {
  transform_tile<FloatLanes>(tile);
}

void qs32_winograd_i32_simd128(const QWinogradOutput& tile) noexcept {
  finish_tile<QOutput::i32>(tile);
}
void qs32_winograd_f32_simd128(const QWinogradOutput& tile) noexcept {
  finish_tile<QOutput::f32>(tile);
}
void qs32_winograd_u8_simd128(const QWinogradOutput& tile) noexcept {
  finish_tile<QOutput::u8>(tile);
}
void qs32_winograd_s8_simd128(const QWinogradOutput& tile) noexcept {
  finish_tile<QOutput::s8>(tile);
}
void qs32_winograd_s16_simd128(const QWinogradOutput& tile) noexcept {
  finish_tile<QOutput::s16>(tile);
}

void f32_winograd_output_simd128(const FWinogradOutput& tile) noexcept {
  const FOutputStep output({.column_end = tile.column_end, .params = tile.params});
  const float* m = tile.sums;
  for (size_t n = tile.column_begin; n < tile.column_end; n += kFPanelWidth, m += kFPanelWidth) {
    V8 acc[4];
    sum_columns<FloatLanes>(tile, m, acc);
    output.store(acc, n, tile.y);
  }
}

} // namespace octet::kernels

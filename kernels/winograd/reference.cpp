#include <algorithm>

#include "kernels/dispatch.h"
#include "kernels/qgemm/output_reference.h"

namespace octet::kernels {
namespace {

/// 2 · G of three taps that are `step` apart, to four numbers as far apart.
template <class T>
void transform_taps(const T* g, T* u, size_t step) noexcept {
  const T ends = g[0] + g[2 * step], middle = g[step];
  u[0] = 2 * g[0];
  u[step] = ends + middle;
  u[2 * step] = ends - middle;
  u[3 * step] = 2 * g[2 * step];
}

template <class T, class Panel>
void store_positions(const Panel& panel, size_t i, const T* u, size_t count) noexcept {
  for (size_t p = 0; p < count; ++p)
    panel.to[p * panel.position_step + i] =
        static_cast<std::remove_pointer_t<decltype(panel.to)>>(u[p]);
}

/// 4 · G g Gᵀ of the kernel at index i of a panel; tap(i) reads one of its taps.
template <class T, class Panel, class Tap>
void transform_kernel(const Panel& panel, size_t i, const Tap& tap) noexcept {
  T taps[kWinogradTaps], half[12], u[kWinogradPositions];
  for (size_t t = 0; t < kWinogradTaps; ++t) taps[t] = tap(t * panel.tap_elements + i);
  for (size_t column = 0; column < 3; ++column) transform_taps(taps + column, half + column, 3);
  for (size_t row = 0; row < 4; ++row) transform_taps(half + 3 * row, u + 4 * row, 1);
  store_positions(panel, i, u, kWinogradPositions);
}

/// G g of the line at index i of a panel, times 24 of whole numbers.
template <class T, class Line, class Panel, class Tap>
void transform_line(const Panel& panel, size_t i, const Tap& tap) noexcept {
  const size_t apart = panel.tap_elements;
  const T first = tap(i), middle = Line::kPoint * tap(apart + i), last = tap(2 * apart + i);
  const T small = Line::kSmall * (first + Line::kSquare * last);
  const T large = Line::kLarge * (first + 4 * Line::kSquare * last);
  const T small_odd = Line::kSmall * middle, large_odd = 2 * Line::kLarge * middle;
  const T u[kWinogradLinePositions] = {Line::kFirst * first, small + small_odd, small - small_odd,
                                       large + large_odd,    large - large_odd, Line::kLast * last};
  store_positions(panel, i, u, kWinogradLinePositions);
}

/// Bᵀ of four numbers that are `step` apart, in place.
template <class T>
void transform_input(T* d, size_t step) noexcept {
  const T d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step];
  d[0] = static_cast<T>(d0 - d2);
  d[step] = static_cast<T>(d1 + d2);
  d[2 * step] = static_cast<T>(d2 - d1);
  d[3 * step] = static_cast<T>(d1 - d3);
}

/// Bᵀ d of a line.
template <class T>
void transform_line(const WinogradInput<T>& tile) noexcept {
  using Line = WinogradLine<T>;
  constexpr auto kQuartic = 4 * Line::kSquare * Line::kSquare;
  for (size_t c = 0; c < tile.channels; ++c) {
    T d[kWinogradLinePositions];
    for (size_t p = 0; p < kWinogradLinePositions; ++p) d[p] = tile.pixels[p][c];
    const auto small = d[4] - 4 * Line::kSquare * d[2], large = d[4] - Line::kSquare * d[2];
    const auto small_odd = Line::kPoint * (d[3] - 4 * Line::kSquare * d[1]);
    const auto large_odd = 2 * Line::kPoint * (d[3] - Line::kSquare * d[1]);
    const decltype(kQuartic * d[0]) v[] = {kQuartic * d[0] + d[4] - 5 * Line::kSquare * d[2],
                                           small + small_odd,
                                           small - small_odd,
                                           large + large_odd,
                                           large - large_odd,
                                           kQuartic * d[1] + d[5] - 5 * Line::kSquare * d[3]};
    for (size_t p = 0; p < kWinogradLinePositions; ++p)
      tile.to[p * tile.position_step + c] = static_cast<T>(v[p]);
  }
}

template <class T>
void transform_tile(const WinogradInput<T>& tile) noexcept {
  if (tile.is_line) return transform_line(tile);
  for (size_t c = 0; c < tile.channels; ++c) {
    T d[kWinogradPositions];
    for (size_t p = 0; p < kWinogradPositions; ++p) d[p] = tile.pixels[p][c];
    for (size_t column = 0; column < 4; ++column) transform_input(d + column, 4);
    for (size_t row = 0; row < 4; ++row) transform_input(d + 4 * row, 1);
    for (size_t p = 0; p < kWinogradPositions; ++p) tile.to[p * tile.position_step + c] = d[p];
  }
}

int32_t add(int32_t a, int32_t b) noexcept {
  return wrap_add(a, b);
}
int32_t subtract(int32_t a, int32_t b) noexcept {
  return static_cast<int32_t>(static_cast<uint32_t>(a) - static_cast<uint32_t>(b));
}
float add(float a, float b) noexcept {
  return a + b;
}
float subtract(float a, float b) noexcept {
  return a - b;
}
int32_t multiply(int32_t a, int32_t b) noexcept {
  return wrap_mul(a, b);
}
float multiply(float a, float b) noexcept {
  return a * b;
}

/// Aᵀ of four numbers that are `step` apart: two numbers.
template <class T>
void transform_output(const T* m, size_t step, T* y, size_t y_step) noexcept {
  y[0] = add(add(m[0], m[step]), m[2 * step]);
  y[y_step] = subtract(subtract(m[step], m[2 * step]), m[3 * step]);
}

/// Aᵀ m of a line.
template <class T, class Line>
void sum_line(const T* sums, size_t step, T (&y)[4]) noexcept {
  T m[kWinogradLinePositions];
  for (size_t p = 0; p < kWinogradLinePositions; ++p) m[p] = sums[p * step];
  const T small = add(m[1], m[2]), small_odd = subtract(m[1], m[2]);
  const T large = add(m[3], m[4]), large_odd = subtract(m[3], m[4]);
  y[0] = add(add(m[0], small), large);
  constexpr T kPoint = Line::kPoint, kSquare = Line::kSquare, kCube = kPoint * kSquare;
  y[1] = multiply(kPoint, add(small_odd, multiply(T{2}, large_odd)));
  y[2] = multiply(kSquare, add(small, multiply(T{4}, large)));
  y[3] = multiply(kCube, add(small_odd, multiply(T{8}, large_odd)));
  y[3] = add(y[3], m[5]);
}

/// The sums of the four pixels in column n, counted from the first that is there.
template <class T, class Tile>
void sum_column(const Tile& tile, size_t n, T (&y)[4]) noexcept {
  using Line = WinogradLine<std::conditional_t<std::is_same_v<T, float>, float, int16_t>>;
  if (tile.is_line) return sum_line<T, Line>(tile.sums + n, tile.position_step, y);
  T m[kWinogradPositions], rows[8];
  for (size_t p = 0; p < kWinogradPositions; ++p) m[p] = tile.sums[p * tile.position_step + n];
  for (size_t column = 0; column < 4; ++column) transform_output(m + column, 4, rows + column, 4);
  for (size_t row = 0; row < 2; ++row) transform_output(rows + 4 * row, 1, y + 2 * row, 1);
}

/// Takes the 4 from a sum, or the 24 of a line.
int32_t unscaled(bool is_line, int32_t sum) noexcept {
  return is_line ? wrap_mul(sum, kInverseOfThree) >> 3 : sum >> 2;
}

template <QOutput kOutput>
void finish_tile(const QWinogradOutput& tile) noexcept {
  for (size_t n = tile.column_begin; n < tile.column_end; ++n) {
    int32_t sums[4];
    sum_column(tile, n - tile.column_begin, sums);
    for (size_t p = 0; p < 4; ++p)
      store_output_reference<kOutput>(unscaled(tile.is_line, sums[p]), 0, n, *tile.params,
                                      tile.y[p]);
  }
}

} // namespace

void qc8w_winograd_weights_reference(const QWinogradWeights& panel) noexcept {
  for (size_t i = 0; i < panel.tap_elements; ++i) {
    const int32_t zero = panel.zero ? panel.zero[i / 2 % kPanelWidth] : 0;
    const auto tap = [&](size_t at) { return panel.panel[at] - zero; };
    if (panel.is_line)
      transform_line<int32_t, WinogradLine<int16_t>>(panel, i, tap);
    else
      transform_kernel<int32_t>(panel, i, tap);
  }
}
void f32_winograd_weights_reference(const FWinogradWeights& panel) noexcept {
  for (size_t i = 0; i < panel.tap_elements; ++i)
    if (panel.is_line)
      transform_line<float, WinogradLine<float>>(panel, i,
                                                 [&](size_t at) { return panel.panel[at]; });
    else
      transform_kernel<float>(panel, i, [&](size_t at) { return 0.25f * panel.panel[at]; });
}

void qs16_winograd_input_reference(const WinogradInput<int16_t>& tile) noexcept {
  transform_tile(tile);
}
void f32_winograd_input_reference(const WinogradInput<float>& tile) noexcept {
  transform_tile(tile);
}

void qs32_winograd_i32_reference(const QWinogradOutput& tile) noexcept {
  finish_tile<QOutput::i32>(tile);
}
void qs32_winograd_f32_reference(const QWinogradOutput& tile) noexcept {
  finish_tile<QOutput::f32>(tile);
}
void qs32_winograd_u8_reference(const QWinogradOutput& tile) noexcept {
  finish_tile<QOutput::u8>(tile);
}
void qs32_winograd_s8_reference(const QWinogradOutput& tile) noexcept {
  finish_tile<QOutput::s8>(tile);
}
void qs32_winograd_s16_reference(const QWinogradOutput& tile) noexcept {
  finish_tile<QOutput::s16>(tile);
}

void f32_winograd_output_reference(const FWinogradOutput& tile) noexcept {
  for (size_t n = tile.column_begin; n < tile.column_end; ++n) {
    float sums[4];
    sum_column(tile, n - tile.column_begin, sums);
    for (size_t p = 0; p < 4; ++p) {
      const float sum = tile.params.bias ? sums[p] + tile.params.bias[n] : sums[p];
      tile.y[p][n] = std::min(std::max(sum, tile.params.lo), tile.params.hi);
    }
  }
}

} // namespace octet::kernels

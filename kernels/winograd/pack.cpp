#include <algorithm>

#include "kernels/winograd/geometry.h"
#include "kernels/winograd/winograd.h"

namespace octet::kernels {
namespace {

/// Where the weight of index k and column n lies in the panels of one position.
struct IntegerPanels {
  static size_t place(size_t k, size_t n) noexcept {
    return k / 2 * 2 * kPanelWidth + n * 2 + k % 2;
  }
};
struct FloatPanels {
  static size_t place(size_t k, size_t n) noexcept { return k * kFPanelWidth + n; }
};

static_assert(kPanelWidth == kFPanelWidth);

/// One tap, or one position, of all the columns of a panel.
template <class T>
using Lanes = T[kPanelWidth];

/// 2 · G of three taps that are `step` apart.
template <class T>
void transform_taps(const Lanes<T>* g, Lanes<T>* u, size_t step) noexcept {
  for (size_t n = 0; n < kPanelWidth; ++n) {
    const T first = g[0][n], middle = g[step][n], last = g[2 * step][n];
    u[0][n] = 2 * first;
    u[step][n] = first + last + middle;
    u[2 * step][n] = first + last - middle;
    u[3 * step][n] = 2 * last;
  }
}

/// 4 · G g Gᵀ.
template <class T>
void transform_kernel(const Lanes<T>* taps, Lanes<T>* out) noexcept {
  Lanes<T> half[12];
  for (size_t column = 0; column < 3; ++column) transform_taps(taps + column, half + column, 3);
  for (size_t row = 0; row < 4; ++row) transform_taps(half + 3 * row, out + 4 * row, 1);
}

size_t panel_count(const ConvShape& shape) noexcept {
  return (shape.out_channels + kPanelWidth - 1) / kPanelWidth;
}

/// Packs panel after panel; read(n, index) gives a weight of output channel n, index counting its
/// [in_channels, 3, 3].
template <class T, class Panels, class Packed, class Read>
void pack_panels(const ConvShape& shape, T factor, Packed* packed, const Read& read) noexcept {
  const size_t panel = shape.in_channels * kPanelWidth;
  const size_t position = panel_count(shape) * panel;
  Lanes<T> taps[9] = {}, out[kWinogradPositions];
  for (size_t first = 0; first < shape.out_channels; first += kPanelWidth, packed += panel)
    for (size_t c = 0; c < shape.in_channels; ++c) {
      for (size_t n = 0; n < kPanelWidth; ++n)
        for (size_t tap = 0; tap < 9; ++tap)
          taps[tap][n] = first + n < shape.out_channels ? read(first + n, c * 9 + tap) : T{0};
      transform_kernel(taps, out);
      for (size_t p = 0; p < kWinogradPositions; ++p)
        for (size_t n = 0; n < kPanelWidth; ++n)
          packed[p * position + Panels::place(c, n)] = static_cast<Packed>(factor * out[p][n]);
    }
}

size_t packed_elements(const ConvShape& shape) noexcept {
  return kWinogradPositions * panel_count(shape) * shape.in_channels * kPanelWidth;
}

} // namespace

bool winograd_pays(const ConvShape& s) noexcept {
  constexpr size_t kLeastInputs = 32, kLeastOutputs = 24, kLeastTiles = 24, kMostInputs = 912;
  static_assert(kMostInputs * 9 * 255 * 255 * 4 < INT32_MAX);
  return s.kernel_h == 3 && s.kernel_w == 3 && s.stride_h == 1 && s.stride_w == 1 &&
         s.dilation_h == 1 && s.dilation_w == 1 && s.groups == 1 && s.in_channels % 2 == 0 &&
         s.in_channels >= kLeastInputs && s.in_channels <= kMostInputs &&
         s.out_channels >= kLeastOutputs && WinogradTiles(s).per_image() >= kLeastTiles;
}

size_t packed_qwinograd_bytes(const ConvShape& shape) noexcept {
  return packed_elements(shape) * sizeof(int16_t);
}

void pack_qwinograd_weights(const ConvShape& shape, const void* weights, bool is_unsigned,
                            const void* zero_point, bool per_channel, void* packed) noexcept {
  const auto value = [=](const void* data, size_t index) -> int32_t {
    return is_unsigned ? static_cast<const uint8_t*>(data)[index]
                       : static_cast<const int8_t*>(data)[index];
  };
  const size_t row = shape.in_channels * 9;
  pack_panels<int32_t, IntegerPanels>(
      shape, 1, static_cast<int16_t*>(packed), [&](size_t n, size_t index) {
        const int32_t zero = zero_point ? value(zero_point, per_channel ? n : 0) : 0;
        return value(weights, n * row + index) - zero;
      });
}

size_t packed_winograd_f32_elements(const ConvShape& shape) noexcept {
  return packed_elements(shape);
}

void pack_winograd_f32_weights(const ConvShape& shape, const float* weights,
                               float* packed) noexcept {
  const size_t row = shape.in_channels * 9;
  pack_panels<float, FloatPanels>(shape, 0.25f, packed,
                                  [&](size_t n, size_t index) { return weights[n * row + index]; });
}

} // namespace octet::kernels

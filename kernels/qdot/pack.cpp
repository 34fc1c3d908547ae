#include "kernels/qdot/pack.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "kernels/qdot/panel.h"

namespace octet::kernels {
namespace {

/// Weights as panels hold them, `count` from an index on, k after k.
void load_stored(const QWeights& w, ptrdiff_t index, size_t count, int8_t* to) noexcept {
  const auto* from = static_cast<const uint8_t*>(w.data) + index;
  const auto offset = static_cast<uint8_t>(w.is_unsigned ? dot_weight_offset() : 0);
  const auto stored = [offset](uint8_t code) { return static_cast<int8_t>(code - offset); };
  if (w.k_stride == 1)
    for (size_t i = 0; i < count; ++i) to[i] = stored(from[i]);
  else
    for (size_t i = 0; i < count; ++i) to[i] = stored(from[static_cast<ptrdiff_t>(i) * w.k_stride]);
}

/// Writes `count` weights of a column from its k on; those of whole groups at a time.
void store_in_groups(const int8_t* from, size_t k, size_t count, int8_t* packed) noexcept {
  size_t i = 0;
  const auto place = [&] { return packed + (k + i) / kGroupCodes * kGroupBytes; };
  if (k % kGroupCodes == 0)
    for (; i + kGroupCodes <= count; i += kGroupCodes) std::memcpy(place(), from + i, kGroupCodes);
  for (; i < count; ++i) place()[(k + i) % kGroupCodes] = from[i];
}

/// Returns the sum of the weights.
int32_t pack_column(const QWeights& w, ptrdiff_t start, int8_t* packed) noexcept {
  constexpr size_t kPiece = 256;
  int8_t piece[kPiece];
  int32_t sum = 0;
  for (size_t r = 0; r < w.run; ++r)
    for (size_t c = 0; c < w.k; c += kPiece) {
      const size_t count = std::min(kPiece, w.k - c);
      load_stored(w,
                  start + static_cast<ptrdiff_t>(r) * w.run_stride +
                      static_cast<ptrdiff_t>(c) * w.k_stride,
                  count, piece);
      store_in_groups(piece, r * w.k + c, count, packed);
      sum = std::accumulate(piece, piece + count, sum);
    }
  return sum;
}

/// Whether the weights of a step are bounded as panel.h says.
bool is_bounded(const int8_t* groups) noexcept {
  int16_t positive[kGroupBytes], negative[kGroupBytes];
  for (size_t i = 0; i < kGroupBytes; ++i) {
    const int16_t first = groups[i], second = groups[kGroupBytes + i];
    positive[i] = std::max<int16_t>(first, 0) + std::max<int16_t>(second, 0);
    negative[i] = std::min<int16_t>(first, 0) + std::min<int16_t>(second, 0);
  }
  int16_t most = 0, least = 0;
  for (size_t i = 0; i < kGroupBytes; i += 2) {
    most = std::max<int16_t>(most, positive[i] + positive[i + 1]);
    least = std::min<int16_t>(least, negative[i] + negative[i + 1]);
  }
  return most <= 2 * kMostPairWeight && least >= -2 * kMostPairWeight;
}

/// Writes the list of panel.h behind the groups.
void list_unbounded(const TwoStepPanel& shape, int8_t* panel) noexcept {
  int8_t* list = panel + shape.group_bytes();
  const auto write = [list](size_t i, uint32_t number) {
    std::memcpy(list + i * sizeof number, &number, sizeof number);
  };
  if (shape.steps() < TwoStepPanel::kLeastSteps) return write(0, TwoStepPanel::kUnbounded);
  size_t count = 0;
  for (size_t t = 0; t < shape.taps; ++t)
    for (size_t s = 0; s < shape.tap_steps(); ++s) {
      if (is_bounded(panel + t * dot_tap_bytes(shape.k) + s * kStepBytes)) continue;
      if (count == shape.most_unbounded()) return write(0, TwoStepPanel::kUnbounded);
      write(count++, static_cast<uint32_t>(t * shape.tap_steps() + s));
    }
  write(count, TwoStepPanel::kEnd);
}

} // namespace

size_t packed_dot_panel_bytes(size_t taps, size_t k) noexcept {
  if (byte_dot_steps() == ByteDotSteps::two) return TwoStepPanel{taps, k}.bytes();
  return taps * dot_tap_bytes(k);
}

size_t packed_dot_weight_bytes(size_t n, size_t taps, size_t k) noexcept {
  return (n + kPanelWidth - 1) / kPanelWidth * packed_dot_panel_bytes(taps, k);
}

int32_t dot_weight_offset() noexcept {
  return byte_dot_steps() == ByteDotSteps::two ? kMostPairWeight : 128;
}

bool dot_takes(const void* weights, size_t n, bool is_unsigned) noexcept {
  if (byte_dot_steps() == ByteDotSteps::one) return true;
  constexpr size_t kPiece = 4096; // that is looked through whole, by vectors
  const auto shift = static_cast<uint8_t>(is_unsigned ? 0 : kMostPairWeight);
  const auto* codes = static_cast<const uint8_t*>(weights);
  for (size_t begin = 0; begin < n; begin += kPiece) {
    uint8_t most = 0;
    for (size_t i = begin, end = std::min(n, begin + kPiece); i < end; ++i)
      most = std::max(most, static_cast<uint8_t>(codes[i] + shift));
    if (most > 2 * kMostPairWeight) return false;
  }
  return true;
}

void pack_dot_weights(const QWeights& w, int8_t* packed, int32_t* sums) noexcept {
  const size_t pairs = w.run * w.k / 2;
  std::fill_n(packed, packed_dot_weight_bytes(w.n, w.taps, pairs), int8_t{0});
  const size_t panel_bytes = packed_dot_panel_bytes(w.taps, pairs);
  for (size_t n = 0; n < w.n; ++n) {
    int8_t* column = packed + n / kPanelWidth * panel_bytes + n % kPanelWidth * kGroupCodes;
    sums[n] = 0;
    for (size_t t = 0; t < w.taps; ++t)
      sums[n] += pack_column(
          w, static_cast<ptrdiff_t>(n) * w.n_stride + static_cast<ptrdiff_t>(t) * w.tap_stride,
          column + t * dot_tap_bytes(pairs));
  }
  if (byte_dot_steps() != ByteDotSteps::two) return;
  for (size_t n = 0; n < w.n; n += kPanelWidth)
    list_unbounded({w.taps, pairs}, packed + n / kPanelWidth * panel_bytes);
}

void move_zero_point(const int32_t* bias, int32_t a_zero, const int32_t* centered_sums, size_t n,
                     int32_t* y) noexcept {
  const auto factor = static_cast<uint32_t>(a_zero);
  for (size_t i = 0; i < n; ++i)
    y[i] = static_cast<int32_t>((bias ? static_cast<uint32_t>(bias[i]) : 0u) -
                                factor * static_cast<uint32_t>(centered_sums[i]));
}

void invert_sign(const uint8_t* x, size_t n, uint8_t* y) noexcept {
  for (size_t i = 0; i < n; ++i) y[i] = static_cast<uint8_t>(x[i] ^ 0x80);
}

} // namespace octet::kernels

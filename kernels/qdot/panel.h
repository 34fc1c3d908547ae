// How the panels of kernels/qdot/pack.h lie in memory, for those who write and read them.
//
// Products in two steps have sums of two neighbouring products as int16. Those of two groups of
// four k can be added up as int16, too, and are widened at half the cost, where the weights that
// meet there are bounded: no 255 · (the four of one sign) may exceed 2^15 − 1. Of weights of 7 bits
// that follow a bell curve almost all are. So behind the groups of a panel for two steps is a list
// of the pairs of groups 2s and 2s + 1 of a tap, the *steps*, where in some column they are not.
// One that would be too long says that no step is bounded.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/qgemm/output.h"

namespace octet::kernels {

inline constexpr size_t kGroupCodes = 4; // neighbouring k of a column
inline constexpr size_t kGroupBytes = kGroupCodes * kPanelWidth;
inline constexpr size_t kStepBytes = 2 * kGroupBytes;
inline constexpr size_t kStepPairs = kGroupCodes; // what QTile counts as k

/// The groups of one tap, the last one filled up with zeros; k counts pairs.
inline constexpr size_t dot_tap_bytes(size_t k) noexcept {
  return (k + 1) / 2 * kGroupBytes;
}

/// A panel for products in two steps; k counts pairs.
struct TwoStepPanel {
  size_t taps;
  size_t k;

  /// Ends the list.
  static constexpr uint32_t kEnd = UINT32_MAX;
  /// In place of the list: no step is bounded.
  static constexpr uint32_t kUnbounded = UINT32_MAX - 1;
  /// Panels of fewer steps gain nothing by bounded ones, and say that they have none.
  static constexpr size_t kLeastSteps = 16;

  size_t group_bytes() const noexcept { return taps * dot_tap_bytes(k); }
  size_t tap_steps() const noexcept { return k / kStepPairs; }
  size_t steps() const noexcept { return taps * tap_steps(); }
  /// One for eight steps. More would take longer than they gain.
  size_t most_unbounded() const noexcept { return (steps() + 7) / 8; }
  size_t bytes() const noexcept {
    return group_bytes() + ((most_unbounded() + 1) * sizeof(uint32_t) + 15) / 16 * 16;
  }

  /// Number `i` of a list: a step, all taps counted through; windows are also read as fewer, longer
  /// taps. `list` has no alignment, and the kernel pack no library to copy with.
  static uint32_t unbounded(const int8_t* list, size_t i) noexcept {
    uint32_t step;
    __builtin_memcpy(&step, list + i * sizeof step, sizeof step);
    return step;
  }
};

} // namespace octet::kernels

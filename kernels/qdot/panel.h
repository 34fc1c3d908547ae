// How the panels of kernels/qdot/pack.h lie in memory, for those who write and read them.
//
// Products in two steps have sums of two neighbouring products as int16. Those of two groups of
// four k can be added up as int16, too, and are widened at half the cost, where the weights that
// meet there are bounded: no 255 · (the four of one sign) may exceed 2^15 − 1. Of weights of 7 bits
// that follow a bell curve almost all are. So panels for two steps promise it for the groups
// 2s and 2s + 1 of every tap. Where the weights would break the promise, in any column, the first
// of both groups lies in a table behind the panel's groups, and in its place are zeros. A table that
// is too short for its panel moves nothing, and says so.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/qgemm/output.h"

namespace octet::kernels {

inline constexpr size_t kGroupCodes = 4; // neighbouring k of a column
inline constexpr size_t kGroupBytes = kGroupCodes * kPanelWidth;
inline constexpr size_t kPairsOfTwoGroups = kGroupCodes; // what QTile counts as k

/// The groups of one tap, the last one filled up with zeros; k counts pairs.
inline constexpr size_t dot_tap_bytes(size_t k) noexcept {
  return (k + 1) / 2 * kGroupBytes;
}

/// A number at an address with no alignment. The kernel pack has no library to copy with.
inline int32_t number_at(const int8_t* at) noexcept {
  int32_t number;
  __builtin_memcpy(&number, at, sizeof number);
  return number;
}

/// A group that is not in its place, as it lies in a table.
struct MovedGroup {
  static constexpr size_t kHeadBytes = 16;
  static constexpr size_t kBytes = kHeadBytes + kGroupBytes;

  const int8_t* at;

  /// Pairs before its own, all taps counted through: windows are also read as fewer, longer taps.
  size_t place() const noexcept { return static_cast<uint32_t>(number_at(at)); }
  const int8_t* weights() const noexcept { return at + kHeadBytes; }
};

/// A panel for products in two steps: the taps' groups, then how many were moved, then these.
struct TwoStepPanel {
  size_t taps;
  size_t k; // pairs

  static constexpr size_t kCountBytes = 16;
  /// In place of a count: nothing is moved, and the groups promise nothing.
  static constexpr int32_t kUnbounded = -1;

  size_t group_bytes() const noexcept { return taps * dot_tap_bytes(k); }
  /// One for sixteen groups.
  size_t table_length() const noexcept { return (taps * (k / kPairsOfTwoGroups) + 7) / 8; }
  size_t bytes() const noexcept {
    return group_bytes() + kCountBytes + table_length() * MovedGroup::kBytes;
  }

  /// `table` is what lies behind the groups.
  static int32_t moved_count(const int8_t* table) noexcept { return number_at(table); }
  static MovedGroup moved(const int8_t* table, size_t i) noexcept {
    return {table + kCountBytes + i * MovedGroup::kBytes};
  }
};

} // namespace octet::kernels

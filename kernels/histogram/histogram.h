// Counts values in bins whose width is a power of two and whose edges are its multiples: the bin of
// x is floor(x / 2^exponent), exactly.
//
// Values that follow one another often fall into one bin, and a count that was just stored is slow
// to load. So there are several tables of counts, which the caller adds up.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octet::kernels {

struct BinRange {
  int32_t exponent = 0; // from −126 to 126
  int32_t first = 0;    // what the table begins with
  size_t count = 0;
};

inline constexpr size_t kCountTables = 4;

/// Adds 1 to one of `counts[t · bins.count + bin − bins.first]`, t < kCountTables, for each of the
/// values. Which t is a variant's own choice; the sum over t is not. Every bin must be in range and
/// below 2^31, so every value is finite.
void count_bins(const float* x, size_t n, const BinRange& bins, uint32_t* counts) noexcept;

} // namespace octet::kernels

// Counts values in bins whose width is a power of two and whose edges are its multiples: the bin of
// x is floor(x / 2^exponent), exactly. And finds the range that tells which bins there have to be.
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
/// within ±2^22, so every value is finite.
void count_bins(const float* x, size_t n, const BinRange& bins, uint32_t* counts) noexcept;

/// totals[i] += Σ over t of counts[t · bins + i], which is below 2^32.
void add_counts(const uint32_t* counts, size_t bins, uint64_t* totals) noexcept;

struct FiniteRange {
  float min = 0.0f; // never above 0
  float max = 0.0f; // never below 0
  bool is_finite = true;
};

/// Range of x[0, n) and 0, which means nothing unless all of them are finite.
FiniteRange finite_range(const float* x, size_t n) noexcept;

} // namespace octet::kernels

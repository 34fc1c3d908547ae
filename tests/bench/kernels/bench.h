// Times kernels: each case runs until the clock has moved enough, several times; the median counts.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <vector>

namespace octet::bench {

extern const char* case_filter;

inline double seconds_now() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

/// Prints `work` (multiply-adds, bytes) per second in units of 10^9.
template <class Run>
void report(const char* name, double work, const char* unit, Run&& run) {
  if (!std::strstr(name, case_filter)) return;
  constexpr double kSample = 0.02;
  constexpr int kSamples = 9;
  run();
  long repeats = 1;
  for (;; repeats *= 2) {
    const double start = seconds_now();
    for (long i = 0; i < repeats; ++i) run();
    if (seconds_now() - start > kSample) break;
  }
  std::vector<double> rates;
  for (int s = 0; s < kSamples; ++s) {
    const double start = seconds_now();
    for (long i = 0; i < repeats; ++i) run();
    rates.push_back(work * static_cast<double>(repeats) / (seconds_now() - start) * 1e-9);
  }
  std::sort(rates.begin(), rates.end());
  std::printf("%-36s %8.1f %s  (best %.1f)\n", name, rates[kSamples / 2], unit, rates.back());
}

void float_kernels();
void integer_kernels();

} // namespace octet::bench

// When work in pieces is to give way.
#pragma once

#include <chrono>

namespace octet {

class Deadline {
public:
  static Deadline in(double milliseconds) {
    return Deadline(Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                       std::chrono::duration<double, std::milli>(milliseconds)));
  }
  static Deadline never() { return Deadline(Clock::time_point::max()); }

  bool has_passed() const { return end_ != Clock::time_point::max() && Clock::now() >= end_; }

private:
  using Clock = std::chrono::steady_clock;
  explicit Deadline(Clock::time_point end) : end_(end) {}
  Clock::time_point end_;
};

} // namespace octet

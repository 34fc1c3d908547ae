// Random operands of exact size, so that AddressSanitizer sees any access beyond them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace octet::kernels::test {

class Random {
public:
  explicit Random(uint32_t seed) : engine_(seed) {}

  int integer(int lo, int hi) { return std::uniform_int_distribution<int>(lo, hi)(engine_); }
  size_t size(size_t lo, size_t hi) {
    return static_cast<size_t>(integer(static_cast<int>(lo), static_cast<int>(hi)));
  }
  float real(float lo, float hi) { return std::uniform_real_distribution<float>(lo, hi)(engine_); }
  bool chance() { return integer(0, 1) == 1; }

  template <class T>
  std::vector<T> integers(size_t n, int lo, int hi) {
    std::vector<T> values(n);
    for (T& value : values) value = static_cast<T>(integer(lo, hi));
    return values;
  }

  std::vector<float> reals(size_t n, float lo, float hi) {
    std::vector<float> values(n);
    for (float& value : values) value = real(lo, hi);
    return values;
  }

private:
  std::mt19937 engine_;
};

} // namespace octet::kernels::test

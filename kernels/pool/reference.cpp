#include <limits>

#include "kernels/dispatch.h"

namespace octet::kernels {
namespace {

template <class T>
void max_pool(const T* const* taps, size_t count, size_t channels, T* y) noexcept {
  using Limits = std::numeric_limits<T>;
  for (size_t c = 0; c < channels; ++c) {
    T max = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
    for (size_t t = 0; t < count; ++t)
      if (max < taps[t][c]) max = taps[t][c];
    y[c] = max;
  }
}

} // namespace

void f32_max_pool_reference(const float* const* taps, size_t count, size_t channels,
                            float* y) noexcept {
  max_pool(taps, count, channels, y);
}
void u8_max_pool_reference(const uint8_t* const* taps, size_t count, size_t channels,
                           uint8_t* y) noexcept {
  max_pool(taps, count, channels, y);
}
void s8_max_pool_reference(const int8_t* const* taps, size_t count, size_t channels,
                           int8_t* y) noexcept {
  max_pool(taps, count, channels, y);
}
void s16_max_pool_reference(const int16_t* const* taps, size_t count, size_t channels,
                            int16_t* y) noexcept {
  max_pool(taps, count, channels, y);
}

void f32_average_pool_reference(const float* const* taps, size_t count, size_t channels,
                                float divisor, float* y) noexcept {
  for (size_t c = 0; c < channels; ++c) {
    float sum = 0;
    for (size_t t = 0; t < count; ++t) sum += taps[t][c];
    y[c] = sum / divisor;
  }
}

} // namespace octet::kernels

// Pooling: variants against their references, drivers against the definition of a window.
#include "kernels/pool/pool.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>

#include "kernels/dispatch.h"
#include "tests/kernels/windows.h"

using namespace octet::kernels;
using namespace octet::kernels::test;

namespace {

template <class T>
std::vector<T> random_values(Random& random, size_t n) {
  return random.integers<T>(n, std::numeric_limits<T>::is_signed ? -100 : 0, 100);
}

/// Taps of one window, one after the other.
template <class T>
struct Taps {
  std::vector<T> values;
  std::vector<const T*> pointers;

  Taps(Random& random, size_t count, size_t channels)
      : values(random_values<T>(random, count * channels)) {
    for (size_t t = 0; t < count; ++t) pointers.push_back(values.data() + t * channels);
  }
};

/// function(taps, y) for every variant equals that of the reference.
template <class T, class Fn, class Run>
void check_variants(Run&& run) {
  Random random(51);
  for_each_variant<Fn>([&](const char*, const char* name, Fn* function, Fn* reference) {
    INFO(name);
    for (size_t channels = 1; channels < 90; ++channels) {
      const Taps<T> taps(random, random.size(0, 6), channels);
      std::vector<T> got(channels), expected(channels);
      run(function, taps, got);
      run(reference, taps, expected);
      REQUIRE(got == expected);
    }
  });
}

template <class T>
void check_max_variants() {
  check_variants<T, MaxPoolFn<T>>([](MaxPoolFn<T>* pool, const Taps<T>& taps, std::vector<T>& y) {
    pool(taps.pointers.data(), taps.pointers.size(), y.size(), y.data());
  });
}

/// A pool with random operands, run in two ranges.
template <class T>
struct Operands {
  ConvShape shape;
  std::vector<T> x, y;
  Pool<T> pool;

  Operands(Random& random, const ConvShape& geometry) : shape(geometry) {
    shape.in_channels = shape.out_channels = random.size(1, 20);
    const size_t x_stride = shape.in_channels + random.size(0, 2);
    x = random_values<T>(random, (shape.batch * shape.in_h * shape.in_w - 1) * x_stride +
                                     shape.in_channels);
    y.resize(pixels() * shape.in_channels);
    pool = {shape, x.data(), x_stride, y.data(), shape.in_channels};
  }

  size_t pixels() const { return shape.batch * shape.out_h * shape.out_w; }

  template <class Run>
  void run(Random& random, Run&& run) {
    std::vector<int64_t> scratch(pool_scratch_bytes(shape) / sizeof(int64_t));
    const size_t split = random.size(0, pixels());
    run(pool, split, pixels(), scratch.data());
    run(pool, 0, split, scratch.data());
  }
};

template <class T>
void check_max_pool(void (*function)(const Pool<T>&, size_t, size_t, void*) noexcept) {
  Random random(52);
  for (int i = 0; i < 200; ++i) {
    Operands<T> operands(random, random_windows(random).shape);
    operands.run(random, function);
    const size_t channels = operands.shape.in_channels;
    for (size_t at = 0; at < operands.y.size(); ++at) {
      using Limits = std::numeric_limits<T>;
      T expected = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
      for_each_input(operands.shape, at / channels, [&](size_t, size_t pixel) {
        expected = std::max(expected, operands.x[pixel * operands.pool.x_stride + at % channels]);
      });
      REQUIRE(operands.y[at] == expected);
    }
  }
}

} // namespace

TEST_CASE("pooling kernels equal their references") {
  check_max_variants<float>();
  check_max_variants<uint8_t>();
  check_max_variants<int8_t>();
  check_max_variants<int16_t>();
  check_variants<float, AveragePoolFn>(
      [](AveragePoolFn* pool, const Taps<float>& taps, std::vector<float>& y) {
        pool(taps.pointers.data(), taps.pointers.size(), y.size(), 0.3f, y.data());
      });
}

TEST_CASE("max pooling finds the largest under each window") {
  check_max_pool<float>(max_pool_f32);
  check_max_pool<uint8_t>(max_pool_u8);
  check_max_pool<int8_t>(max_pool_s8);
  check_max_pool<int16_t>(max_pool_s16);
}

TEST_CASE("average pooling divides by the taps in the image or in its padding") {
  Random random(53);
  for (int i = 0; i < 300; ++i) {
    auto [geometry, pad_bottom, pad_right] = random_windows(random);
    // In ceil mode a window may reach beyond the padding.
    if (random.chance()) ++geometry.out_w;
    Operands<float> operands(random, geometry);
    const AverageDivisor divisor{random.chance(), pad_bottom, pad_right};
    operands.run(random, [&](const Pool<float>& pool, size_t begin, size_t end, void* scratch) {
      average_pool_f32(pool, divisor, begin, end, scratch);
    });
    // The padded image as an image of its own counts the taps in the padding.
    ConvShape padded = operands.shape;
    padded.in_h += padded.pad_top + pad_bottom;
    padded.in_w += padded.pad_left + pad_right;
    padded.pad_top = padded.pad_left = 0;
    const size_t channels = operands.shape.in_channels;
    for (size_t at = 0; at < operands.y.size(); ++at) {
      double sum = 0;
      int inside = 0, with_padding = 0;
      for_each_input(operands.shape, at / channels, [&](size_t, size_t pixel) {
        sum += static_cast<double>(operands.x[pixel * operands.pool.x_stride + at % channels]);
        ++inside;
      });
      for_each_input(padded, at / channels, [&](size_t, size_t) { ++with_padding; });
      const int count = divisor.count_padding ? with_padding : inside;
      if (count == 0) continue;
      REQUIRE(operands.y[at] == Approx(sum / count).epsilon(1e-6).margin(1e-6));
    }
  }
}

#include "kernels/qeltwise/qeltwise.h"

#include <algorithm>

#include "kernels/dispatch.h"

namespace octet::kernels {
namespace {

void run_nest(QBinaryFn* function, const QBinaryNest& nest, const int16_t* a, const int16_t* b,
              int16_t* y, const QBinaryParams& params) noexcept {
  QBinaryNest outer = nest;
  auto args = take_rows<QBinaryRows>(outer);
  outer.for_each([&](const QBinaryNest::Offsets& at) {
    args.a = a + at[0];
    args.b = b + at[1];
    args.y = y + at[2];
    function(args, params);
  });
}

} // namespace

void qs16_add(const QBinaryNest& nest, const int16_t* a, const int16_t* b, int16_t* y,
              const QBinaryParams& params) noexcept {
  run_nest(kernel_table().qs16_add, nest, a, b, y, params);
}

void qs16_mul(const QBinaryNest& nest, const int16_t* a, const int16_t* b, int16_t* y,
              const QBinaryParams& params) noexcept {
  run_nest(kernel_table().qs16_mul, nest, a, b, y, params);
}

void qs16_lookup(const int16_t* x, size_t n, const int16_t* table, int32_t low,
                 int16_t* y) noexcept {
  const auto at = [=](int16_t code) { return table[static_cast<uint8_t>(code - low)]; };
  size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    const int16_t first = at(x[i]), second = at(x[i + 1]);
    const int16_t third = at(x[i + 2]), fourth = at(x[i + 3]);
    y[i] = first;
    y[i + 1] = second;
    y[i + 2] = third;
    y[i + 3] = fourth;
  }
  for (; i < n; ++i) y[i] = at(x[i]);
}

void qs16_mean(const int16_t* x, size_t rows, size_t columns, const QBinaryParams& params,
               int16_t* y, int32_t* sums) noexcept {
  std::fill_n(sums, columns, 0);
  kernel_table().qs16_accumulate(x, rows, columns, sums);
  for (size_t c = 0; c < columns; ++c)
    y[c] = round_to_code(static_cast<float>(sums[c]) * params.a_scale, params);
}

} // namespace octet::kernels

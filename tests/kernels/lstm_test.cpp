// The gates of an LSTM: variants against the formulas in double precision.
#include "kernels/lstm/lstm.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "kernels/dispatch.h"
#include "tests/kernels/random.h"

using namespace octet::kernels;
using namespace octet::kernels::test;

namespace {

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

void check(LstmGatesFn* function, Random& random, size_t n) {
  const auto z = random.reals(4 * n, -3, 3), z_input = random.reals(4 * n, -3, 3),
             peepholes = random.reals(3 * n, -1, 1);
  const auto c_prev = random.reals(n, -2, 2);
  std::vector<float> c(n), h(n);
  LstmGates gates{.hidden = n,
                  .z = z.data(),
                  .z_input = z_input.data(),
                  .c_prev = c_prev.data(),
                  .c = c.data(),
                  .h = h.data()};
  const bool has_peepholes = random.chance();
  if (has_peepholes) gates.peepholes = peepholes.data();
  if (random.chance()) gates.clip = 1.5f;
  gates.couples_input_forget = random.chance();
  if (random.chance()) {
    c = c_prev;
    gates.c_prev = c.data();
  }
  function(gates);
  for (size_t k = 0; k < n; ++k) {
    const auto input = [&](size_t gate, double cell) {
      double sum = double(z[gate * n + k]) + z_input[gate * n + k];
      if (has_peepholes && gate < 3) sum += peepholes[gate * n + k] * cell;
      return std::clamp<double>(sum, -gates.clip, gates.clip);
    };
    const double i = sigmoid(input(0, c_prev[k]));
    const double f = gates.couples_input_forget ? 1 - i : sigmoid(input(2, c_prev[k]));
    const double cell = f * c_prev[k] + i * std::tanh(input(3, 0));
    const double output = sigmoid(input(1, cell)) * std::tanh(cell);
    REQUIRE(c[k] == Approx(cell).epsilon(1e-6).margin(1e-6));
    REQUIRE(h[k] == Approx(output).epsilon(1e-6).margin(1e-6));
  }
}

} // namespace

TEST_CASE("gates of an LSTM cell") {
  Random random(44);
  for_each_variant<LstmGatesFn>(
      [&](const char*, const char* name, LstmGatesFn* function, LstmGatesFn* reference) {
        INFO(name);
        for (size_t n = 1; n < 40; ++n) {
          check(function, random, n);
          check(reference, random, n);
        }
      });
}

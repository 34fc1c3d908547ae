#include <algorithm>
#include <cmath>

#include "kernels/dispatch.h"

namespace octet::kernels {
namespace {

float sigmoid_of(float x) {
  return 1.0f / (1.0f + std::exp(-x));
}

} // namespace

void f32_lstm_gates_reference(const LstmGates& gates) noexcept {
  const size_t n = gates.hidden;
  for (size_t k = 0; k < n; ++k) {
    const auto bounded = [&](size_t gate, float peephole_input) {
      float z = gates.z[gate * n + k] + gates.z_input[gate * n + k];
      if (gates.peepholes && gate < 3) z += gates.peepholes[gate * n + k] * peephole_input;
      return std::min(std::max(z, -gates.clip), gates.clip);
    };
    const float c_prev = gates.c_prev[k];
    const float i = sigmoid_of(bounded(0, c_prev));
    const float f = gates.couples_input_forget ? 1.0f - i : sigmoid_of(bounded(2, c_prev));
    const float c = f * c_prev + i * std::tanh(bounded(3, 0.0f));
    gates.c[k] = c;
    gates.h[k] = sigmoid_of(bounded(1, c)) * std::tanh(c);
  }
}

} // namespace octet::kernels

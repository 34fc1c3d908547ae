#include <algorithm>

#include "kernels/dispatch.h"
#include "kernels/math_simd128.h"
#include "kernels/vectors_simd128.h"

namespace octet::kernels {
namespace {

/// Reads and writes units [k, k + count) of arrays; count is 4 or what is left.
struct Units {
  size_t k, count;

  v128_t load(const float* x) const noexcept {
    return count == 4 ? wasm_v128_load(x + k) : load_first_floats(x + k, count);
  }
  void store(v128_t v, float* x) const noexcept {
    if (count == 4)
      wasm_v128_store(x + k, v);
    else
      store_first_floats(v, count, x + k);
  }
};

template <class Body>
void for_each_four(size_t n, Body&& body) noexcept {
  for (size_t k = 0; k < n; k += 4) body(Units{k, std::min<size_t>(4, n - k)});
}

/// The pre-activation of a gate.
v128_t bounded(const LstmGates& gates, const Units& units, size_t gate,
               v128_t peephole_input) noexcept {
  const size_t first = gate * gates.hidden;
  v128_t z = wasm_f32x4_add(units.load(gates.z + first), units.load(gates.z_input + first));
  if (gates.peepholes && gate < 3)
    z = multiply_add(units.load(gates.peepholes + first), peephole_input, z);
  return wasm_f32x4_pmin(wasm_f32x4_pmax(z, splat(-gates.clip)), splat(gates.clip));
}

} // namespace

// Two loops: all functions of a unit in a row wait for one another.
void f32_lstm_gates_simd128(const LstmGates& gates) noexcept {
  for_each_four(gates.hidden, [&](const Units& units) {
    const v128_t c = units.load(gates.c_prev);
    const v128_t i = sigmoid(bounded(gates, units, 0, c));
    const v128_t f = gates.couples_input_forget ? wasm_f32x4_sub(splat(1.0f), i)
                                                : sigmoid(bounded(gates, units, 2, c));
    const v128_t g = tanh(bounded(gates, units, 3, c));
    units.store(multiply_add(f, c, wasm_f32x4_mul(i, g)), gates.c);
  });
  for_each_four(gates.hidden, [&](const Units& units) {
    const v128_t c = units.load(gates.c);
    units.store(wasm_f32x4_mul(sigmoid(bounded(gates, units, 1, c)), tanh(c)), gates.h);
  });
}

} // namespace octet::kernels

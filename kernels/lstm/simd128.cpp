#include "kernels/dispatch.h"
#include "kernels/math_simd128.h"
#include "kernels/vectors_simd128.h"

namespace octet::kernels {
namespace {

/// Reads and writes units [k, k + 4) of arrays.
struct FourUnits {
  size_t k;

  v128_t load(const float* x) const noexcept { return wasm_v128_load(x + k); }
  void store(v128_t v, float* x) const noexcept { wasm_v128_store(x + k, v); }
};

/// Fewer at the end.
struct LastUnits {
  size_t k, count;

  v128_t load(const float* x) const noexcept { return load_first_floats(x + k, count); }
  void store(v128_t v, float* x) const noexcept { store_first_floats(v, count, x + k); }
};

template <class Body>
void for_each_four(size_t n, Body&& body) noexcept {
  size_t k = 0;
  for (; k + 4 <= n; k += 4) body(FourUnits{k});
  if (k < n) body(LastUnits{k, n - k});
}

/// The pre-activation of a gate.
template <class Units>
v128_t bounded(const LstmGates& gates, const Units& units, size_t gate,
               v128_t peephole_input) noexcept {
  const size_t first = gate * gates.hidden;
  v128_t z = wasm_f32x4_add(units.load(gates.z + first), units.load(gates.z_input + first));
  if (gates.peepholes && gate < 3)
    z = multiply_add(units.load(gates.peepholes + first), peephole_input, z);
  return wasm_f32x4_pmin(wasm_f32x4_pmax(z, splat(-gates.clip)), splat(gates.clip));
}

/// 1 / σ(x) = 1 + exp(−x), x bounded to ±30.
v128_t inverse_sigmoid(v128_t x) noexcept {
  const v128_t bounded = wasm_f32x4_pmin(wasm_f32x4_pmax(x, splat(-30.0f)), splat(30.0f));
  const v128_t minus_log2_e = splat(-1.44269504088896341f);
  return wasm_f32x4_add(power_of_two_f32(wasm_f32x4_mul(bounded, minus_log2_e)), splat(1.0f));
}

struct Ratio {
  v128_t numerator, denominator;
};

/// tanh(x), which rounds to ±1 from ±9 on: the rational approximation of Eigen and MLAS.
Ratio tanh_ratio(v128_t x) noexcept {
  const v128_t bounded = wasm_f32x4_pmin(wasm_f32x4_pmax(x, splat(-9.0f)), splat(9.0f));
  const v128_t z = wasm_f32x4_mul(bounded, bounded);
  const v128_t p = polynomial(z, -2.76076847742355e-16f, 2.00018790482477e-13f,
                              -8.60467152213735e-11f, 5.12229709037114e-08f, 1.48572235717979e-05f,
                              6.37261928875436e-04f, 4.89352455891786e-03f);
  const v128_t q = polynomial(z, 1.19825839466702e-06f, 1.18534705686654e-04f,
                              2.26843463243900e-03f, 4.89352518554385e-03f);
  return {wasm_f32x4_mul(bounded, p), q};
}

} // namespace

// Fractions are joined: one division for c, one for h. Two loops, as h would wait for c.
void f32_lstm_gates_simd128(const LstmGates& args) noexcept {
  const LstmGates gates = args; // which stores can't change
  for_each_four(gates.hidden, [&](const auto& units) {
    const v128_t c = units.load(gates.c_prev);
    const v128_t z_i = bounded(gates, units, 0, c);
    const v128_t i = inverse_sigmoid(z_i);
    const v128_t f = inverse_sigmoid(gates.couples_input_forget ? wasm_f32x4_neg(z_i)
                                                                : bounded(gates, units, 2, c));
    const Ratio g = tanh_ratio(bounded(gates, units, 3, c));
    const v128_t input = wasm_f32x4_mul(i, g.denominator);
    units.store(wasm_f32x4_div(multiply_add(c, input, wasm_f32x4_mul(g.numerator, f)),
                               wasm_f32x4_mul(input, f)),
                gates.c);
  });
  for_each_four(gates.hidden, [&](const auto& units) {
    const v128_t c = units.load(gates.c);
    const v128_t o = inverse_sigmoid(bounded(gates, units, 1, c));
    const Ratio y = tanh_ratio(c);
    units.store(wasm_f32x4_div(y.numerator, wasm_f32x4_mul(o, y.denominator)), gates.h);
  });
}

} // namespace octet::kernels

#include <algorithm>

#include "kernels/dispatch.h"
#include "kernels/math_simd128.h"
#include "kernels/vectors_simd128.h"

namespace octet::kernels {
namespace {

struct Cell {
  v128_t c, h;
};

/// Four units, of which load(array) reads the numbers.
template <class Load>
Cell compute(const LstmGates& gates, Load&& load) noexcept {
  const v128_t lo = splat(-gates.clip), hi = splat(gates.clip);
  const auto bounded = [&](size_t gate, v128_t peephole_input) {
    const size_t first = gate * gates.hidden;
    v128_t z = wasm_f32x4_add(load(gates.z + first), load(gates.z_input + first));
    if (gates.peepholes && gate < 3)
      z = multiply_add(load(gates.peepholes + gate * gates.hidden), peephole_input, z);
    return wasm_f32x4_pmin(wasm_f32x4_pmax(z, lo), hi);
  };
  const v128_t c_prev = load(gates.c_prev);
  const v128_t i = sigmoid(bounded(0, c_prev));
  const v128_t f =
      gates.couples_input_forget ? wasm_f32x4_sub(splat(1.0f), i) : sigmoid(bounded(2, c_prev));
  const v128_t c = multiply_add(f, c_prev, wasm_f32x4_mul(i, tanh(bounded(3, c_prev))));
  return {c, wasm_f32x4_mul(sigmoid(bounded(1, c)), tanh(c))};
}

} // namespace

void f32_lstm_gates_simd128(const LstmGates& gates) noexcept {
  for (size_t k = 0; k < gates.hidden; k += 4) {
    const size_t units = std::min<size_t>(4, gates.hidden - k);
    const Cell cell = compute(gates, [k, units](const float* x) {
      return units == 4 ? wasm_v128_load(x + k) : load_first_floats(x + k, units);
    });
    if (units == 4) {
      wasm_v128_store(gates.c + k, cell.c);
      wasm_v128_store(gates.h + k, cell.h);
    } else {
      store_first_floats(cell.c, units, gates.c + k);
      store_first_floats(cell.h, units, gates.h + k);
    }
  }
}

} // namespace octet::kernels

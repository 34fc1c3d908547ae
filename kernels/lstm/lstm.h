// The gates of an LSTM cell, with ONNX's default activations and order of gates (i, o, f, c). From
// pre-activations z, in which the products with the input and with the previous output and both
// biases are summed:
//   i  = σ(z_i + p_i · c_prev)
//   f  = σ(z_f + p_f · c_prev)
//   c  = f · c_prev + i · tanh(z_c)
//   o  = σ(z_o + p_o · c)
//   h  = o · tanh(c)
#pragma once

#include "kernels/lstm/variants.h"

namespace octet::kernels {

void lstm_gates_f32(const LstmGates& gates) noexcept;

} // namespace octet::kernels

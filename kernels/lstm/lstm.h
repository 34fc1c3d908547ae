// The gates of an LSTM cell, with ONNX's default activations and order of gates (i, o, f, c). From
// pre-activations z, which come in two parts: the product with the previous output, and the product
// with the input to which both biases were added:
//   i  = σ(z_i + p_i · c_prev)
//   f  = σ(z_f + p_f · c_prev)
//   c  = f · c_prev + i · tanh(z_c)
//   o  = σ(z_o + p_o · c)
//   h  = o · tanh(c)
// c and h are exact to 1e-6, relative or absolute.
#pragma once

#include "kernels/lstm/variants.h"

namespace octet::kernels {

void lstm_gates_f32(const LstmGates& gates) noexcept;

} // namespace octet::kernels

// The gates of an LSTM cell, with ONNX's default activations and order of gates (i, o, f, c). For
// pre-activations z, products with the input and the previous output plus biases already summed:
//   i  = σ(z_i + p_i · c_prev)
//   f  = σ(z_f + p_f · c_prev)
//   c  = f · c_prev + i · tanh(z_c)
//   o  = σ(z_o + p_o · c)
//   h  = o · tanh(c)
#pragma once

#include <cstddef>
#include <limits>

namespace octet::kernels {

struct LstmGates {
  size_t hidden = 0;
  const float* z = nullptr;         // [4][hidden]: i, o, f, c
  const float* peepholes = nullptr; // [3][hidden]: p_i, p_o, p_f; null for none
  const float* c_prev = nullptr;    // [hidden]
  float* c = nullptr;               // [hidden]; may be c_prev
  float* h = nullptr;               // [hidden]
  float clip =
      std::numeric_limits<float>::infinity(); // bounds the inputs of activations but tanh(c)
  bool couple_input_forget = false;           // i = 1 − f
};

using LstmGatesFn = void(const LstmGates& gates) noexcept;

void lstm_gates_f32(const LstmGates& gates) noexcept;

} // namespace octet::kernels

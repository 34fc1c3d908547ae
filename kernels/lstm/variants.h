// Arguments and function type of the LSTM's gates.
#pragma once

#include <cstddef>
#include <limits>

namespace octet::kernels {

struct LstmGates {
  size_t hidden = 0;
  const float* z = nullptr;                            // [4][hidden]: i, o, f, c; summed with
  const float* z_input = nullptr;                      // [4][hidden]
  const float* peepholes = nullptr;                    // [3][hidden]: p_i, p_o, p_f; null for none
  const float* c_prev = nullptr;                       // [hidden]
  float* c = nullptr;                                  // [hidden]; may be c_prev
  float* h = nullptr;                                  // [hidden]
  float clip = std::numeric_limits<float>::infinity(); // z with its peephole stays in ±clip
  bool couples_input_forget = false;                   // f = 1 − i
};

using LstmGatesFn = void(const LstmGates& gates) noexcept;

} // namespace octet::kernels

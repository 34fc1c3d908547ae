// Operands of the tiles of families qdot_gemm and qdot_gemv, which multiply bytes with bytes where
// the engine has an exact instruction for it (kernels/qdot/byte_dot.h): Σ a · w with a = activation
// codes in the signedness that byte_dot() asks for, w = weights as stored: int8, or
// uint8 minus dot_weight_offset().
//
// The formula of kernels/qgemm/output.h wants Σ (a − a_zero) · (w − w_zero), which is
//   Σ a · w − w_zero · Σ a − a_zero · Σ (w − w_zero):
// the last term goes into params.bias, the rest is that formula. All is exact modulo 2^32, so
// results equal those of qgemm to the bit.
//
// Activations travel as pairs: where QTile, QGemm and QConv speak of int16 elements, one is two
// codes of neighbouring k or channels, whose number is therefore even. Panels: for each group of 8
// columns, for each tap, for each four of k: 8 columns × 4 k, 32 bytes, zeros where k ends; for
// products in two steps also a list of those that need care (kernels/qdot/panel.h).
#pragma once

#include "kernels/qdot/byte_dot.h"
#include "kernels/qgemm/pack.h"

namespace octet::kernels {

/// As in kernels/qgemm/pack.h; k counts pairs.
size_t packed_dot_panel_bytes(size_t taps, size_t k) noexcept;
size_t packed_dot_weight_bytes(size_t n, size_t taps, size_t k) noexcept;

/// What is subtracted from uint8 weights, and so from their zero points, for the products in use:
/// 128, or 64 where those are of kMostPairWeight.
int32_t dot_weight_offset() noexcept;

/// Whether the products in use are exact for these weights.
bool dot_takes(const void* weights, size_t n, bool is_unsigned) noexcept;

/// `packed` holds packed_dot_weight_bytes(w.n, w.taps, w.run * w.k / 2) bytes; w counts single
/// codes. sums[n] = Σ of column n's stored weights.
void pack_dot_weights(const QWeights& w, int8_t* packed, int32_t* sums) noexcept;

/// y[i] = bias[i] − a_zero · centered_sums[i], modulo 2^32: the last term above. A null bias is
/// left out.
void move_zero_point(const int32_t* bias, int32_t a_zero, const int32_t* centered_sums, size_t n,
                     int32_t* y) noexcept;

/// y = x with the highest bit inverted: makes uint8 int8 by subtracting 128, and back.
void invert_sign(const uint8_t* x, size_t n, uint8_t* y) noexcept;

} // namespace octet::kernels

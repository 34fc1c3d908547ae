// Packs int8 and uint8 weights into the panels of kernels/qgemm/tile.h. Done once per model.
//
// uint8 weights are stored as w − 128: their zero point must be given to the kernels as zw − 128
// (see stored_weight_zero).
#pragma once

#include <cstddef>
#include <cstdint>

namespace octet::kernels {

/// A weight tensor of any layout, read through strides (in elements). The element of column n at
/// tap t, position r in the run, channel c is data[n·n_stride + t·tap_stride + r·run_stride +
/// c·k_stride]; it is packed at tap t, k index r·k + c. Plain matrices have taps = run = 1:
///   MatMul  B[K, N]          n_stride 1, k_stride N
///   Gemm    B[N, K], transB  n_stride K, k_stride 1
///   Conv    W[O, I, kH, kW]  see pack_conv_weights in kernels/qconv/qconv.h
struct QWeights {
  const void* data = nullptr;
  bool is_unsigned = false;
  size_t n = 0;
  size_t k = 0;
  size_t taps = 1;
  size_t run = 1;
  ptrdiff_t n_stride = 0;
  ptrdiff_t k_stride = 0;
  ptrdiff_t tap_stride = 0;
  ptrdiff_t run_stride = 0;
};

/// Bytes of one panel, and of the whole packed matrix; k counts the elements of one tap (run · k of
/// QWeights). The caller has checked that the product does not overflow.
size_t packed_panel_bytes(size_t taps, size_t k) noexcept;
size_t packed_weight_bytes(size_t n, size_t taps, size_t k) noexcept;

/// `packed` holds packed_weight_bytes(w.n, w.taps, w.run * w.k) bytes; no alignment is needed.
void pack_weights(const QWeights& w, int8_t* packed) noexcept;

/// One or more neighbouring whole panels of a matrix whose rows lie as they are multiplied: column
/// n of row k is rows[k·stride + n]. `flip` is xored to every weight: 0x80 stores uint8 as w − 128.
struct QPackRows {
  const uint8_t* rows = nullptr;
  ptrdiff_t stride = 0;
  size_t k = 0;
  size_t panels = 0;
  uint8_t flip = 0;
  int8_t* packed = nullptr;
};
using QPackRowsFn = void(const QPackRows& args) noexcept;

/// The weight at an index, as panels hold it.
inline int8_t stored_weight(const QWeights& w, ptrdiff_t index) noexcept {
  if (!w.is_unsigned) return static_cast<const int8_t*>(w.data)[index];
  return static_cast<int8_t>(static_cast<const uint8_t*>(w.data)[index] - 128);
}

/// The zero point that belongs to a stored weight.
inline constexpr int32_t stored_weight_zero(int32_t zero_point, bool is_unsigned) noexcept {
  return is_unsigned ? zero_point - 128 : zero_point;
}

} // namespace octet::kernels

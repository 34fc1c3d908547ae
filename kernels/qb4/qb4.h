// Products with 4-bit weights that share a scale and a zero point in blocks along k:
//   C[m, n] = Σ_k A[m, k] · scale[n, k / block] · (code[n, k] − zero[n, k / block]) + bias[n]
//
// Two ways. In float the weights are unpacked panel by panel. With activations of 8 bits each block
// of a row of A gets a scale of its own, codes multiply codes, and per block
//   C[m, n] += (Σ codes · codes − zero · Σ codes of A) · (scale of A · scale)
// where the sums are exact and the rest is rounded operation by operation, so variants agree to the
// bit. The formats and both ways are those of com.microsoft.MatMulNBits in onnxruntime
// (docs/ContribOperators.md; accuracy_level 4 is the second one).
#pragma once

#include "kernels/qb4/tile.h"

namespace octet::kernels {

inline constexpr float kQb4Zero = 8; // where no zero points are given

/// What packing needs to know. `block` is a multiple of 8, at most kQb4MaxBlock.
struct Qb4Shape {
  size_t n = 0, k = 0, block = 0;
  size_t blocks() const noexcept { return (k + block - 1) / block; }
};
/// Sums of products of a block stay within 32 bits.
inline constexpr size_t kQb4MaxBlock = 4096;

/// Bytes of the packed codes; floats of the packed scales, and of the packed zero points.
size_t qb4_code_bytes(const Qb4Shape& shape) noexcept;
size_t qb4_block_floats(const Qb4Shape& shape) noexcept;

/// `codes` [n, blocks, block / 2], two codes a byte, the first in the low half.
void pack_qb4_codes(const Qb4Shape& shape, const uint8_t* codes, uint8_t* packed) noexcept;
/// `values` [n, blocks]; columns past n get 0.
void pack_qb4_floats(const Qb4Shape& shape, const float* values, float* packed) noexcept;
/// Zero points [n, (blocks + 1) / 2], two a byte, the first in the low half.
void pack_qb4_zeros(const Qb4Shape& shape, const uint8_t* zeros, float* packed) noexcept;

struct Qb4Gemm {
  Qb4Shape shape;
  size_t m = 0;
  const float* a = nullptr; // rows of k
  const uint8_t* codes = nullptr;
  const float* scales = nullptr;
  const float* zeros = nullptr;
  const float* bias = nullptr; // null, or n rounded up to a panel
  float* c = nullptr;          // rows of n
};

/// The product in float, columns [column_begin, column_end): column_begin a multiple of
/// kPanelWidth. `scratch`: one per running call, 16-byte aligned.
size_t qb4_f32_scratch_bytes(const Qb4Shape& shape) noexcept;
void qb4_gemm_f32(const Qb4Gemm& args, void* scratch, size_t column_begin,
                  size_t column_end) noexcept;

/// The same with activations of 8 bits, which are quantized beforehand into `rows`: shared by all
/// calls, 16-byte aligned.
size_t qb8_row_bytes(const Qb4Shape& shape, size_t m) noexcept;
void qb8_quantize_rows(const Qb4Gemm& args, void* rows) noexcept;
void qb4_gemm_qb8(const Qb4Gemm& args, const void* rows, size_t column_begin,
                  size_t column_end) noexcept;

} // namespace octet::kernels

// The activation that a lowering pass moved into the operator that feeds it: attributes
// `activation` (the ONNX operator's name, or Relu6Swish for a HardSwish of that form, both also
// with Scaled before them) and `activation_params`. Those of LeakyRelu may end with the least
// number it is given.
#pragma once

#include <limits>

#include "ops/elementwise.h"

namespace octet {

struct FusedActivation {
  // Applied by the producer's own output step.
  float lo = -std::numeric_limits<float>::infinity();
  float hi = std::numeric_limits<float>::infinity();
  // What a clamp can't do, applied to finished rows while they are in the cache; null when there is
  // none.
  UnaryFn function = nullptr;
  std::array<float, kMaxUnaryParams> params{};

  void apply(float* values, size_t count) const noexcept {
    if (function) function(values, values, count, params.data());
  }
};

// Throws InvalidModel for an activation that does not exist.
FusedActivation fused_activation(const NodeContext& ctx);

// Applies it to a block of a matrix whose rows are `stride` floats apart.
inline void apply_to_block(const FusedActivation& activation, float* matrix, size_t stride,
                           const MatrixBlock& block) noexcept {
  float* values = matrix + block.row_begin * stride + block.column_begin;
  if (block.columns() == stride) return activation.apply(values, block.rows() * stride);
  for (size_t row = 0; row < block.rows(); ++row)
    activation.apply(values + row * stride, block.columns());
}

// Runs `run(block)` over a block of a matrix of floats at `output` in pieces that fit a
// second-level cache, and applies the activation to each piece. Like Workers, it leaves few rows
// together: smaller pieces would make products read their weights more often.
template <class Run>
void run_activated(const FusedActivation& activation, float* output, const MatrixSplit& matrix,
                   const MatrixBlock& block, const Run& run) {
  if (!activation.function) return run(block);
  constexpr size_t kPieceFloats = 65536;
  const bool by_columns = matrix.column_grain != 0 && block.rows() <= matrix.few_rows();
  const size_t across = std::max<size_t>(by_columns ? block.rows() : block.columns(), 1);
  const size_t grain = by_columns ? matrix.column_grain : matrix.row_grain;
  const size_t step = std::max<size_t>(kPieceFloats / across / grain, 1) * grain;
  const size_t begin = by_columns ? block.column_begin : block.row_begin;
  const size_t end = by_columns ? block.column_end : block.row_end;
  for (size_t first = begin; first < end; first += step) {
    const size_t last = std::min(end, first + step);
    const MatrixBlock piece = by_columns
                                  ? MatrixBlock{block.row_begin, block.row_end, first, last}
                                  : MatrixBlock{first, last, block.column_begin, block.column_end};
    run(piece);
    apply_to_block(activation, output, matrix.columns, piece);
  }
}

// The same over a whole matrix by several threads: `run(block, worker)`.
template <class Run>
void run_activated(const Workers& workers, const MatrixSplit& matrix,
                   const FusedActivation& activation, float* output, const Run& run) {
  workers.split(matrix, [&](const MatrixBlock& block, size_t worker) {
    run_activated(activation, output, matrix, block,
                  [&](const MatrixBlock& piece) { run(piece, worker); });
  });
}

} // namespace octet

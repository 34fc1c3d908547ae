// numpy's matrix product of operands of any rank ≥ 1, as a list of plain products.
#pragma once

#include <utility>
#include <vector>

#include "ops/op_def.h"

namespace octet {

// C[m, n] = A[m, k] · B[k, n] for each pair of `batches`, in the order of the output. A right
// operand without batch dims is one matrix, under which all rows of A are one product.
struct MatMulGeometry {
  size_t m = 0, n = 0, k = 0;
  std::vector<std::pair<size_t, size_t>> batches; // which matrix of A, which of B
  size_t b_matrices = 1;
  Shape output;

  size_t a_elements() const { return m * k; }
  size_t c_elements() const { return m * n; }
};

// Operands of the node at these input positions. Throws InvalidModel when they do not fit.
MatMulGeometry matmul_geometry(const NodeContext& ctx, size_t a_input, size_t b_input);
// Of operands of these shapes.
MatMulGeometry matmul_geometry(const NodeContext& ctx, Shape a, Shape b);

} // namespace octet

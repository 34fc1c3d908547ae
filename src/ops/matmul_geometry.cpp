#include "ops/matmul_geometry.h"

#include "base/bytes.h"

namespace octet {
namespace {
// Which matrix of an operand with batch dims `own` belongs to each batch of `all`.
std::vector<size_t> matrix_indices(const Shape& own, const Shape& all) {
  const size_t lead = all.rank() - own.rank();
  std::vector<size_t> strides(all.rank(), 0);
  size_t stride = 1;
  for (size_t i = own.rank(); i-- > 0;) {
    strides[lead + i] = own[i] == 1 ? 0 : stride;
    stride *= static_cast<size_t>(own[i]);
  }
  std::vector<size_t> indices(all.elements());
  std::vector<size_t> at(all.rank(), 0);
  for (size_t& index : indices) {
    for (size_t i = 0; i < at.size(); ++i) index += at[i] * strides[i];
    for (size_t i = at.size(); i-- > 0;) {
      if (++at[i] < static_cast<size_t>(all[i])) break;
      at[i] = 0;
    }
  }
  return indices;
}
} // namespace

MatMulGeometry matmul_geometry(const NodeContext& ctx, size_t a_input, size_t b_input) {
  return matmul_geometry(ctx, ctx.shape(a_input), ctx.shape(b_input));
}

MatMulGeometry matmul_geometry(const NodeContext& ctx, Shape a, Shape b) {
  const Shape given_a = a, given_b = b;
  const bool row = a.rank() == 1, column = b.rank() == 1;
  if (row) a = Shape{1, a[0]};
  if (column) b = Shape{b[0], 1};
  if (a.rank() < 2 || b.rank() < 2 || a.back() != b[b.rank() - 2])
    ctx.fail("shapes ", to_string(given_a), " and ", to_string(given_b), " do not multiply");
  MatMulGeometry g;
  g.m = static_cast<size_t>(a[a.rank() - 2]);
  g.k = static_cast<size_t>(a.back());
  g.n = static_cast<size_t>(b.back());
  const Shape a_batch(std::vector<int64_t>(a.begin(), a.end() - 2));
  const Shape b_batch(std::vector<int64_t>(b.begin(), b.end() - 2));
  const Shape batch = broadcast_shapes(a_batch, b_batch);
  g.output = batch;
  if (!row) g.output.push_back(a[a.rank() - 2]);
  if (!column) g.output.push_back(b.back());
  g.b_matrices = b_batch.elements();
  if (b_batch.rank() == 0) {
    g.m = checked_mul(g.m, a_batch.elements());
    g.batches = {{0, 0}};
    return g;
  }
  const auto a_of = matrix_indices(a_batch, batch), b_of = matrix_indices(b_batch, batch);
  for (size_t i = 0; i < a_of.size(); ++i) g.batches.emplace_back(a_of[i], b_of[i]);
  return g;
}

} // namespace octet

// Float matrix products: MatMul, Gemm, and the lowered MatMul, which adds a bias and an activation.
#include <algorithm>

#include "kernels/gemm_f32/gemm_f32.h"
#include "ops/activation.h"
#include "ops/element.h"
#include "ops/matmul_geometry.h"
#include "ops/packed_operand.h"

namespace octet {
namespace {
// alpha · op(A) · op(B), where op may transpose. Matrices only for transposed operands.
struct Product {
  MatMulGeometry geometry;
  bool trans_a = false, trans_b = false;
  float alpha = 1, beta = 1;
};

void infer_matmul(InferContext& ctx) {
  ctx.set_output(0, ctx.dtype(0), matmul_geometry(ctx, 0, 1).output);
}

Product plain_product(const NodeContext& ctx) {
  return {.geometry = matmul_geometry(ctx, 0, 1)};
}

// --- Gemm: matrices, either of which may be given transposed
Product gemm_product(const NodeContext& ctx) {
  const Shape &a = ctx.shape(0), &b = ctx.shape(1);
  Product p{.trans_a = ctx.attributes().get_int("transA", 0) != 0,
            .trans_b = ctx.attributes().get_int("transB", 0) != 0,
            .alpha = ctx.attributes().get_float("alpha", 1),
            .beta = ctx.attributes().get_float("beta", 1)};
  if (a.rank() != 2 || b.rank() != 2 || a[p.trans_a ? 0 : 1] != b[p.trans_b ? 1 : 0])
    ctx.fail("shapes ", to_string(a), " and ", to_string(b), " do not multiply");
  MatMulGeometry& g = p.geometry;
  g.m = dim(a, p.trans_a ? 1 : 0);
  g.k = dim(a, p.trans_a ? 0 : 1);
  g.n = dim(b, p.trans_b ? 0 : 1);
  g.batches = {{0, 0}};
  g.output = Shape{static_cast<int64_t>(g.m), static_cast<int64_t>(g.n)};
  return p;
}

void infer_gemm(InferContext& ctx) {
  const Shape out = gemm_product(ctx).geometry.output;
  if (ctx.has_input(2) && broadcast_shapes(out, ctx.shape(2)) != out)
    ctx.fail("C of shape ", to_string(ctx.shape(2)), " does not broadcast to ", to_string(out));
  ctx.set_output(0, ctx.dtype(0), out);
}

// --- lowered MatMul (a, b, bias): b is a matrix, with transB transposed; rows of a are products
Product lowered_product(const NodeContext& ctx) {
  const Shape &a = ctx.shape(0), &b = ctx.shape(1);
  if (ctx.attributes().get_int("transB", 0) == 0) return plain_product(ctx);
  if (a.rank() == 0 || b.rank() != 2 || a.back() != b[1])
    ctx.fail("shapes ", to_string(a), " and ", to_string(b), " do not multiply");
  Product p{.trans_b = true};
  MatMulGeometry& g = p.geometry;
  g.m = a.elements(0, a.rank() - 1);
  g.k = dim(b, 1);
  g.n = dim(b, 0);
  g.batches = {{0, 0}};
  g.output = a;
  g.output[a.rank() - 1] = b[0];
  return p;
}

void infer_lowered_matmul(InferContext& ctx) {
  ctx.set_output(0, ctx.dtype(0), lowered_product(ctx).geometry.output);
}

// --- running
PackedOperand pack_right(PrepareContext& ctx, const Product& p, ScratchLayout& scratch) {
  const MatMulGeometry& g = p.geometry;
  const size_t matrix = kernels::packed_f32_elements(g.n, 1, g.k);
  const auto pack = [=, n = g.n, k = g.k, count = g.b_matrices, alpha = p.alpha,
                     trans = p.trans_b](const float* from, float* to) {
    const auto row = static_cast<ptrdiff_t>(trans ? k : n);
    for (size_t i = 0; i < count; ++i)
      kernels::pack_f32({.data = from + i * n * k,
                         .n = n,
                         .k = k,
                         .n_stride = trans ? row : 1,
                         .k_stride = trans ? 1 : row},
                        to + i * matrix);
    if (alpha == 1) return;
    for (size_t i = 0; i < count * matrix; ++i) to[i] *= alpha;
  };
  return PackedOperand(ctx, 1, concat("gemm_f32/", p.trans_b ? "t/" : "n/", p.alpha),
                       checked_mul(matrix, g.b_matrices), scratch, pack);
}

void transpose(const float* from, size_t rows, size_t columns, float* to) {
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = 0; c < columns; ++c) to[c * rows + r] = from[r * columns + c];
}

// What is added to the product: a row under all rows goes into the kernel's output step, anything
// else that broadcasts to the output is added afterwards.
struct Addend {
  PackedOperand row;
  bool is_matrix = false;
  size_t row_stride = 0, column_stride = 0;
  float factor = 1;

  Addend(PrepareContext& ctx, const Product& p, ScratchLayout& scratch) : factor(p.beta) {
    if (!ctx.has_input(2)) return;
    const Shape& shape = ctx.shape(2);
    const auto n = static_cast<int64_t>(p.geometry.n);
    const size_t elements = shape.elements();
    if (elements == p.geometry.n && shape.rank() >= 1 && shape.back() == n) {
      row = padded_bias(ctx, 2, p.geometry.n, scratch, p.beta);
      return;
    }
    if (ctx.dtype(2) != DType::Float32) ctx.unsupported("C of type ", dtype_name(ctx.dtype(2)));
    is_matrix = true;
    column_stride = shape.rank() >= 1 && shape.back() != 1 ? 1 : 0;
    row_stride = shape.rank() >= 2 && shape[0] != 1 ? dim(shape, 1) : 0;
  }

  void add(const float* from, size_t m, size_t n, float* to) const {
    for (size_t r = 0; r < m; ++r, from += row_stride, to += n)
      for (size_t c = 0; c < n; ++c) to[c] += factor * from[c * column_stride];
  }
};

Kernel product_kernel(PrepareContext& ctx, const Product& p) {
  const MatMulGeometry& g = p.geometry;
  if (ctx.dtype(0) != DType::Float32) ctx.unsupported("data of type ", dtype_name(ctx.dtype(0)));
  if (g.output.elements() == 0) return [](const RunContext&) {};
  ScratchLayout scratch;
  PackedOperand right = pack_right(ctx, p, scratch);
  Addend addend(ctx, p, scratch);
  const size_t left = p.trans_a ? scratch.reserve_floats(g.a_elements()) : 0;
  ctx.request_scratch(scratch.bytes());
  return [=, trans_a = p.trans_a, matrix = kernels::packed_f32_elements(g.n, 1, g.k),
          activation = fused_activation(ctx), right = std::move(right),
          addend = std::move(addend)](const RunContext& run) {
    const float* a = run.input<float>(0);
    if (trans_a) {
      auto* transposed = reinterpret_cast<float*>(run.scratch + left);
      transpose(a, g.k, g.m, transposed);
      a = transposed;
    }
    right.prepare(run);
    addend.row.prepare(run);
    const float *b = right.get(run), *bias = addend.row.get(run);
    float* c = run.output<float>(0);
    for (const auto& [a_index, b_index] : g.batches) {
      const kernels::FGemm gemm{.m = g.m,
                                .n = g.n,
                                .k = g.k,
                                .a = a + a_index * g.a_elements(),
                                .a_stride = g.k,
                                .b = b + b_index * matrix,
                                .c = c,
                                .c_stride = g.n,
                                .params = {.bias = bias, .lo = activation.lo, .hi = activation.hi}};
      run_activated(activation, c, g.n, g.m,
                    [&](size_t begin, size_t end) { kernels::gemm_f32(gemm, begin, end); });
      if (addend.is_matrix) addend.add(run.input<float>(2), g.m, g.n, c);
      c += g.c_elements();
    }
  };
}

template <Product (*product)(const NodeContext&)>
Kernel prepare_product(PrepareContext& ctx) {
  return product_kernel(ctx, product(ctx));
}
} // namespace

extern const OpDef op_matmul{.infer = infer_matmul, .prepare = prepare_product<plain_product>};
extern const OpDef op_gemm{.infer = infer_gemm, .prepare = prepare_product<gemm_product>};
extern const OpDef op_lowered_matmul{.infer = infer_lowered_matmul,
                                     .prepare = prepare_product<lowered_product>};

} // namespace octet

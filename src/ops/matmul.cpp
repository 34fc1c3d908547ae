// Float matrix products: MatMul, Gemm, com.microsoft FusedMatMul, and the lowered MatMul, which
// adds a bias and an activation.
#include <algorithm>

#include "kernels/gemm_f32/gemm_f32.h"
#include "ops/activation.h"
#include "ops/element.h"
#include "ops/matmul_geometry.h"
#include "ops/packed_operand.h"

namespace octet {
namespace {
// alpha · op(A) · op(B), where op may transpose matrices.
struct Product {
  MatMulGeometry geometry;
  bool trans_a = false, trans_b = false;
  size_t a_columns = 0; // of a matrix of A as it lies, when it is transposed
  float alpha = 1, beta = 1;
};

void infer_matmul(InferContext& ctx) {
  if (ctx.dtype(0) != ctx.dtype(1))
    ctx.fail("operands of types ", dtype_name(ctx.dtype(0)), " and ", dtype_name(ctx.dtype(1)));
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
  p.a_columns = g.m;
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

// --- FusedMatMul: a MatMul of factor alpha whose operands may be given with their matrices
// transposed
Shape with_matrices_transposed(Shape shape) {
  if (shape.rank() >= 2) std::swap(shape[shape.rank() - 1], shape[shape.rank() - 2]);
  return shape;
}

Product fused_product(const NodeContext& ctx) {
  const Attributes& attributes = ctx.attributes();
  if (attributes.get_int("transBatchA", 0) != 0 || attributes.get_int("transBatchB", 0) != 0)
    ctx.unsupported("batches that are transposed");
  const Shape &a = ctx.shape(0), &b = ctx.shape(1);
  Product p{.trans_a = a.rank() >= 2 && attributes.get_int("transA", 0) != 0,
            .trans_b = b.rank() >= 2 && attributes.get_int("transB", 0) != 0,
            .a_columns = a.rank() >= 2 ? dim(a, a.rank() - 1) : 0,
            .alpha = attributes.get_float("alpha", 1)};
  p.geometry = matmul_geometry(ctx, p.trans_a ? with_matrices_transposed(a) : a,
                               p.trans_b ? with_matrices_transposed(b) : b);
  return p;
}

void infer_fused_matmul(InferContext& ctx) {
  ctx.set_output(0, ctx.dtype(0), fused_product(ctx).geometry.output);
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
  if (g.output.elements() == 0) return do_nothing();
  ScratchLayout scratch;
  PackedOperand right = pack_right(ctx, p, scratch);
  Addend addend(ctx, p, scratch);
  const size_t a_elements = ctx.shape(0).elements();
  const size_t left = p.trans_a ? scratch.reserve_floats(a_elements) : 0;
  ctx.request_scratch(scratch.bytes());
  return [=, trans_a = p.trans_a, a_columns = p.a_columns,
          matrix = kernels::packed_f32_elements(g.n, 1, g.k), activation = fused_activation(ctx),
          right = std::move(right), addend = std::move(addend)](const RunContext& run) {
    const float* a = run.input<float>(0);
    if (trans_a) {
      auto* transposed = reinterpret_cast<float*>(run.scratch + left);
      for (size_t i = 0; i < a_elements; i += g.k * a_columns)
        transpose(a + i, g.k, a_columns, transposed + i);
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
      run_activated(run.workers,
                    {.rows = g.m,
                     .columns = g.n,
                     .cost = g.k,
                     .row_grain = kernels::kFTileRows,
                     .column_grain = 2 * kernels::kFPanelWidth},
                    activation, c, [&](const MatrixBlock& block, size_t) {
                      kernels::gemm_f32(
                          kernels::columns_of(gemm, block.column_begin, block.column_end),
                          block.row_begin, block.row_end);
                    });
      if (addend.is_matrix) addend.add(run.input<float>(2), g.m, g.n, c);
      c += g.c_elements();
    }
  };
}

// --- MatMul of other number types: plain loops over wide numbers
template <class T>
void multiply(const void* a, const void* b, void* c, const MatMulGeometry& g) noexcept {
  const T* left = static_cast<const T*>(a);
  const T* right = static_cast<const T*>(b);
  T* to = static_cast<T*>(c);
  std::fill_n(to, g.m * g.n, T(0));
  for (size_t m = 0; m < g.m; ++m, to += g.n)
    for (size_t k = 0; k < g.k; ++k)
      for (size_t n = 0; n < g.n; ++n) to[n] += left[m * g.k + k] * right[k * g.n + n];
}
// Integers wrap.
constexpr void (*kMultiply[kWideCount])(const void*, const void*, void*,
                                        const MatMulGeometry&) noexcept = {
    multiply<float>, multiply<double>, multiply<uint64_t>, multiply<uint64_t>};

Kernel wide_product_kernel(PrepareContext& ctx, const MatMulGeometry& g) {
  const WideType& type = wide_type(ctx, ctx.dtype(0));
  const size_t wide = wide_bytes(type.wide);
  ScratchLayout scratch;
  const size_t a_at = scratch.reserve(checked_mul(g.a_elements(), wide));
  const size_t b_at = scratch.reserve(checked_mul(g.k * g.n, wide));
  const size_t c_at = scratch.reserve(checked_mul(g.c_elements(), wide));
  ctx.request_scratch(scratch.bytes());
  return [=, &type, run_one = kMultiply[static_cast<int>(type.wide)]](const RunContext& run) {
    auto* c = run.output<uint8_t>(0);
    uint8_t *a_wide = run.scratch + a_at, *b_wide = run.scratch + b_at,
            *c_wide = run.scratch + c_at;
    for (const auto& [a, b] : g.batches) {
      type.load(run.input<uint8_t>(0) + a * g.a_elements() * type.bytes, 1, g.a_elements(), a_wide);
      type.load(run.input<uint8_t>(1) + b * g.k * g.n * type.bytes, 1, g.k * g.n, b_wide);
      run_one(a_wide, b_wide, c_wide, g);
      type.store(c_wide, g.c_elements(), c);
      c += g.c_elements() * type.bytes;
    }
  };
}

Kernel prepare_matmul(PrepareContext& ctx) {
  const Product product = plain_product(ctx);
  return ctx.dtype(0) == DType::Float32 ? product_kernel(ctx, product)
                                        : wide_product_kernel(ctx, product.geometry);
}

template <Product (*product)(const NodeContext&)>
Kernel prepare_product(PrepareContext& ctx) {
  return product_kernel(ctx, product(ctx));
}
} // namespace

extern const OpDef op_matmul{
    .infer = infer_matmul, .prepare = prepare_matmul, .float32 = true, .float64 = true};
extern const OpDef op_gemm{
    .infer = infer_gemm, .prepare = prepare_product<gemm_product>, .float32 = true};
extern const OpDef op_fused_matmul{
    .infer = infer_fused_matmul, .prepare = prepare_product<fused_product>, .float32 = true};
extern const OpDef op_lowered_matmul{.infer = infer_lowered_matmul,
                                     .prepare = prepare_product<lowered_product>};

} // namespace octet

// Integer matrix products: MatMulInteger, QLinearMatMul, and the lowered MatMulIntegerToFloat and
// MatMulIntegerToCodes, which add scale, bias and activation.
#include <algorithm>
#include <optional>

#include "kernels/qdot/pack.h"
#include "kernels/qgemm/pack.h"
#include "kernels/qgemm/qgemm.h"
#include "kernels/qgemm/strassen.h"
#include "kernels/qgemv/qgemv.h"
#include "ops/activation.h"
#include "ops/integer_any.h"
#include "ops/integer_operands.h"
#include "ops/matmul_geometry.h"
#include "ops/scratch_layout.h"

namespace octet {
namespace {
// The right operand: packed once when it is constant, at each run otherwise.
class PackedMatrices {
public:
  PackedMatrices(PrepareContext& ctx, size_t input, const MatMulGeometry& g)
      : input_(input), n_(g.n), k_(g.k), count_(g.b_matrices),
        is_unsigned_(is_unsigned_code(ctx, input)),
        matrix_bytes_(kernels::packed_weight_bytes(g.n, 1, g.k)) {
    const Tensor* constant = ctx.constant(input);
    if (!constant) return;
    packed_ = ctx.packed(input, "qgemm", [&] {
      Buffer out(checked_mul(matrix_bytes_, count_));
      pack(constant->bytes(), out.data());
      return out;
    });
  }

  size_t scratch_bytes() const { return packed_ ? 0 : aligned_scratch(matrix_bytes_ * count_); }

  // All matrices, packed.
  const int8_t* get(const RunContext& run, uint8_t* scratch) const noexcept {
    if (packed_) return reinterpret_cast<const int8_t*>(packed_->data());
    pack(run.inputs[input_], scratch);
    return reinterpret_cast<const int8_t*>(scratch);
  }

  size_t matrix_bytes() const { return matrix_bytes_; }

private:
  void pack(const void* matrices, uint8_t* to) const noexcept {
    for (size_t i = 0; i < count_; ++i)
      kernels::pack_weights({.data = static_cast<const uint8_t*>(matrices) + i * n_ * k_,
                             .is_unsigned = is_unsigned_,
                             .n = n_,
                             .k = k_,
                             .n_stride = 1,
                             .k_stride = static_cast<ptrdiff_t>(n_)},
                            reinterpret_cast<int8_t*>(to) + i * matrix_bytes_);
  }

  size_t input_, n_, k_, count_;
  bool is_unsigned_;
  size_t matrix_bytes_;
  std::shared_ptr<const Buffer> packed_;
};

// What the three operators share: geometry, operands, the loop over batches.
struct IntegerMatMul {
  IntegerMatMul(PrepareContext& ctx, size_t a_input, size_t a_zero, size_t b_input, size_t b_zero)
      : geometry(matmul_geometry(ctx, a_input, b_input)), a(ctx, a_input, a_zero),
        byte_dot(byte_dot_weights(ctx, b_input, b_zero)), b_zero(ctx, b_input, b_zero, geometry.n) {
    if (!byte_dot) b.emplace(ctx, b_input, geometry);
    combines =
        !byte_dot && !a.is_wide() && kernels::strassen_pays(geometry.m, geometry.n, geometry.k);
    ScratchLayout scratch;
    scratch.reserve(a.scratch_bytes() + b_scratch_bytes() + this->b_zero.scratch_bytes());
    if (combines) {
      combined_at = scratch.reserve(
          checked_mul(geometry.m / kernels::kBlockRows,
                      kernels::combined_row_bytes(kernels::kBlockRows, geometry.k)));
      panel_bytes = aligned_scratch(kernels::combined_panel_bytes(geometry.k));
      panels_at = scratch.reserve(checked_mul(panel_bytes, ctx.worker_count()));
    }
    ctx.request_scratch(scratch.bytes());
  }

  ByteDotWeights byte_dot_weights(PrepareContext& ctx, size_t b_input, size_t b_zero) const {
    const size_t n = geometry.n, k = geometry.k;
    const bool zero_known = !ctx.has_input(b_zero) || ctx.constant(b_zero);
    if (geometry.b_matrices != 1 || k % 2 != 0 || !zero_known || !a.has_codes()) return {};
    return ByteDotWeights(ctx, b_input, column_zero_points(ctx, b_input, b_zero, n),
                          {.columns = n,
                           .column_codes = k,
                           .packed_bytes = kernels::packed_dot_weight_bytes(n, 1, k / 2)},
                          [&](const uint8_t* source, int8_t* to, int32_t* sums) {
                            kernels::pack_dot_weights(
                                {.data = source,
                                 .is_unsigned = is_unsigned_code(ctx, b_input),
                                 .n = n,
                                 .k = k,
                                 .n_stride = 1,
                                 .k_stride = static_cast<ptrdiff_t>(n)},
                                to, sums);
                          });
  }

  size_t b_scratch_bytes() const {
    return byte_dot ? byte_dot.scratch_bytes() : b->scratch_bytes();
  }

  void run(const RunContext& context, kernels::QOutput output, kernels::QOutputParams params,
           const FusedActivation& activation) const noexcept {
    uint8_t* b_scratch = context.scratch + a.scratch_bytes();
    const int16_t* a_data = nullptr;
    const int8_t* b_data = nullptr;
    size_t k = geometry.k, b_matrix_bytes = 0;
    if (byte_dot) {
      a_data = a.codes(context, context.scratch);
      b_data = byte_dot.data();
      k /= 2;
      byte_dot.set(params, a.code_zero(context), b_scratch);
    } else {
      a_data = a.widen(context, context.scratch);
      b_data = b->get(context, b_scratch);
      b_matrix_bytes = b->matrix_bytes();
      params.w_zero = b_zero.get(context, b_scratch + b->scratch_bytes());
    }
    const size_t c_bytes = geometry.c_elements() * kernels::output_bytes(output);
    auto* c = context.output<uint8_t>(0);
    for (const auto& [a_index, b_index] : geometry.batches) {
      const kernels::QGemm gemm{.m = geometry.m,
                                .n = geometry.n,
                                .k = k,
                                .a = a_data + a_index * geometry.m * k,
                                .a_stride = k,
                                .b = b_data + b_index * b_matrix_bytes,
                                .c = c,
                                .c_stride = geometry.n,
                                .byte_dot = static_cast<bool>(byte_dot),
                                .output = output,
                                .params = params};
      run_one(context, gemm, activation);
      c += c_bytes;
    }
  }

  void run_one(const RunContext& context, kernels::QGemm gemm,
               const FusedActivation& activation) const noexcept {
    const bool is_vector = gemm.m <= kernels::kMaxGemvRows;
    MatrixSplit split{.rows = gemm.m,
                      .columns = gemm.n,
                      .cost = gemm.k,
                      .row_grain = is_vector ? gemm.m : kernels::kTileRows,
                      .column_grain = 2 * kernels::kPanelWidth};
    if (combines) {
      combine(context, gemm);
      split.row_grain = kernels::kBlockRows;
    }
    run_activated(context.workers, split, activation, static_cast<float*>(gemm.c),
                  [&](const MatrixBlock& block, size_t worker) {
                    kernels::QGemm part =
                        kernels::columns_of(gemm, block.column_begin, block.column_end);
                    part.panels = context.scratch + panels_at + worker * panel_bytes;
                    if (is_vector)
                      kernels::qgemv(part, 0, part.n);
                    else
                      kernels::qgemm(part, block.row_begin, block.row_end);
                  });
  }

  void combine(const RunContext& context, kernels::QGemm& gemm) const noexcept {
    void* const combined = context.scratch + combined_at;
    context.workers.split(gemm.m, kernels::kBlockRows, 4 * gemm.k,
                          [&](size_t begin, size_t end, size_t) {
                            kernels::combine_rows(gemm, begin, end, combined);
                          });
    gemm.combined_rows = combined;
  }

  ProductSize size() const { return {geometry.n, geometry.k}; }
  bool is_empty() const { return geometry.output.elements() == 0; }

  MatMulGeometry geometry;
  IntegerActivation a;
  ByteDotWeights byte_dot;
  std::optional<PackedMatrices> b; // where byte_dot has no weights
  ColumnZeroPoints b_zero;
  bool combines = false; // by Strassen's product; then places in the scratch memory
  size_t combined_at = 0, panels_at = 0, panel_bytes = 0;
};

void infer_matmul_integer(InferContext& ctx) {
  ctx.set_output(0, DType::Int32, matmul_geometry(ctx, 0, 1).output);
}

// Whether there is at most one zero point of the left operand, and what else the kernels want known
// is.
bool has_kernel(const PrepareContext& ctx, size_t a_zero, std::initializer_list<size_t> constants) {
  const auto is_known = [&](size_t input) {
    const Tensor* constant = ctx.constant(input);
    return constant && (constant->dtype() == DType::Float32 || is_integer(constant->dtype()));
  };
  return (!ctx.has_input(a_zero) || ctx.shape(a_zero).elements() == 1) &&
         std::all_of(constants.begin(), constants.end(), is_known);
}

Kernel prepare_matmul_integer(PrepareContext& ctx) {
  if (!has_kernel(ctx, 2, {})) return prepare_matmul_integer_any(ctx);
  IntegerMatMul product(ctx, 0, 2, 1, 3);
  if (product.is_empty()) return do_nothing();
  return [product = std::move(product)](const RunContext& run) {
    product.run(run, kernels::QOutput::i32, {}, {});
  };
}

// (a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero)
void infer_qlinear_matmul(InferContext& ctx) {
  ctx.set_output(0, ctx.dtype(7), matmul_geometry(ctx, 0, 3).output);
}

Kernel prepare_qlinear_matmul(PrepareContext& ctx) {
  if (!has_kernel(ctx, 2, {1, 4, 6, 7})) return prepare_qlinear_matmul_any(ctx);
  IntegerMatMul product(ctx, 0, 2, 3, 5);
  if (product.is_empty()) return do_nothing();
  Requantize requantize = requantize_params(ctx, 1, 4, 6, 7, product.size(), {});
  return [product = std::move(product), requantize = std::move(requantize)](const RunContext& run) {
    kernels::QOutputParams params;
    requantize.set(params);
    product.run(run, requantize.output, params, {});
  };
}

// (a, b, a_scale, b_scale, a_zero, b_zero, bias)
void infer_matmul_to_float(InferContext& ctx) {
  ctx.set_output(0, DType::Float32, matmul_geometry(ctx, 0, 1).output);
}

Kernel prepare_matmul_to_float(PrepareContext& ctx) {
  IntegerMatMul product(ctx, 0, 4, 1, 5);
  if (product.is_empty()) return do_nothing();
  ToFloat finish = to_float_params(ctx, product.geometry.n);
  return [product = std::move(product), finish = std::move(finish)](const RunContext& run) {
    product.run(run, kernels::QOutput::f32, finish.params(run), finish.activation);
  };
}

// The same; the result are codes or bytes.
void infer_matmul_to_codes(InferContext& ctx) {
  ctx.set_output(0, to_codes_type(ctx), matmul_geometry(ctx, 0, 1).output);
}

Kernel prepare_matmul_to_codes(PrepareContext& ctx) {
  IntegerMatMul product(ctx, 0, 4, 1, 5);
  if (product.is_empty()) return do_nothing();
  ToCodes finish = to_codes_params(ctx, product.size());
  return [product = std::move(product), finish = std::move(finish)](const RunContext& run) {
    product.run(run, finish.output, finish.params(), {});
  };
}
} // namespace

extern const OpDef op_matmul_integer{.infer = infer_matmul_integer,
                                     .prepare = prepare_matmul_integer};
extern const OpDef op_qlinear_matmul{.infer = infer_qlinear_matmul,
                                     .prepare = prepare_qlinear_matmul};
extern const OpDef op_matmul_integer_to_float{.infer = infer_matmul_to_float,
                                              .prepare = prepare_matmul_to_float};
extern const OpDef op_matmul_integer_to_codes{.infer = infer_matmul_to_codes,
                                              .prepare = prepare_matmul_to_codes};

} // namespace octet

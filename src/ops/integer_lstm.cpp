// com.microsoft DynamicQuantizeLSTM: an LSTM whose weights are 8-bit codes and whose operands X and
// h are quantized when they are multiplied, as DynamicQuantizeLinear would quantize all rows of the
// product together.
//
// Operands 0 and 3 to 7 are those of LSTM; W [directions, input, 4·hidden] and R [directions,
// hidden, 4·hidden] have scales (8, 10) and zero points (9, 11) of shape [directions] or
// [directions, 4·hidden].
// https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
#include <algorithm>

#include "kernels/convert/convert.h"
#include "kernels/qdot/pack.h"
#include "kernels/qgemm/pack.h"
#include "kernels/qgemv/qgemv.h"
#include "ops/element.h"
#include "ops/integer_operands.h"
#include "ops/lstm.h"

namespace octet {
namespace {
constexpr size_t kGates = 4;

RecurrentShape quantized_shape(const NodeContext& ctx) {
  const Shape &w = ctx.shape(1), &r = ctx.shape(2);
  if (w.rank() != 3 || r.rank() != 3) ctx.fail("W and R must have rank 3");
  const RecurrentShape s = recurrent_shape(ctx, kGates, r[1], r[0]);
  const auto columns = static_cast<int64_t>(s.gate_floats());
  if (w != Shape{r[0], static_cast<int64_t>(s.input), columns} || r[2] != columns)
    ctx.fail("W of shape ", to_string(w), " and R of shape ", to_string(r), " do not fit X of ",
             to_string(ctx.shape(0)));
  return s;
}

void infer_quantized_lstm(InferContext& ctx) {
  set_recurrent_outputs(ctx, quantized_shape(ctx));
}

// One direction's [k, n] codes with what the output step needs.
struct QuantizedMatrix {
  ByteDotWeights byte_dot;
  std::shared_ptr<const Buffer> packed; // where byte_dot has no weights
  bool is_wide = false;                 // packed: int16
  size_t n = 0, k = 0;
  std::vector<float> scale;
  std::vector<int32_t> zero; // empty when all are 0
};

// Places in the scratch memory that all products of a run use in turn.
struct ProductScratch {
  size_t codes_at, bias_at;
};

// Entry `column` of direction `d` in a tensor of [directions] or [directions, columns].
size_t parameter_index(const NodeContext& ctx, size_t input, size_t d, size_t column,
                       size_t directions, size_t n) {
  const size_t count = ctx.shape(input).elements();
  if (count != directions && count != directions * n)
    ctx.fail("input ", input, " has ", count, " entries for ", directions, " directions of ", n,
             " columns");
  return count == directions ? d : d * n + column;
}

// How often a run multiplies with a matrix, and with how many rows at a time.
struct MatrixUse {
  size_t times, rows;
};

// Whether it pays to read int16 from a cache instead of widening int8 each time.
bool reads_widened(const MatrixUse& use, size_t n, size_t k) {
  constexpr size_t kCacheBytes = 1024 * 1024, kFewestTimes = 8;
  return use.rows <= kernels::kMaxGemvRows && use.times >= kFewestTimes &&
         kernels::packed_weight_bytes(n, 1, k) <= kCacheBytes / sizeof(int16_t);
}

QuantizedMatrix quantized_matrix(PrepareContext& ctx, size_t input, size_t d, size_t scale_input,
                                 const MatrixUse& use) {
  const Shape& shape = ctx.shape(input);
  const size_t directions = dim(shape, 0), k = dim(shape, 1), n = dim(shape, 2),
               zero_input = scale_input + 1;
  const bool is_unsigned = is_unsigned_code(ctx, input);
  const Tensor *codes = ctx.constant(input), *scale = ctx.constant(scale_input);
  const auto zero = ctx.int_values(zero_input);
  if (!codes || !scale || scale->dtype() != DType::Float32 || !zero)
    ctx.unsupported("weights, scales or zero points that are not constant");
  QuantizedMatrix out{.n = n, .k = k};
  out.scale.assign(kernels::column_capacity(n), 1.0f);
  out.zero.assign(kernels::column_capacity(n), 0);
  for (size_t c = 0; c < n; ++c) {
    out.scale[c] = scale->values<float>()[parameter_index(ctx, scale_input, d, c, directions, n)];
    const auto point = (*zero)[parameter_index(ctx, zero_input, d, c, directions, n)];
    out.zero[c] = kernels::stored_weight_zero(static_cast<int32_t>(point), is_unsigned);
  }
  drop_zeros(out.zero);
  const auto weights = [&](const uint8_t* all) {
    return kernels::QWeights{.data = all + d * k * n,
                             .is_unsigned = is_unsigned,
                             .n = n,
                             .k = k,
                             .n_stride = 1,
                             .k_stride = static_cast<ptrdiff_t>(n)};
  };
  if (k % 2 == 0)
    out.byte_dot = ByteDotWeights(ctx, input, out.zero,
                                  {.columns = n,
                                   .column_codes = k,
                                   .packed_bytes = kernels::packed_dot_weight_bytes(n, 1, k / 2),
                                   .part = d},
                                  [&](const uint8_t* source, int8_t* to, int32_t* sums) {
                                    kernels::pack_dot_weights(weights(source), to, sums);
                                  });
  if (out.byte_dot) return out;
  out.is_wide = reads_widened(use, n, k);
  out.packed = ctx.packed(input, concat(out.is_wide ? "lstm/wide/" : "lstm/", d), [&] {
    Buffer packed(kernels::packed_weight_bytes(n, 1, k));
    auto* panels = reinterpret_cast<int8_t*>(packed.data());
    kernels::pack_weights(weights(codes->bytes()), panels);
    if (!out.is_wide) return packed;
    Buffer wide(packed.size() * sizeof(int16_t));
    kernels::widen_s8(panels, packed.size(), 0, reinterpret_cast<int16_t*>(wide.data()));
    return wide;
  });
  return out;
}

// Quantizes the rows of `a` and points the operands of the product at them and at the weights.
void set_operands(const QuantizedMatrix& matrix, const ProductScratch& at, const RunContext& run,
                  const float* a, kernels::QGemm& gemm) noexcept {
  const size_t count = gemm.m * matrix.k;
  const auto params = kernels::choose_dynamic_params(kernels::value_range(a, count));
  auto* codes = reinterpret_cast<int16_t*>(run.scratch + at.codes_at);
  gemm.a = codes;
  gemm.params.a_scale = params.scale;
  if (!matrix.byte_dot) {
    kernels::quantize_s16(a, count, params, codes);
    if (matrix.is_wide)
      gemm.wide = reinterpret_cast<const int16_t*>(matrix.packed->data());
    else
      gemm.b = reinterpret_cast<const int8_t*>(matrix.packed->data());
    gemm.params.w_zero = data_or_null(matrix.zero);
    return;
  }
  const int32_t a_zero = quantize_for_byte_dot(a, count, params, reinterpret_cast<uint8_t*>(codes));
  gemm.b = matrix.byte_dot.data();
  gemm.k = gemm.a_stride = matrix.k / 2;
  gemm.byte_dot = true;
  matrix.byte_dot.set(gemm.params, a_zero, run.scratch + at.bias_at);
}

RowProduct quantized_product(QuantizedMatrix matrix, const ProductScratch& at) {
  return {.begin = [](const RunContext&) {},
          .multiply =
              [matrix = std::move(matrix), at](const RunContext& run, const float* a, size_t rows,
                                               const float* bias, float* out) {
                kernels::QGemm gemm{.m = rows,
                                    .n = matrix.n,
                                    .k = matrix.k,
                                    .a_stride = matrix.k,
                                    .c = out,
                                    .c_stride = matrix.n,
                                    .output = kernels::QOutput::f32,
                                    .params = {.scale = matrix.scale.data(), .bias_f32 = bias}};
                set_operands(matrix, at, run, a, gemm);
                if (rows <= kernels::kMaxGemvRows)
                  kernels::qgemv(gemm, 0, matrix.n);
                else
                  kernels::qgemm(gemm, 0, rows);
              }};
}

Kernel prepare_quantized_lstm(PrepareContext& ctx) {
  const RecurrentShape shape = quantized_shape(ctx);
  ScratchLayout scratch;
  const size_t elements =
      shape.batch * std::max(checked_mul(shape.steps, shape.input), shape.hidden);
  const ProductScratch at{
      .codes_at = scratch.reserve(checked_mul(elements, sizeof(int16_t))),
      .bias_at = scratch.reserve(kernels::column_capacity(shape.gate_floats()) * sizeof(int32_t))};
  const MatrixUse of_input{.times = 1, .rows = shape.steps * shape.batch},
      of_state{.times = shape.steps, .rows = shape.batch};
  std::vector<LstmProducts> products;
  for (size_t d = 0; d < shape.directions; ++d)
    products.push_back({quantized_product(quantized_matrix(ctx, 1, d, 8, of_input), at),
                        quantized_product(quantized_matrix(ctx, 2, d, 10, of_state), at)});
  return lstm_kernel(ctx, shape, std::move(products), scratch);
}
} // namespace

extern const OpDef op_dynamic_quantize_lstm{.infer = infer_quantized_lstm,
                                            .prepare = prepare_quantized_lstm};

} // namespace octet

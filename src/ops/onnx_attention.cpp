// ONNX Attention (23 on) and FlexAttention. Operands of rank 4 are [batch, heads, rows, depth],
// those of rank 3 [batch, rows, heads · depth].
#include <cmath>

#include "kernels/gemm_f32/gemm_f32.h"
#include "kernels/softmax/softmax.h"
#include "ops/dot_attention.h"
#include "ops/values.h"

namespace octet {
namespace {
int64_t as_dim(size_t size) {
  return static_cast<int64_t>(size);
}

// --- Attention: Q, K, V, attn_mask, past_key, past_value, nonpad_kv_seqlen
struct Heads {
  size_t batch, heads, rows, depth;
  HeadInput input;
};

Heads heads_of(const NodeContext& ctx, size_t input, const char* count) {
  const Shape& shape = ctx.shape(input);
  if (shape.rank() == 4) {
    const size_t heads = dim(shape, 1), rows = dim(shape, 2), depth = dim(shape, 3);
    return {dim(shape, 0),
            heads,
            rows,
            depth,
            {.input = input, .strides = head_major_strides(rows, heads, depth)}};
  }
  const int64_t given = ctx.attributes().get_int(count, 0);
  if (shape.rank() != 3 || given < 1 || shape[2] % given != 0)
    ctx.fail("input ", input, " of shape ", to_string(shape), " is not made of ", count, " = ",
             given, " heads");
  const auto heads = static_cast<size_t>(given);
  const size_t depth = dim(shape, 2) / heads;
  return {dim(shape, 0),
          heads,
          dim(shape, 1),
          depth,
          {.input = input, .strides = packed_strides(dim(shape, 1), heads, depth)}};
}

void check_group(const NodeContext& ctx, size_t heads, size_t kv_heads) {
  if (kv_heads == 0 ? heads != 0 : heads % kv_heads != 0)
    ctx.fail(heads, " heads of queries do not share ", kv_heads, " of keys");
}

void check_shape(const NodeContext& ctx, size_t input, const Shape& expected) {
  if (ctx.shape(input) != expected)
    ctx.fail("input ", input, " of shape ", to_string(ctx.shape(input)), " should have ",
             to_string(expected));
}

int64_t window_of(const NodeContext& ctx, const char* attribute) {
  const int64_t size = ctx.attributes().get_int(attribute, -1);
  if (size < -1) ctx.fail(attribute, " is ", size);
  return std::min<int64_t>(size, INT32_MAX);
}

void read_mask(const NodeContext& ctx, AttentionPlan& plan) {
  const Shape& mask = ctx.shape(3);
  Shape scores{as_dim(plan.batch), as_dim(plan.heads), as_dim(plan.rows), as_dim(plan.columns)};
  bool fits = mask.rank() >= 1 && mask.rank() <= 4 && mask.back() <= as_dim(plan.columns);
  for (size_t i = 0; fits && i + 1 < mask.rank(); ++i) {
    const int64_t size = mask[i];
    fits = size == 1 || size == scores[4 - mask.rank() + i];
  }
  if (!fits) ctx.fail("attn_mask of shape ", to_string(mask), " for scores of ", to_string(scores));
  plan.bias = 3;
  plan.bias_columns = dim(mask, mask.rank() - 1);
}

void read_past(const NodeContext& ctx, AttentionPlan& plan) {
  if (ctx.has_input(4) != ctx.has_input(5)) ctx.fail("past_key and past_value come together");
  if (!ctx.has_input(4)) return;
  if (ctx.has_input(6)) ctx.fail("nonpad_kv_seqlen does not go with past_key");
  const Shape& past = ctx.shape(4);
  plan.past_rows = past.rank() == 4 ? dim(past, 2) : 0;
  const auto expected = [&](size_t depth) {
    return Shape{as_dim(plan.batch), as_dim(plan.kv_heads), as_dim(plan.past_rows), as_dim(depth)};
  };
  check_shape(ctx, 4, expected(plan.depth));
  check_shape(ctx, 5, expected(plan.value_depth));
  plan.past_k = {4, 0};
  plan.past_v = {5, 0};
}

AttentionPlan attention_plan(const NodeContext& ctx) {
  const Heads q = heads_of(ctx, 0, "q_num_heads"), k = heads_of(ctx, 1, "kv_num_heads"),
              v = heads_of(ctx, 2, "kv_num_heads");
  AttentionPlan plan{.batch = q.batch,
                     .heads = q.heads,
                     .kv_heads = k.heads,
                     .rows = q.rows,
                     .new_rows = k.rows,
                     .depth = q.depth,
                     .value_depth = v.depth,
                     .q = q.input,
                     .k = k.input,
                     .v = v.input};
  if (k.batch != q.batch || v.batch != q.batch || v.heads != k.heads || v.rows != k.rows ||
      k.depth != q.depth)
    ctx.fail("shapes ", to_string(ctx.shape(0)), ", ", to_string(ctx.shape(1)), " and ",
             to_string(ctx.shape(2)), " do not go together");
  check_group(ctx, q.heads, k.heads);
  read_past(ctx, plan);
  plan.columns = checked_add(plan.past_rows, plan.new_rows);
  plan.y = ctx.shape(0).rank() == 4 ? head_major_strides(q.rows, q.heads, v.depth)
                                    : packed_strides(q.rows, q.heads, v.depth);
  if (ctx.has_input(3)) read_mask(ctx, plan);
  if (ctx.has_input(6)) {
    check_shape(ctx, 6, {as_dim(plan.batch)});
    plan.lengths = KeyLengths::Valid;
    plan.lengths_input = 6;
  }
  const Attributes& attributes = ctx.attributes();
  plan.scale = attributes.get_float("scale", 0);
  plan.softcap = attributes.get_float("softcap", 0);
  plan.left_window = window_of(ctx, "left_window_size");
  plan.right_window = window_of(ctx, "right_window_size");
  if (attributes.get_int("is_causal", 0) != 0) plan.right_window = 0;
  plan.scores_stage = attributes.get_int("qk_matmul_output_mode", 0);
  if (plan.scores_stage < 0 || plan.scores_stage > 3)
    ctx.fail("qk_matmul_output_mode is ", plan.scores_stage);
  return plan;
}

void infer_attention(InferContext& ctx) {
  const AttentionPlan plan = attention_plan(ctx);
  const int64_t batch = as_dim(plan.batch), rows = as_dim(plan.rows), heads = as_dim(plan.heads);
  const int64_t columns = as_dim(plan.columns), kv_heads = as_dim(plan.kv_heads);
  const Shape y = ctx.shape(0).rank() == 4
                      ? Shape{batch, heads, rows, as_dim(plan.value_depth)}
                      : Shape{batch, rows, as_dim(checked_mul(plan.heads, plan.value_depth))};
  ctx.set_output(0, ctx.dtype(0), y);
  ctx.set_output(1, ctx.dtype(1), {batch, kv_heads, columns, as_dim(plan.depth)});
  ctx.set_output(2, ctx.dtype(2), {batch, kv_heads, columns, as_dim(plan.value_depth)});
  ctx.set_output(3, ctx.dtype(0), {batch, heads, rows, columns});
}

Kernel prepare_attention(PrepareContext& ctx) {
  AttentionPlan plan = attention_plan(ctx);
  if (ctx.has_output(1)) plan.present_k = {1, 0};
  if (ctx.has_output(2)) plan.present_v = {2, 0};
  if (ctx.has_output(3)) plan.scores_output = 3;
  return attention_kernel(ctx, plan);
}

// --- FlexAttention: Q, K, V of rank 4; subgraphs change the scores and the weights
struct FlexShape {
  size_t batch, heads, kv_heads, rows, columns, depth, value_depth;

  size_t kv_head(size_t i) const { return i / heads * kv_heads + i % heads / (heads / kv_heads); }
};

FlexShape flex_shape(const NodeContext& ctx) {
  for (size_t i = 0; i < 3; ++i)
    if (ctx.shape(i).rank() != 4)
      ctx.fail("input ", i, " of shape ", to_string(ctx.shape(i)), "; rank 4 expected");
  const Shape &q = ctx.shape(0), &k = ctx.shape(1), &v = ctx.shape(2);
  check_shape(ctx, 1, {q[0], k[1], k[2], q[3]});
  check_shape(ctx, 2, {q[0], k[1], k[2], v[3]});
  check_group(ctx, dim(q, 1), dim(k, 1));
  return {dim(q, 0), dim(q, 1), dim(k, 1), dim(q, 2), dim(k, 2), dim(q, 3), dim(v, 3)};
}

void infer_flex_attention(InferContext& ctx) {
  flex_shape(ctx);
  Shape y = ctx.shape(0);
  y[3] = ctx.shape(2)[3];
  ctx.set_output(0, ctx.dtype(0), y);
}

DType softmax_type(const NodeContext& ctx) {
  const DType fallback = ctx.dtype(0) == DType::Float64 ? DType::Float64 : DType::Float32;
  const int64_t given =
      ctx.attributes().get_int("softmax_precision", static_cast<int64_t>(fallback));
  for (DType dtype : {DType::Float32, DType::Float16, DType::BFloat16, DType::Float64})
    if (given == static_cast<int64_t>(dtype)) return dtype;
  ctx.fail("softmax_precision is ", given);
}

// What a subgraph makes of numbers, which keep their shape.
Tensor modified(const NodeContext& ctx, const char* attribute, Tensor values) {
  const auto* graph = ctx.attributes().find_graph(attribute);
  if (!graph || !*graph) return values;
  std::vector<Tensor> inputs = {convert(ctx, values, softmax_type(ctx))};
  for (Tensor& capture : values_of(ctx.captures())) inputs.push_back(std::move(capture));
  std::vector<Tensor> outputs = ctx.host()->run(**graph, inputs);
  if (outputs.size() != 1 || outputs[0].shape() != values.shape())
    ctx.fail(attribute, " does not yield one tensor of shape ", to_string(values.shape()));
  return convert(ctx, outputs[0], DType::Float32);
}

Buffer float_room(const NodeContext& ctx, const Shape& shape) {
  const size_t bytes = checked_mul(shape.elements(), sizeof(float));
  if (bytes > limits::kMaxTensorBytes) ctx.fail(to_string(shape), " is too large");
  return Buffer(bytes);
}

// One product for each head: a [rows, k] · b, of which element (k, n) is at k · k_stride + n ·
// n_stride; heads of b are `b_head` apart.
Tensor head_products(const NodeContext& ctx, const FlexShape& s, const Tensor& a, const Tensor& b,
                     const kernels::FWeights& layout, const Shape& shape) {
  Buffer out = float_room(ctx, shape);
  Buffer packed(checked_mul(kernels::packed_f32_elements(layout.n, 1, layout.k), sizeof(float)));
  auto* right = reinterpret_cast<float*>(packed.data());
  for (size_t i = 0; i < s.batch * s.heads; ++i) {
    kernels::FWeights weights = layout;
    weights.data = b.values<float>().data() + s.kv_head(i) * layout.n * layout.k;
    kernels::pack_f32(weights, right);
    kernels::gemm_f32({.m = s.rows,
                       .n = layout.n,
                       .k = layout.k,
                       .a = a.values<float>().data() + i * s.rows * layout.k,
                       .a_stride = layout.k,
                       .b = right,
                       .c = reinterpret_cast<float*>(out.data()) + i * s.rows * layout.n,
                       .c_stride = layout.n},
                      0, s.rows);
  }
  return Tensor(DType::Float32, shape, SharedBytes(std::move(out)));
}

// Replaces dense rows by scale · x, or by softmax(x) without a scale.
Tensor scaled_or_weights(const NodeContext& ctx, const Tensor& x, size_t columns,
                         std::optional<float> scale) {
  Buffer out = float_room(ctx, x.shape());
  auto* y = reinterpret_cast<float*>(out.data());
  const auto values = x.values<float>();
  std::transform(values.begin(), values.end(), y, [&](float v) { return v * scale.value_or(1); });
  if (!scale && columns != 0)
    kernels::softmax_f32(
        {.shape = {.outer = values.size() / columns, .axis = columns}, .x = y, .y = y});
  return Tensor(DType::Float32, x.shape(), SharedBytes(std::move(out)));
}

std::vector<Tensor> compute_flex_attention(const NodeContext& ctx) {
  const FlexShape s = flex_shape(ctx);
  Tensor operands[3];
  for (size_t i = 0; i < 3; ++i) operands[i] = convert(ctx, ctx.value(i), DType::Float32);
  const auto [q, k, v] = operands;
  const float scale =
      ctx.attributes().get_float("scale", 1 / std::sqrt(static_cast<float>(s.depth)));
  Shape scores_shape = ctx.shape(0), y_shape = ctx.shape(0);
  scores_shape[3] = ctx.shape(1)[2];
  y_shape[3] = ctx.shape(2)[3];
  const auto step = [](size_t n) { return static_cast<ptrdiff_t>(n); };
  Tensor scores = head_products(
      ctx, s, q, k, {.n = s.columns, .k = s.depth, .n_stride = step(s.depth), .k_stride = 1},
      scores_shape);
  scores = modified(ctx, "score_mod", scaled_or_weights(ctx, scores, s.columns, scale));
  const Tensor weights =
      modified(ctx, "prob_mod", scaled_or_weights(ctx, scores, s.columns, std::nullopt));
  const Tensor y = head_products(
      ctx, s, weights, v,
      {.n = s.value_depth, .k = s.columns, .n_stride = 1, .k_stride = step(s.value_depth)},
      y_shape);
  return {convert(ctx, y, ctx.dtype(0))};
}
} // namespace

extern const OpDef op_onnx_attention{
    .infer = infer_attention, .prepare = prepare_attention, .float32 = true};
extern const OpDef op_flex_attention{.infer = infer_flex_attention,
                                     .compute = compute_flex_attention};

} // namespace octet

// com.microsoft GroupQueryAttention, MultiHeadAttention and Attention's inner part (octet
// PackedAttention: Attention behind its projection, which passes/spell_out makes a product).
// https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
#include <algorithm>

#include "ops/dot_attention.h"

namespace octet {
namespace {
int64_t as_dim(size_t size) {
  return static_cast<int64_t>(size);
}

size_t head_count(const NodeContext& ctx, const char* attribute) {
  const int64_t count = ctx.attributes().get_int(attribute, 0);
  if (count < 1 || count > INT32_MAX) ctx.fail(attribute, " is ", count);
  return static_cast<size_t>(count);
}

void check_shape(const NodeContext& ctx, size_t input, const Shape& expected) {
  if (ctx.shape(input) != expected)
    ctx.fail("input ", input, " of shape ", to_string(ctx.shape(input)), " should have ",
             to_string(expected));
}

// Columns of one head, when rows of [batch, rows, columns] are made of `heads` of them.
size_t head_depth(const NodeContext& ctx, size_t input, size_t heads) {
  const Shape& shape = ctx.shape(input);
  if (shape.rank() != 3 || dim(shape, 2) % heads != 0)
    ctx.fail("input ", input, " of shape ", to_string(shape), " is not made of ", heads, " heads");
  return dim(shape, 2) / heads;
}

// What is added to scores: [batch or 1, heads or 1, rows, columns].
void read_bias(const NodeContext& ctx, size_t input, AttentionPlan& plan) {
  if (!ctx.has_input(input)) return;
  const Shape& bias = ctx.shape(input);
  if (bias.rank() != 4 || (bias[0] != 1 && bias[0] != as_dim(plan.batch)) ||
      (bias[1] != 1 && bias[1] != as_dim(plan.heads)) || bias[2] != as_dim(plan.rows) ||
      bias[3] > as_dim(plan.columns))
    ctx.fail("attention_bias of shape ", to_string(bias), " for scores of [", plan.batch, ", ",
             plan.heads, ", ", plan.rows, ", ", plan.columns, "]");
  plan.bias = input;
  plan.bias_columns = dim(bias, 3);
}

// A mask of int32 in any of its forms.
void read_padding(const NodeContext& ctx, size_t input, AttentionPlan& plan) {
  if (!ctx.has_input(input)) return;
  const Shape& mask = ctx.shape(input);
  const int64_t batch = as_dim(plan.batch), rows = as_dim(plan.rows);
  const int64_t columns = as_dim(plan.columns);
  plan.padding_input = input;
  plan.padding_filter = ctx.attributes().get_float("mask_filter_value", -10000.0f);
  if (mask == Shape{batch}) {
    plan.padding = PaddingMask::Ends;
    return;
  }
  if (mask == Shape{2 * batch}) {
    plan.padding = PaddingMask::EndsAndStarts;
    return;
  }
  plan.padding = PaddingMask::Flags;
  const size_t width = mask.rank() ? dim(mask, mask.rank() - 1) : 0;
  if (mask == Shape{batch, columns}) {
    plan.padding_strides = {width, 0, 1};
  } else if (mask == Shape{batch, rows, columns}) {
    plan.padding_strides = {width * plan.rows, width, 1};
  } else if (mask.rank() == 4 && mask[0] == batch && mask[1] == 1 && mask[2] == mask[3] &&
             mask[3] >= columns) {
    plan.padding_strides = {width * width, width, 1};
    plan.padding_first_row = plan.past_rows;
  } else {
    ctx.unsupported("a mask of shape ", to_string(mask), " for ", batch, " batches of ", rows,
                    " queries and ", columns, " keys");
  }
}

void read_scale(const NodeContext& ctx, AttentionPlan& plan) {
  plan.scale = ctx.attributes().get_float("scale", 0);
  if (ctx.attributes().get_int("unidirectional", 0) == 0) return;
  plan.right_window = 0;
  plan.outside_window = ctx.attributes().get_float("mask_filter_value", -10000.0f);
}

void check_group(const NodeContext& ctx, const AttentionPlan& plan) {
  if (plan.heads % plan.kv_heads != 0)
    ctx.fail(plan.heads, " heads of queries do not share ", plan.kv_heads, " of keys");
}

// --- GroupQueryAttention: query (or all three, packed), key, value, past_key, past_value,
// seqlens_k, total_sequence_length, cos_cache, sin_cache, position_ids, attention_bias, head_sink
constexpr size_t kSeqlens = 5, kTotal = 6, kCos = 7, kSin = 8, kPositions = 9, kBias = 10,
                 kSink = 11;

void refuse_what_cpus_lack(const NodeContext& ctx) {
  const Attributes& attributes = ctx.attributes();
  for (const char* name : {"k_quant_type", "v_quant_type"})
    if (attributes.get_string(name, "NONE") != "NONE") ctx.unsupported("caches of integers");
  if (attributes.get_int("sliding_window_cache", 0) != 0) ctx.unsupported("caches that slide");
  for (size_t i = 12; i < 16; ++i)
    if (ctx.has_input(i)) ctx.unsupported("input ", i);
}

void read_rotary(const NodeContext& ctx, AttentionPlan& plan) {
  if (ctx.attributes().get_int("do_rotary", 0) == 0) return;
  const Shape& table = ctx.shape(kCos);
  if (table.rank() != 2 || ctx.shape(kSin) != table || dim(table, 1) > plan.depth / 2)
    ctx.fail("tables of shapes ", to_string(table), " and ", to_string(ctx.shape(kSin)),
             " for heads of ", plan.depth);
  plan.cos_input = kCos;
  plan.sin_input = kSin;
  plan.rotary_positions = dim(table, 0);
  plan.rotary_half = dim(table, 1);
  plan.rotary_interleaved = ctx.attributes().get_int("rotary_interleaved", 0) != 0;
  if (!ctx.has_input(kPositions)) return;
  check_shape(ctx, kPositions, {as_dim(plan.batch), as_dim(plan.rows)});
  plan.positions_input = kPositions;
}

void read_group_operands(const NodeContext& ctx, AttentionPlan& plan) {
  const Shape& query = ctx.shape(0);
  const bool packed = !ctx.has_input(1);
  plan.heads = head_count(ctx, "num_heads");
  plan.kv_heads = head_count(ctx, "kv_num_heads");
  check_group(ctx, plan);
  const size_t all = plan.heads + 2 * plan.kv_heads;
  plan.depth = plan.value_depth = head_depth(ctx, 0, packed ? all : plan.heads);
  plan.batch = dim(query, 0);
  plan.rows = plan.new_rows = dim(query, 1);
  const size_t depth = plan.depth;
  if (packed) {
    const HeadStrides strides = packed_strides(plan.rows, all, depth);
    plan.q = {.strides = strides};
    plan.k = {.offset = plan.heads * depth, .strides = strides};
    plan.v = {.offset = (plan.heads + plan.kv_heads) * depth, .strides = strides};
  } else {
    const Shape expected{query[0], query[1], as_dim(plan.kv_heads * depth)};
    check_shape(ctx, 1, expected);
    check_shape(ctx, 2, expected);
    plan.q = {.strides = packed_strides(plan.rows, plan.heads, depth)};
    plan.k = {.input = 1, .strides = packed_strides(plan.rows, plan.kv_heads, depth)};
    plan.v = {.input = 2, .strides = plan.k.strides};
  }
  plan.y = packed_strides(plan.rows, plan.heads, depth);
}

void read_cache(const NodeContext& ctx, size_t key, AttentionPlan& plan) {
  if (ctx.has_input(key) != ctx.has_input(key + 1)) ctx.fail("one of two caches is missing");
  if (!ctx.has_input(key)) return;
  const Shape& past = ctx.shape(key);
  plan.past_rows = past.rank() == 4 ? dim(past, 2) : 0;
  const Shape expected{as_dim(plan.batch), as_dim(plan.kv_heads), as_dim(plan.past_rows),
                       as_dim(plan.depth)};
  check_shape(ctx, key, expected);
  Shape values = expected;
  values[3] = as_dim(plan.value_depth);
  check_shape(ctx, key + 1, values);
  plan.past_k = {key, 0};
  plan.past_v = {key + 1, 0};
}

// Nothing while total_sequence_length is not known.
std::optional<AttentionPlan> group_plan(const NodeContext& ctx) {
  refuse_what_cpus_lack(ctx);
  AttentionPlan plan;
  read_group_operands(ctx, plan);
  read_cache(ctx, 3, plan);
  check_shape(ctx, kSeqlens, {as_dim(plan.batch)});
  const auto total = ctx.int_values(kTotal);
  if (!total) return std::nullopt;
  const auto rows = as_dim(plan.rows);
  if (total->size() != 1 || total->front() < rows || total->front() > INT32_MAX)
    ctx.fail("total_sequence_length for ", plan.rows, " new rows is wrong");
  plan.columns = std::max(plan.past_rows, static_cast<size_t>(total->front()));
  plan.lengths = total->front() == rows ? KeyLengths::Prompt : KeyLengths::Last;
  plan.lengths_input = kSeqlens;
  read_rotary(ctx, plan);
  read_bias(ctx, kBias, plan);
  const Attributes& attributes = ctx.attributes();
  if (ctx.has_input(kSink)) {
    check_shape(ctx, kSink, {as_dim(plan.heads)});
    plan.sink = kSink;
  }
  plan.zero_sink = attributes.get_int("smooth_softmax", 0) == 1;
  plan.scale = attributes.get_float("scale", 0);
  plan.softcap = attributes.get_float("softcap", 0);
  if (attributes.get_int("causal", 1) != 0) plan.right_window = 0;
  const int64_t window = attributes.get_int("local_window_size", -1);
  if (window < -1 || window > INT32_MAX) ctx.fail("local_window_size is ", window);
  if (window > 0) plan.left_window = window - 1; // the query's own key is one of them
  const int64_t told = attributes.get_int("qk_output", 0);
  if (told < 0 || told > 2) ctx.fail("qk_output is ", told);
  plan.scores_stage = told == 1 ? 2 : 3;
  return plan;
}

void infer_group(InferContext& ctx) {
  AttentionPlan operands;
  read_group_operands(ctx, operands);
  ctx.set_output(
      0, ctx.dtype(0),
      {as_dim(operands.batch), as_dim(operands.rows), as_dim(operands.heads * operands.depth)});
  const auto plan = group_plan(ctx);
  if (!plan) {
    for (size_t i = 1; i < 4; ++i) ctx.set_output_dtype(i, ctx.dtype(0));
    return;
  }
  const Shape cache{as_dim(plan->batch), as_dim(plan->kv_heads), as_dim(plan->columns),
                    as_dim(plan->depth)};
  ctx.set_output(1, ctx.dtype(0), cache);
  ctx.set_output(2, ctx.dtype(0), cache);
  ctx.set_output(3, ctx.dtype(0),
                 {as_dim(plan->batch), as_dim(plan->heads), as_dim(plan->rows),
                  ctx.int_values(kTotal)->front()});
}

Kernel prepare_group(PrepareContext& ctx) {
  auto plan = group_plan(ctx);
  if (!plan) ctx.fail("total_sequence_length is not known");
  if (ctx.has_output(1)) plan->present_k = {1, 0};
  if (ctx.has_output(2)) plan->present_v = {2, 0};
  if (ctx.has_output(3)) {
    if (ctx.output_shape(3)[3] != as_dim(plan->columns))
      ctx.unsupported("scores of a cache with room to spare");
    plan->scores_output = 3;
  }
  return attention_kernel(ctx, *plan);
}

// --- MultiHeadAttention: query, key, value, bias, key_padding_mask, attention_bias, past_key,
// past_value, past_sequence_length, cache_indirection
void read_packed(const NodeContext& ctx, size_t input, size_t parts, AttentionPlan& plan,
                 std::initializer_list<HeadInput*> operands) {
  const Shape& shape = ctx.shape(input);
  if (shape.rank() != 5 || shape[2] != as_dim(plan.heads) || shape[3] != as_dim(parts))
    ctx.fail("input ", input, " of shape ", to_string(shape), " does not pack ", parts,
             " operands of ", plan.heads, " heads");
  const size_t depth = dim(shape, 4);
  size_t part = 0;
  for (HeadInput* operand : operands)
    *operand = {.input = input,
                .offset = part++ * depth,
                .strides = {dim(shape, 1) * plan.heads * parts * depth, parts * depth,
                            plan.heads * parts * depth}};
  plan.depth = plan.value_depth = depth;
  plan.new_rows = dim(shape, 1);
}

void read_multi_operands(const NodeContext& ctx, AttentionPlan& plan) {
  const Shape& query = ctx.shape(0);
  if (query.rank() < 3) ctx.fail("query of shape ", to_string(query));
  plan.batch = dim(query, 0);
  plan.rows = dim(query, 1);
  if (query.rank() == 5) return read_packed(ctx, 0, 3, plan, {&plan.q, &plan.k, &plan.v});
  const size_t depth = head_depth(ctx, 0, plan.heads);
  plan.q = {.strides = packed_strides(plan.rows, plan.heads, depth)};
  const Shape& key = ctx.shape(1);
  if (key.rank() == 5) {
    read_packed(ctx, 1, 2, plan, {&plan.k, &plan.v});
  } else if (key.rank() == 4) { // keys of another sequence, as they lie in its cache
    const Shape& value = ctx.shape(2);
    check_shape(ctx, 1, {query[0], as_dim(plan.heads), key[2], as_dim(depth)});
    if (value.rank() != 4) ctx.fail("value of shape ", to_string(value));
    check_shape(ctx, 2, {query[0], as_dim(plan.heads), key[2], value[3]});
    plan.new_rows = dim(key, 2);
    plan.value_depth = dim(value, 3);
    plan.k = {.input = 1, .strides = head_major_strides(plan.new_rows, plan.heads, depth)};
    plan.v = {.input = 2,
              .strides = head_major_strides(plan.new_rows, plan.heads, plan.value_depth)};
  } else {
    check_shape(ctx, 1, {query[0], key.rank() == 3 ? key[1] : 0, query[2]});
    plan.new_rows = dim(key, 1);
    plan.value_depth = head_depth(ctx, 2, plan.heads);
    check_shape(ctx, 2, {query[0], key[1], ctx.shape(2)[2]});
    plan.k = {.input = 1, .strides = packed_strides(plan.new_rows, plan.heads, depth)};
    plan.v = {.input = 2, .strides = packed_strides(plan.new_rows, plan.heads, plan.value_depth)};
  }
  if (key.rank() == 5 && plan.depth != depth)
    ctx.fail("keys of ", plan.depth, " columns for queries of ", depth);
  plan.depth = depth;
}

AttentionPlan multi_plan(const NodeContext& ctx) {
  AttentionPlan plan;
  plan.heads = plan.kv_heads = head_count(ctx, "num_heads");
  if (ctx.has_input(8) || ctx.has_input(9)) ctx.unsupported("caches that are shared or indirect");
  read_multi_operands(ctx, plan);
  if (ctx.has_input(3)) {
    const size_t width = plan.heads * plan.depth;
    check_shape(ctx, 3, {as_dim(2 * width + plan.heads * plan.value_depth)});
    plan.q.bias = plan.k.bias = plan.v.bias = 3;
    plan.k.bias_offset = width;
    plan.v.bias_offset = 2 * width;
    // Keys of another sequence had it added when they were made.
    if (ctx.has_input(1) && ctx.shape(1).rank() == 4) plan.k.bias = plan.v.bias = std::nullopt;
  }
  read_cache(ctx, 6, plan);
  plan.columns = checked_add(plan.past_rows, plan.new_rows);
  plan.y = packed_strides(plan.rows, plan.heads, plan.value_depth);
  read_scale(ctx, plan);
  read_padding(ctx, 4, plan);
  read_bias(ctx, 5, plan);
  plan.scores_stage = 3;
  return plan;
}

void infer_multi(InferContext& ctx) {
  const AttentionPlan plan = multi_plan(ctx);
  const int64_t batch = as_dim(plan.batch), heads = as_dim(plan.heads), rows = as_dim(plan.rows),
                columns = as_dim(plan.columns);
  ctx.set_output(0, ctx.dtype(0), {batch, rows, as_dim(plan.heads * plan.value_depth)});
  ctx.set_output(1, ctx.dtype(0), {batch, heads, columns, as_dim(plan.depth)});
  ctx.set_output(2, ctx.dtype(0), {batch, heads, columns, as_dim(plan.value_depth)});
  ctx.set_output(3, ctx.dtype(0), {batch, heads, rows, columns});
}

Kernel prepare_multi(PrepareContext& ctx) {
  AttentionPlan plan = multi_plan(ctx);
  if (ctx.has_output(1)) plan.present_k = {1, 0};
  if (ctx.has_output(2)) plan.present_v = {2, 0};
  if (ctx.has_output(3)) plan.scores_output = 3;
  return attention_kernel(ctx, plan);
}

// --- PackedAttention: projections [batch, rows, q, k and v], then mask_index, past, attention_bias
// as Attention has them. Past and present hold keys, then values.
AttentionPlan packed_plan(const NodeContext& ctx) {
  AttentionPlan plan;
  plan.heads = plan.kv_heads = head_count(ctx, "num_heads");
  const Attributes& attributes = ctx.attributes();
  if (attributes.get_int("do_rotary", 0) != 0) ctx.unsupported("do_rotary");
  if (attributes.get_int("past_present_share_buffer", 0) != 0) ctx.unsupported("shared caches");
  const Shape& x = ctx.shape(0);
  if (x.rank() != 3) ctx.fail("projections of shape ", to_string(x));
  std::vector<int64_t> sizes = attributes.get_ints("qkv_hidden_sizes");
  if (sizes.empty()) sizes = {x[2] / 3, x[2] / 3, x[2] / 3};
  const auto heads = as_dim(plan.heads);
  if (sizes.size() != 3 || sizes[0] < 0 || sizes[0] != sizes[1] || sizes[2] < 0 ||
      sizes[0] % heads != 0 || sizes[2] % heads != 0 || sizes[0] > x[2] || sizes[2] > x[2] ||
      2 * sizes[0] + sizes[2] != x[2])
    ctx.fail("rows of ", x[2], " are not made of queries, keys and values of ", heads, " heads");
  plan.batch = dim(x, 0);
  plan.rows = plan.new_rows = dim(x, 1);
  const auto width = static_cast<size_t>(sizes[0]), row = dim(x, 2);
  plan.depth = width / plan.heads;
  plan.value_depth = static_cast<size_t>(sizes[2]) / plan.heads;
  plan.q.strides = {plan.rows * row, plan.depth, row};
  plan.k = {.offset = width, .strides = plan.q.strides};
  plan.v = {.offset = 2 * width, .strides = {plan.rows * row, plan.value_depth, row}};
  if (ctx.has_input(2)) {
    const Shape& past = ctx.shape(2);
    plan.past_rows = past.rank() == 5 ? dim(past, 3) : 0;
    check_shape(ctx, 2, {2, x[0], heads, as_dim(plan.past_rows), as_dim(plan.depth)});
    plan.past_k = {2, 0};
    plan.past_v = {2, past.elements() / 2};
  }
  if (plan.depth != plan.value_depth && (ctx.has_input(2) || ctx.node().outputs.size() > 1))
    ctx.unsupported("a cache of keys and values of different sizes");
  plan.columns = checked_add(plan.past_rows, plan.new_rows);
  plan.y = packed_strides(plan.rows, plan.heads, plan.value_depth);
  read_scale(ctx, plan);
  read_padding(ctx, 1, plan);
  read_bias(ctx, 3, plan);
  return plan;
}

void infer_packed(InferContext& ctx) {
  const AttentionPlan plan = packed_plan(ctx);
  const int64_t batch = as_dim(plan.batch), heads = as_dim(plan.heads);
  ctx.set_output(0, ctx.dtype(0),
                 {batch, as_dim(plan.rows), as_dim(plan.heads * plan.value_depth)});
  ctx.set_output(1, ctx.dtype(0), {2, batch, heads, as_dim(plan.columns), as_dim(plan.depth)});
}

Kernel prepare_packed(PrepareContext& ctx) {
  AttentionPlan plan = packed_plan(ctx);
  if (ctx.has_output(1)) {
    plan.present_k = {1, 0};
    plan.present_v = {1, ctx.output_shape(1).elements() / 2};
  }
  return attention_kernel(ctx, plan);
}
} // namespace

extern const OpDef op_group_query_attention{
    .infer = infer_group, .prepare = prepare_group, .float32 = true};
extern const OpDef op_multi_head_attention{
    .infer = infer_multi, .prepare = prepare_multi, .float32 = true};
extern const OpDef op_packed_attention{
    .infer = infer_packed, .prepare = prepare_packed, .float32 = true};

} // namespace octet

// Operators that keep a state from one step of a sequence to the next: LinearAttention and
// CausalConvWithState.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "ops/element.h"
#include "ops/scratch_layout.h"

namespace octet {
namespace {
void check_floats(const NodeContext& ctx) {
  for (size_t i = 0; i < ctx.input_count(); ++i)
    if (ctx.has_input(i) && ctx.dtype(i) != DType::Float32)
      ctx.unsupported("input ", i, " of type ", dtype_name(ctx.dtype(i)));
}

void check_shape(const NodeContext& ctx, size_t input, const Shape& expected) {
  if (ctx.shape(input) != expected)
    ctx.fail("input ", input, " of shape ", to_string(ctx.shape(input)), " should have ",
             to_string(expected));
}

// --- LinearAttention: query, key, value, past_state, decay, beta. For each head of keys a state
// S [d_k, d_v] passes through the rows:
//   S = exp(decay) · S;  v = beta · (v − Sᵀ k), where there are these;  S += k ⊗ v
// and gives scale · Sᵀ q for each query head that shares it.
struct LinearShape {
  size_t batch = 0, rows = 0, heads = 0, kv_heads = 0, key_depth = 0, value_depth = 0;
  size_t decays = 0, betas = 0; // numbers of each row: 0 where there are none
  float scale = 1;
};

LinearShape linear_shape(const NodeContext& ctx) {
  const Shape &q = ctx.shape(0), &k = ctx.shape(1), &v = ctx.shape(2);
  const int64_t heads = ctx.attributes().get_int("q_num_heads", 0),
                kv_heads = ctx.attributes().get_int("kv_num_heads", 0);
  if (heads < 1 || kv_heads < 1 || heads % kv_heads != 0)
    ctx.fail(heads, " heads of queries do not share ", kv_heads, " of keys");
  for (size_t i = 0; i < 3; ++i)
    if (ctx.shape(i).rank() != 3 || ctx.shape(i)[2] % (i == 0 ? heads : kv_heads) != 0)
      ctx.fail("input ", i, " of shape ", to_string(ctx.shape(i)), " is not made of heads");
  check_shape(ctx, 1, {q[0], q[1], q[2] / heads * kv_heads});
  check_shape(ctx, 2, {q[0], q[1], v[2]});
  const std::string rule = ctx.attributes().get_string("update_rule", "gated_delta");
  const bool gated = rule == "gated" || rule == "gated_delta",
             delta = rule == "delta" || rule == "gated_delta";
  if (!gated && !delta && rule != "linear") ctx.fail("update_rule '", rule, "' is not known");
  if (gated != ctx.has_input(4) || delta != ctx.has_input(5))
    ctx.fail("update_rule '", rule, "' with", ctx.has_input(4) ? "" : "out", " decay and with",
             ctx.has_input(5) ? "" : "out", " beta");
  LinearShape s{.batch = dim(q, 0),
                .rows = dim(q, 1),
                .heads = static_cast<size_t>(heads),
                .kv_heads = static_cast<size_t>(kv_heads),
                .key_depth = dim(k, 2) / static_cast<size_t>(kv_heads),
                .value_depth = dim(v, 2) / static_cast<size_t>(kv_heads)};
  if (gated) {
    const bool by_head = ctx.shape(4).rank() == 3 && ctx.shape(4)[2] == kv_heads;
    check_shape(ctx, 4, {q[0], q[1], by_head ? kv_heads : k[2]});
    s.decays = dim(ctx.shape(4), 2);
  }
  if (delta) {
    const bool is_one = ctx.shape(5).rank() == 3 && ctx.shape(5)[2] == 1;
    check_shape(ctx, 5, {q[0], q[1], is_one ? 1 : kv_heads});
    s.betas = dim(ctx.shape(5), 2);
  }
  s.scale = ctx.attributes().get_float("scale", 0);
  if (s.scale == 0) s.scale = 1 / std::sqrt(static_cast<float>(s.key_depth));
  return s;
}

Shape state_shape(const LinearShape& s) {
  const auto as_dim = [](size_t size) { return static_cast<int64_t>(size); };
  return {as_dim(s.batch), as_dim(s.kv_heads), as_dim(s.key_depth), as_dim(s.value_depth)};
}

void infer_linear_attention(InferContext& ctx) {
  const LinearShape s = linear_shape(ctx);
  if (ctx.has_input(3)) check_shape(ctx, 3, state_shape(s));
  Shape y = ctx.shape(0);
  y[2] = static_cast<int64_t>(checked_mul(s.heads, s.value_depth));
  ctx.set_output(0, ctx.dtype(0), y);
  ctx.set_output(1, ctx.dtype(ctx.has_input(3) ? 3 : 0), state_shape(s));
}

// to[m] += factor · x[m]
void add_scaled(float factor, const float* x, size_t n, float* to) noexcept {
  for (size_t m = 0; m < n; ++m) to[m] += factor * x[m];
}

class LinearAttention {
public:
  explicit LinearAttention(PrepareContext& ctx)
      : s_(linear_shape(ctx)), has_past_(ctx.has_input(3)), has_state_(ctx.has_output(1)) {
    check_floats(ctx);
    ScratchLayout scratch;
    state_at_ = scratch.reserve_floats(has_state_ ? 0 : checked_mul(s_.key_depth, s_.value_depth));
    value_at_ = scratch.reserve_floats(s_.value_depth);
    worker_bytes_ = scratch.bytes();
    ctx.request_scratch(checked_mul(worker_bytes_, ctx.worker_count()));
  }

  void operator()(const RunContext& run) const noexcept {
    const size_t cost = s_.rows * s_.key_depth * s_.value_depth * 4;
    run.workers.split(s_.batch * s_.kv_heads, 1, cost,
                      [&](size_t begin, size_t end, size_t worker) {
                        for (size_t i = begin; i < end; ++i)
                          run_head(run, i, run.scratch + worker * worker_bytes_);
                      });
  }

private:
  void run_head(const RunContext& run, size_t i, uint8_t* scratch) const noexcept {
    const size_t size = s_.key_depth * s_.value_depth;
    float* state = has_state_ ? run.output<float>(1) + i * size
                              : reinterpret_cast<float*>(scratch + state_at_);
    if (has_past_)
      std::copy_n(run.input<float>(3) + i * size, size, state);
    else
      std::fill_n(state, size, 0.0f);
    auto* value = reinterpret_cast<float*>(scratch + value_at_);
    for (size_t t = 0; t < s_.rows; ++t)
      step(run, i / s_.kv_heads * s_.rows + t, i % s_.kv_heads, state, value);
  }

  // `row` counts through all batches.
  void step(const RunContext& run, size_t row, size_t head, float* state,
            float* value) const noexcept {
    const size_t dk = s_.key_depth, dv = s_.value_depth, at = row * s_.kv_heads + head;
    const float* key = run.input<float>(1) + at * dk;
    if (s_.decays != 0) decay(run, row, head, state);
    std::copy_n(run.input<float>(2) + at * dv, dv, value);
    if (s_.betas != 0) {
      const float beta = run.input<float>(5)[row * s_.betas + (s_.betas == 1 ? 0 : head)];
      for (size_t d = 0; d < dk; ++d) add_scaled(-key[d], state + d * dv, dv, value);
      for (size_t m = 0; m < dv; ++m) value[m] *= beta;
    }
    for (size_t d = 0; d < dk; ++d) add_scaled(key[d], value, dv, state + d * dv);
    for (size_t h = 0, group = s_.heads / s_.kv_heads; h < group; ++h) {
      const size_t reader = row * s_.heads + head * group + h;
      const float* query = run.input<float>(0) + reader * dk;
      float* y = run.output<float>(0) + reader * dv;
      std::fill_n(y, dv, 0.0f);
      for (size_t d = 0; d < dk; ++d) add_scaled(s_.scale * query[d], state + d * dv, dv, y);
    }
  }

  void decay(const RunContext& run, size_t row, size_t head, float* state) const noexcept {
    const bool by_head = s_.decays == s_.kv_heads;
    const float* decays =
        run.input<float>(4) + row * s_.decays + head * (by_head ? 1 : s_.key_depth);
    for (size_t d = 0; d < s_.key_depth; ++d) {
      const float factor = std::exp(decays[by_head ? 0 : d]);
      float* line = state + d * s_.value_depth;
      for (size_t m = 0; m < s_.value_depth; ++m) line[m] *= factor;
    }
  }

  LinearShape s_;
  bool has_past_, has_state_;
  size_t state_at_ = 0, value_at_ = 0, worker_bytes_ = 0;
};

Kernel prepare_linear_attention(PrepareContext& ctx) {
  return LinearAttention(ctx);
}

// --- CausalConvWithState: x [batch, channels, length], weight [channels, 1, k], bias, past_state
// [batch, channels, k − 1]: what comes before x. The new state is the end of both.
int64_t kernel_length(const NodeContext& ctx) {
  const Shape &x = ctx.shape(0), &weight = ctx.shape(1);
  if (x.rank() != 3 || weight.rank() != 3 || weight[0] != x[1] || weight[1] != 1 || weight[2] < 1)
    ctx.fail("weights of shape ", to_string(weight), " for data of ", to_string(x),
             "; one axis and one filter for each channel are expected");
  return weight[2];
}

void infer_causal_conv(InferContext& ctx) {
  const Shape& x = ctx.shape(0);
  const Shape state{x.rank() > 0 ? x[0] : 0, x.rank() > 1 ? x[1] : 0, kernel_length(ctx) - 1};
  if (ctx.has_input(2)) check_shape(ctx, 2, {x[1]});
  if (ctx.has_input(3)) check_shape(ctx, 3, state);
  ctx.set_output(0, ctx.dtype(0), x);
  ctx.set_output(1, ctx.dtype(0), state);
}

Kernel prepare_causal_conv(PrepareContext& ctx) {
  check_floats(ctx);
  const std::string activation = ctx.attributes().get_string("activation", "none");
  const bool swish = activation == "silu" || activation == "swish";
  if (!swish && activation != "none" && !activation.empty())
    ctx.fail("activation '", activation, "' is not known");
  const size_t length = dim(ctx.shape(0), 2), before = static_cast<size_t>(kernel_length(ctx) - 1);
  // What came before and x, in one row.
  const size_t row_bytes = aligned_scratch(checked_mul(checked_add(before, length), sizeof(float)));
  ctx.request_scratch(checked_mul(row_bytes, ctx.worker_count()));
  return [=, channels = dim(ctx.shape(0), 1), batch = dim(ctx.shape(0), 0),
          has_bias = ctx.has_input(2), has_past = ctx.has_input(3),
          has_state = ctx.has_output(1)](const RunContext& run) {
    run.workers.split(
        batch * channels, 1, (length + 1) * (before + 1), [&](size_t begin, size_t end, size_t w) {
          auto* row = reinterpret_cast<float*>(run.scratch + w * row_bytes);
          for (size_t i = begin; i < end; ++i) {
            if (has_past)
              std::copy_n(run.input<float>(3) + i * before, before, row);
            else
              std::fill_n(row, before, 0.0f);
            std::copy_n(run.input<float>(0) + i * length, length, row + before);
            float* y = run.output<float>(0) + i * length;
            const float* weights = run.input<float>(1) + i % channels * (before + 1);
            std::fill_n(y, length, has_bias ? run.input<float>(2)[i % channels] : 0.0f);
            for (size_t j = 0; j <= before; ++j) add_scaled(weights[j], row + j, length, y);
            for (size_t t = 0; swish && t < length; ++t) y[t] /= 1 + std::exp(-y[t]);
            if (has_state) std::copy_n(row + length, before, run.output<float>(1) + i * before);
          }
        });
  };
}
} // namespace

extern const OpDef op_linear_attention{
    .infer = infer_linear_attention, .prepare = prepare_linear_attention, .float32 = true};
extern const OpDef op_causal_conv_with_state{
    .infer = infer_causal_conv, .prepare = prepare_causal_conv, .float32 = true};

} // namespace octet

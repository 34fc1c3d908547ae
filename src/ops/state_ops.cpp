// Operators that keep a state from one step of a sequence to the next: LinearAttention and
// CausalConvWithState.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/limits.h"
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
// and gives scale · Sᵀ q for each query head that shares it. In onnxruntime's form states may also
// share queries, and keys.
struct LinearShape {
  size_t batch = 0, rows = 0, heads = 0, key_heads = 0, kv_heads = 0;
  size_t key_depth = 0, value_depth = 0;
  size_t decays = 0, betas = 0; // numbers of each row: 0 where there are none
  float scale = 1;

  size_t results() const { return std::max(heads, kv_heads); }
};

bool is_microsoft(const NodeContext& ctx) {
  return !ctx.node().domain.empty();
}

void refuse_state_window(const NodeContext& ctx) {
  if (ctx.attributes().get_int("state_window", 0) != 0)
    ctx.unsupported("states of several rows (state_window)");
}

LinearShape linear_shape(const NodeContext& ctx) {
  const Shape &q = ctx.shape(0), &k = ctx.shape(1), &v = ctx.shape(2);
  const int64_t heads = ctx.attributes().get_int("q_num_heads", 0),
                kv_heads = ctx.attributes().get_int("kv_num_heads", 0);
  const bool shares = is_microsoft(ctx);
  if (heads < 1 || kv_heads < 1 || (heads % kv_heads != 0 && !(shares && kv_heads % heads == 0)))
    ctx.fail(heads, " heads of queries do not share ", kv_heads, " of keys");
  refuse_state_window(ctx);
  const auto check_heads = [&](size_t i, int64_t count) {
    const Shape& shape = ctx.shape(i);
    if (shape.rank() != 3 || shape[2] < count || shape[2] % count != 0)
      ctx.fail("input ", i, " of shape ", to_string(shape), " is not made of heads");
  };
  check_heads(0, heads);
  check_heads(2, kv_heads);
  const int64_t key_depth = q[2] / heads;
  const bool has_key_heads = shares && k.rank() == 3 && k[2] >= key_depth;
  const int64_t key_heads = has_key_heads ? k[2] / key_depth : kv_heads;
  if (kv_heads % key_heads != 0)
    ctx.fail(kv_heads, " heads of values do not share ", key_heads, " of keys");
  check_shape(ctx, 1, {q[0], q[1], key_depth * key_heads});
  check_shape(ctx, 2, {q[0], q[1], v[2]});
  const std::string rule = ctx.attributes().get_string("update_rule", "gated_delta");
  const bool gated = rule == "gated" || rule == "gated_delta",
             delta = rule == "delta" || rule == "gated_delta";
  if (!gated && !delta && rule != "linear") ctx.fail("update_rule '", rule, "' is not known");
  if ((gated && !ctx.has_input(4)) || (delta && !ctx.has_input(5)))
    ctx.fail("update_rule '", rule, "' with", ctx.has_input(4) ? "" : "out", " decay and with",
             ctx.has_input(5) ? "" : "out", " beta");
  LinearShape s{.batch = dim(q, 0),
                .rows = dim(q, 1),
                .heads = static_cast<size_t>(heads),
                .key_heads = static_cast<size_t>(key_heads),
                .kv_heads = static_cast<size_t>(kv_heads),
                .key_depth = static_cast<size_t>(key_depth),
                .value_depth = dim(v, 2) / static_cast<size_t>(kv_heads)};
  if (gated) {
    const bool by_head = ctx.shape(4).rank() == 3 && ctx.shape(4)[2] == kv_heads;
    check_shape(ctx, 4, {q[0], q[1], by_head ? kv_heads : key_depth * kv_heads});
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
  y[2] = static_cast<int64_t>(checked_mul(s.results(), s.value_depth));
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
    const size_t dk = s_.key_depth, dv = s_.value_depth;
    const size_t key_head = head / (s_.kv_heads / s_.key_heads);
    const float* key = run.input<float>(1) + (row * s_.key_heads + key_head) * dk;
    if (s_.decays != 0) decay(run, row, head, state);
    std::copy_n(run.input<float>(2) + (row * s_.kv_heads + head) * dv, dv, value);
    if (s_.betas != 0) {
      const float beta = run.input<float>(5)[row * s_.betas + (s_.betas == 1 ? 0 : head)];
      for (size_t d = 0; d < dk; ++d) add_scaled(-key[d], state + d * dv, dv, value);
      for (size_t m = 0; m < dv; ++m) value[m] *= beta;
    }
    for (size_t d = 0; d < dk; ++d) add_scaled(key[d], value, dv, state + d * dv);
    const size_t results = s_.results(), group = results / s_.kv_heads;
    for (size_t result = head * group; result < (head + 1) * group; ++result) {
      const size_t reader = result / (results / s_.heads);
      const float* query = run.input<float>(0) + (row * s_.heads + reader) * dk;
      float* y = run.output<float>(0) + (row * results + result) * dv;
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
// [batch, channels, before]: the rows before x, (k − 1) · dilation of them. The new state is the
// end of both. With channels_last x is [batch, length, channels…], and so are the states.
struct CausalConv {
  size_t channels = 0, taps = 0, dilation = 1, before = 0;
  Shape state = {};
  AxisView x{}, rows{}; // the axis of time of x and of the state
};

CausalConv causal_conv(const NodeContext& ctx) {
  const Shape &x = ctx.shape(0), &weight = ctx.shape(1);
  if (ctx.attributes().get_int("ndim", 1) != 1) ctx.unsupported("more than one axis");
  refuse_state_window(ctx);
  const bool last = ctx.attributes().get_int("channels_last", 0) != 0;
  const bool has_axes = last ? x.rank() >= 3 : x.rank() == 3;
  const size_t channels = !has_axes ? 0 : last ? x.elements(2, x.rank()) : dim(x, 1);
  if (!has_axes || weight.rank() != 3 || weight[2] < 1 || weight[1] != 1 ||
      dim(weight, 0) != channels)
    ctx.fail("weights of shape ", to_string(weight), " for data of ", to_string(x),
             "; one axis and one filter for each channel are expected");
  const int64_t dilation = ctx.attributes().get_int("dilation", 1);
  if (dilation < 1 || static_cast<uint64_t>(dilation) > limits::kMaxTensorBytes)
    ctx.fail("dilation ", dilation, " is not a distance of taps");
  CausalConv c{.channels = channels,
               .taps = dim(weight, 2),
               .dilation = static_cast<size_t>(dilation),
               .state = x};
  c.before = checked_mul(c.taps - 1, c.dilation);
  const size_t axis = last ? 1 : 2;
  c.state[axis] = static_cast<int64_t>(c.before);
  c.x = {checked_mul(dim(x, 0), last ? 1 : channels), dim(x, axis), last ? channels : 1};
  c.rows = {c.x.outer, c.before, c.x.inner};
  return c;
}

void infer_causal_conv(InferContext& ctx) {
  const CausalConv c = causal_conv(ctx);
  if (ctx.has_input(2)) check_shape(ctx, 2, {static_cast<int64_t>(c.channels)});
  if (ctx.has_input(3)) check_shape(ctx, 3, c.state);
  ctx.set_output(0, ctx.dtype(0), ctx.shape(0));
  ctx.set_output(1, ctx.dtype(0), c.state);
}

// Line i of a tensor into a row, and back.
void take_line(const float* x, const AxisView& view, size_t i, float* row) noexcept {
  const float* line = x + view.line(i);
  for (size_t t = 0; t < view.size; ++t) row[t] = line[t * view.inner];
}
void put_line(const float* row, const AxisView& view, size_t i, float* y) noexcept {
  float* line = y + view.line(i);
  for (size_t t = 0; t < view.size; ++t) line[t * view.inner] = row[t];
}

Kernel prepare_causal_conv(PrepareContext& ctx) {
  check_floats(ctx);
  const std::string activation = ctx.attributes().get_string("activation", "none");
  const bool swish = activation == "silu" || activation == "swish";
  if (!swish && activation != "none" && !activation.empty())
    ctx.fail("activation '", activation, "' is not known");
  const CausalConv c = causal_conv(ctx);
  // What came before and x, in one row; the results.
  ScratchLayout scratch;
  scratch.reserve_floats(checked_add(c.before, c.x.size));
  const size_t sums_at = scratch.reserve_floats(c.x.size), worker_bytes = scratch.bytes();
  ctx.request_scratch(checked_mul(worker_bytes, ctx.worker_count()));
  return [=, has_bias = ctx.has_input(2), has_past = ctx.has_input(3),
          has_state = ctx.has_output(1)](const RunContext& run) {
    run.workers.split(
        c.x.outer * c.x.inner, 1, (c.x.size + 1) * c.taps, [&](size_t begin, size_t end, size_t w) {
          uint8_t* own = run.scratch + w * worker_bytes;
          auto *row = reinterpret_cast<float*>(own),
               *sums = reinterpret_cast<float*>(own + sums_at);
          for (size_t i = begin; i < end; ++i) {
            if (has_past)
              take_line(run.input<float>(3), c.rows, i, row);
            else
              std::fill_n(row, c.before, 0.0f);
            take_line(run.input<float>(0), c.x, i, row + c.before);
            const size_t channel = i % c.channels;
            const float* weights = run.input<float>(1) + channel * c.taps;
            std::fill_n(sums, c.x.size, has_bias ? run.input<float>(2)[channel] : 0.0f);
            for (size_t j = 0; j < c.taps; ++j)
              add_scaled(weights[j], row + j * c.dilation, c.x.size, sums);
            for (size_t t = 0; swish && t < c.x.size; ++t) sums[t] /= 1 + std::exp(-sums[t]);
            put_line(sums, c.x, i, run.output<float>(0));
            if (has_state) put_line(row + c.x.size, c.rows, i, run.output<float>(1));
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

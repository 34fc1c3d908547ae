// The recurrent layers with one state: GRU and RNN.
#include <algorithm>

#include "ops/element.h"
#include "ops/recurrent.h"

namespace octet {
namespace {
template <size_t gates>
void infer_one_state(InferContext& ctx) {
  set_recurrent_outputs(ctx, float_recurrent_shape(ctx, gates));
}

void bound(float* z, size_t n, float clip) {
  if (!(clip > 0)) return;
  for (size_t j = 0; j < n; ++j) z[j] = std::clamp(z[j], -clip, clip);
}

// A layer whose only state is its output: the parts of GRU and RNN that are alike.
struct OneStateLayer {
  RecurrentShape shape;
  float clip;
  bool has_bias, has_lengths, has_h, has_y_h;

  OneStateLayer(const PrepareContext& ctx, const RecurrentShape& s)
      : shape(s), clip(ctx.attributes().get_float("clip", 0)), has_bias(ctx.has_input(3)),
        has_lengths(ctx.has_input(4)), has_h(ctx.has_input(5)), has_y_h(ctx.has_output(1)) {}

  // Runs step(RecurrentStep, BiasHalves) for all directions and steps; `x_gates` takes the products
  // of X, `h` the state.
  template <class Step>
  void run(const RunContext& run, const std::vector<RowProduct>& input, float* x_gates, float* h,
           const Step& step) const {
    const int32_t* lengths = sequence_lengths(run, shape, has_lengths);
    for (size_t d = 0; d < shape.directions; ++d) {
      const BiasHalves bias = bias_of(run, shape, d, has_bias);
      input[d].begin(run);
      input[d].multiply(run, run.input<float>(0), shape.steps * shape.batch, nullptr, x_gates);
      load_state(has_h ? run.input<float>(5) : nullptr, shape, d, h);
      run_steps(run, shape, d, lengths, h, [&](const RecurrentStep& at) { step(at, bias); });
      store_state(h, shape, d, has_y_h ? run.output<float>(1) : nullptr);
    }
  }
};

void add_to(float* sum, const float* x, size_t n) {
  for (size_t j = 0; x && j < n; ++j) sum[j] += x[j];
}

// --- GRU: gates z, r, h. The candidate is g(x + R·(r·h)) or, with linear_before_reset,
// g(x + r·(R·h)).
Kernel prepare_gru(PrepareContext& ctx) {
  const RecurrentShape shape = float_recurrent_shape(ctx, 3);
  const size_t n = shape.hidden, batch = shape.batch;
  ScratchLayout scratch;
  auto input = float_row_products(ctx, 1, 0, 3 * n, scratch);
  auto gate_state = float_row_products(ctx, 2, 0, 2 * n, scratch);
  auto candidate_state = float_row_products(ctx, 2, 2 * n, n, scratch);
  const size_t x_at = scratch.reserve_floats(checked_mul(shape.steps * batch, 3 * n));
  const size_t gates_at = scratch.reserve_floats(batch * 2 * n);
  const size_t h_at = scratch.reserve_floats(batch * n);
  const size_t reset_at = scratch.reserve_floats(batch * n);
  const size_t candidate_at = scratch.reserve_floats(batch * n);
  ctx.request_scratch(scratch.bytes());
  return [=, layer = OneStateLayer(ctx, shape), input = std::move(input),
          gate_state = std::move(gate_state), candidate_state = std::move(candidate_state),
          activations = cell_activations(ctx, shape.directions, {"Sigmoid", "Tanh"}),
          linear_first =
              ctx.attributes().get_int("linear_before_reset", 0) != 0](const RunContext& run) {
    const auto floats = [&](size_t at) { return reinterpret_cast<float*>(run.scratch + at); };
    float *x_gates = floats(x_at), *gates = floats(gates_at), *h = floats(h_at),
          *reset = floats(reset_at), *candidates = floats(candidate_at);
    layer.run(run, input, x_gates, h, [&](const RecurrentStep& step, const BiasHalves& bias) {
      const size_t d = step.direction;
      const CellActivation &f = activations[2 * d], &g = activations[2 * d + 1];
      if (step.index == 0) {
        gate_state[d].begin(run);
        candidate_state[d].begin(run);
      }
      gate_state[d].multiply(run, h, batch, nullptr, gates);
      for (size_t b = 0; b < batch; ++b) {
        const size_t t = step.time(b);
        float* z = gates + b * 2 * n;
        if (t != RecurrentStep::kFinished) add_to(z, x_gates + shape.x_row(t, b) * 3 * n, 2 * n);
        add_to(z, bias.w, 2 * n);
        add_to(z, bias.r, 2 * n);
        bound(z, 2 * n, layer.clip);
        f.apply(z, 2 * n);
        for (size_t j = 0; j < n; ++j) reset[b * n + j] = z[n + j] * h[b * n + j];
      }
      candidate_state[d].multiply(run, linear_first ? h : reset, batch, nullptr, candidates);
      for (size_t b = 0; b < batch; ++b) {
        const size_t t = step.time(b);
        if (t == RecurrentStep::kFinished) continue;
        const float* z = gates + b * 2 * n;
        float* candidate = candidates + b * n;
        if (bias.r) add_to(candidate, bias.r + 2 * n, n);
        for (size_t j = 0; linear_first && j < n; ++j) candidate[j] *= z[n + j];
        add_to(candidate, x_gates + shape.x_row(t, b) * 3 * n + 2 * n, n);
        if (bias.w) add_to(candidate, bias.w + 2 * n, n);
        bound(candidate, n, layer.clip);
        g.apply(candidate, n);
        for (size_t j = 0; j < n; ++j)
          h[b * n + j] = (1 - z[j]) * candidate[j] + z[j] * h[b * n + j];
      }
    });
  };
}

// --- RNN: h = f(x + R·h)
Kernel prepare_rnn(PrepareContext& ctx) {
  const RecurrentShape shape = float_recurrent_shape(ctx, 1);
  const size_t n = shape.hidden, batch = shape.batch;
  ScratchLayout scratch;
  auto input = float_row_products(ctx, 1, 0, n, scratch);
  auto state = float_row_products(ctx, 2, 0, n, scratch);
  const size_t x_at = scratch.reserve_floats(checked_mul(shape.steps * batch, n));
  const size_t next_at = scratch.reserve_floats(batch * n);
  const size_t h_at = scratch.reserve_floats(batch * n);
  ctx.request_scratch(scratch.bytes());
  return [=, layer = OneStateLayer(ctx, shape), input = std::move(input), state = std::move(state),
          activations = cell_activations(ctx, shape.directions, {"Tanh"})](const RunContext& run) {
    const auto floats = [&](size_t at) { return reinterpret_cast<float*>(run.scratch + at); };
    float *x_gates = floats(x_at), *next = floats(next_at), *h = floats(h_at);
    layer.run(run, input, x_gates, h, [&](const RecurrentStep& step, const BiasHalves& bias) {
      const size_t d = step.direction;
      if (step.index == 0) state[d].begin(run);
      state[d].multiply(run, h, batch, nullptr, next);
      for (size_t b = 0; b < batch; ++b) {
        const size_t t = step.time(b);
        if (t == RecurrentStep::kFinished) continue;
        float* row = next + b * n;
        add_to(row, x_gates + shape.x_row(t, b) * n, n);
        add_to(row, bias.w, n);
        add_to(row, bias.r, n);
        bound(row, n, layer.clip);
        activations[d].apply(row, n);
        std::copy_n(row, n, h + b * n);
      }
    });
  };
}
} // namespace

extern const OpDef op_gru{.infer = infer_one_state<3>, .prepare = prepare_gru, .float32 = true};
extern const OpDef op_rnn{.infer = infer_one_state<1>, .prepare = prepare_rnn, .float32 = true};

} // namespace octet

#include "ops/lstm.h"

#include <algorithm>
#include <limits>

#include "kernels/gemm_f32/tile.h"
#include "kernels/lstm/lstm.h"
#include "ops/element.h"

namespace octet {
namespace {
constexpr size_t kGates = 4; // i, o, f, c
constexpr float kNoClip = std::numeric_limits<float>::infinity();

// The cell of one direction. z is its product with the previous output, x the product with the
// input, with both biases added.
struct LstmCell {
  size_t hidden;
  CellActivation f, g, h;
  float clip; // 0: none
  bool couple_input_forget;
  const float* peepholes; // i, o, f; null for none
  bool is_default = f.function == find_activation("Sigmoid") &&
                    g.function == find_activation("Tanh") && h.function == g.function;

  // z [4·hidden] is overwritten.
  void operator()(float* z, const float* x, float* c, float* out) const noexcept {
    if (is_default)
      return kernels::lstm_gates_f32({.hidden = hidden,
                                      .z = z,
                                      .z_input = x,
                                      .peepholes = peepholes,
                                      .c_prev = c,
                                      .c = c,
                                      .h = out,
                                      .clip = clip > 0 ? clip : kNoClip,
                                      .couples_input_forget = couple_input_forget});
    for (size_t j = 0; j < kGates * hidden; ++j) z[j] += x[j];
    float *zi = z, *zo = z + hidden, *zf = z + 2 * hidden, *zc = z + 3 * hidden;
    if (peepholes)
      for (size_t j = 0; j < hidden; ++j) {
        zi[j] += peepholes[j] * c[j];
        zf[j] += peepholes[2 * hidden + j] * c[j];
      }
    bound(zi, hidden);
    bound(zf, 2 * hidden);
    f.apply(zi, hidden);
    f.apply(zf, hidden);
    g.apply(zc, hidden);
    for (size_t j = 0; j < hidden; ++j)
      c[j] = (couple_input_forget ? 1 - zi[j] : zf[j]) * c[j] + zi[j] * zc[j];
    if (peepholes)
      for (size_t j = 0; j < hidden; ++j) zo[j] += peepholes[hidden + j] * c[j];
    bound(zo, hidden);
    f.apply(zo, hidden);
    std::copy_n(c, hidden, out);
    h.apply(out, hidden);
    for (size_t j = 0; j < hidden; ++j) out[j] *= zo[j];
  }

private:
  void bound(float* z, size_t n) const noexcept {
    if (!(clip > 0)) return;
    for (size_t j = 0; j < n; ++j) z[j] = std::clamp(z[j], -clip, clip);
  }
};

// What products add, padded as they want it.
void add_halves(const BiasHalves& bias, size_t n, float* sum) noexcept {
  for (size_t j = 0; j < n; ++j) sum[j] = bias.w[j] + bias.r[j];
  std::fill_n(sum + n, kernels::kFPanelWidth, 0.0f);
}

void infer_lstm(InferContext& ctx) {
  const RecurrentShape shape = float_recurrent_shape(ctx, kGates);
  if (ctx.has_input(7) && ctx.shape(7) != Shape{static_cast<int64_t>(shape.directions),
                                                3 * static_cast<int64_t>(shape.hidden)})
    ctx.fail("P of shape ", to_string(ctx.shape(7)), " does not fit");
  set_recurrent_outputs(ctx, shape);
}

Kernel prepare_lstm(PrepareContext& ctx) {
  const RecurrentShape shape = float_recurrent_shape(ctx, kGates);
  ScratchLayout scratch;
  auto input = float_row_products(ctx, 1, 0, shape.gate_floats(), scratch);
  auto state = float_row_products(ctx, 2, 0, shape.gate_floats(), scratch);
  std::vector<LstmProducts> products;
  for (size_t d = 0; d < shape.directions; ++d)
    products.push_back({std::move(input[d]), std::move(state[d])});
  return lstm_kernel(ctx, shape, std::move(products), scratch);
}
} // namespace

Kernel lstm_kernel(PrepareContext& ctx, const RecurrentShape& shape,
                   std::vector<LstmProducts> products, ScratchLayout scratch) {
  const size_t gates = shape.gate_floats(), state = shape.batch * shape.hidden;
  const size_t x_at = scratch.reserve_floats(checked_mul(shape.steps * shape.batch, gates));
  const size_t z_at = scratch.reserve_floats(shape.batch * gates);
  const size_t bias_at = scratch.reserve_floats(gates + kernels::kFPanelWidth);
  const size_t h_at = scratch.reserve_floats(state), c_at = scratch.reserve_floats(state);
  ctx.request_scratch(scratch.bytes());
  return [=, products = std::move(products),
          activations = cell_activations(ctx, shape.directions, {"Sigmoid", "Tanh", "Tanh"}),
          clip = ctx.attributes().get_float("clip", 0),
          couple = ctx.attributes().get_int("input_forget", 0) != 0, has_bias = ctx.has_input(3),
          has_lengths = ctx.has_input(4), has_h = ctx.has_input(5), has_c = ctx.has_input(6),
          has_peepholes = ctx.has_input(7), has_y_h = ctx.has_output(1),
          has_y_c = ctx.has_output(2)](const RunContext& run) {
    const auto floats = [&](size_t at) { return reinterpret_cast<float*>(run.scratch + at); };
    float *x_gates = floats(x_at), *z = floats(z_at), *h = floats(h_at), *c = floats(c_at);
    float* bias_sum = has_bias ? floats(bias_at) : nullptr;
    const int32_t* lengths = sequence_lengths(run, shape, has_lengths);
    for (size_t d = 0; d < shape.directions; ++d) {
      const CellActivation* functions = &activations[3 * d];
      const LstmCell cell{shape.hidden,
                          functions[0],
                          functions[1],
                          functions[2],
                          clip,
                          couple,
                          has_peepholes ? run.input<float>(7) + d * 3 * shape.hidden : nullptr};
      if (has_bias) add_halves(bias_of(run, shape, d, has_bias), gates, bias_sum);
      products[d].input.begin(run);
      products[d].state.begin(run);
      products[d].input.multiply(run, run.input<float>(0), shape.steps * shape.batch, bias_sum,
                                 x_gates);
      load_state(has_h ? run.input<float>(5) : nullptr, shape, d, h);
      load_state(has_c ? run.input<float>(6) : nullptr, shape, d, c);
      run_steps(run, shape, d, lengths, h, [&](const RecurrentStep& step) {
        products[d].state.multiply(run, h, shape.batch, nullptr, z);
        for (size_t b = 0; b < shape.batch; ++b) {
          const size_t t = step.time(b);
          if (t == RecurrentStep::kFinished) continue;
          const float* x = x_gates + shape.x_row(t, b) * gates;
          cell(z + b * gates, x, c + b * shape.hidden, h + b * shape.hidden);
        }
      });
      store_state(h, shape, d, has_y_h ? run.output<float>(1) : nullptr);
      store_state(c, shape, d, has_y_c ? run.output<float>(2) : nullptr);
    }
  };
}

extern const OpDef op_lstm{.infer = infer_lstm, .prepare = prepare_lstm, .float32 = true};

} // namespace octet

#include "ops/recurrent.h"

#include <algorithm>
#include <cmath>

#include "kernels/gemm_f32/gemm_f32.h"
#include "ops/element.h"
#include "ops/packed_operand.h"

namespace octet {
namespace {
constexpr int64_t kMaxHidden = int64_t{1} << 24;
}

RecurrentShape recurrent_shape(const NodeContext& ctx, size_t gates, int64_t hidden,
                               int64_t directions) {
  const Shape& x = ctx.shape(0);
  const std::string direction = ctx.attributes().get_string("direction", "forward");
  const int64_t expected = direction == "bidirectional" ? 2 : 1;
  if (expected == 1 && direction != "forward" && direction != "reverse")
    ctx.fail("direction '", direction, "' is not known");
  if (directions != expected)
    ctx.fail("weights of ", directions, " directions, but direction is ", direction);
  if (x.rank() != 3) ctx.fail("X of shape ", to_string(x), " must have rank 3");
  if (hidden < 1 || hidden > kMaxHidden ||
      ctx.attributes().get_int("hidden_size", hidden) != hidden)
    ctx.fail("hidden_size does not fit the weights");
  RecurrentShape s{.input = dim(x, 2),
                   .hidden = static_cast<size_t>(hidden),
                   .directions = static_cast<size_t>(directions),
                   .gates = gates,
                   .first_is_reverse = direction == "reverse",
                   .batch_major = ctx.attributes().get_int("layout", 0) != 0};
  s.steps = dim(x, s.batch_major ? 1 : 0);
  s.batch = dim(x, s.batch_major ? 0 : 1);
  const auto check = [&](size_t input, const char* name, const Shape& shape) {
    if (ctx.has_input(input) && ctx.shape(input) != shape)
      ctx.fail(name, " of shape ", to_string(ctx.shape(input)), " should have ", to_string(shape));
  };
  const auto batch = static_cast<int64_t>(s.batch);
  const Shape state =
      s.batch_major ? Shape{batch, directions, hidden} : Shape{directions, batch, hidden};
  check(3, "B", {directions, 2 * static_cast<int64_t>(gates) * hidden});
  check(4, "sequence_lens", {batch});
  check(5, "initial_h", state);
  check(6, "initial_c", state);
  if (ctx.has_input(4) && ctx.dtype(4) != DType::Int32) ctx.fail("sequence_lens must be int32");
  for (size_t i : {0, 3, 5, 6, 7})
    if (ctx.has_input(i) && ctx.dtype(i) != DType::Float32)
      ctx.unsupported("input ", i, " of type ", dtype_name(ctx.dtype(i)));
  return s;
}

RecurrentShape float_recurrent_shape(const NodeContext& ctx, size_t gates) {
  const Shape &w = ctx.shape(1), &r = ctx.shape(2);
  if (w.rank() != 3 || r.rank() != 3) ctx.fail("W and R must have rank 3");
  const RecurrentShape s = recurrent_shape(ctx, gates, r[2], r[0]);
  const auto rows = static_cast<int64_t>(gates) * r[2];
  if (w != Shape{r[0], rows, static_cast<int64_t>(s.input)} || r[1] != rows)
    ctx.fail("W of shape ", to_string(w), " and R of shape ", to_string(r), " do not fit X of ",
             to_string(ctx.shape(0)));
  return s;
}

void set_recurrent_outputs(InferContext& ctx, const RecurrentShape& s) {
  const auto steps = static_cast<int64_t>(s.steps), batch = static_cast<int64_t>(s.batch),
             hidden = static_cast<int64_t>(s.hidden),
             directions = static_cast<int64_t>(s.directions);
  ctx.set_output(0, ctx.dtype(0),
                 s.batch_major ? Shape{batch, steps, directions, hidden}
                               : Shape{steps, directions, batch, hidden});
  for (size_t i = 1; i < ctx.output_count(); ++i)
    ctx.set_output(i, ctx.dtype(0),
                   s.batch_major ? Shape{batch, directions, hidden}
                                 : Shape{directions, batch, hidden});
}

// --- activations
namespace {
struct NamedActivation {
  std::string_view name;
  UnaryFn function;
  size_t param_count; // alpha, beta
  std::array<float, kMaxUnaryParams> defaults;
};

void affine(const void* x, void* y, size_t n, const float* p) noexcept {
  for (size_t i = 0; i < n; ++i)
    static_cast<float*>(y)[i] = p[0] * static_cast<const float*>(x)[i] + p[1];
}

void scaled_tanh(const void* x, void* y, size_t n, const float* p) noexcept {
  for (size_t i = 0; i < n; ++i)
    static_cast<float*>(y)[i] = p[0] * std::tanh(p[1] * static_cast<const float*>(x)[i]);
}

NamedActivation find_cell_activation(const NodeContext& ctx, std::string_view name) {
  const NamedActivation kTable[] = {
      {"Sigmoid", find_activation("Sigmoid"), 0, {}},
      {"Tanh", find_activation("Tanh"), 0, {}},
      {"Relu", find_activation("Relu"), 0, {}},
      {"Affine", affine, 2, {1, 0}},
      {"LeakyRelu", find_activation("LeakyRelu"), 1, {0.01f}},
      {"ThresholdedRelu", find_activation("ThresholdedRelu"), 1, {1}},
      {"ScaledTanh", scaled_tanh, 2, {1, 1}},
      {"HardSigmoid", find_activation("HardSigmoid"), 2, {0.2f, 0.5f}},
      {"Elu", find_activation("Elu"), 1, {1}},
      {"Softsign", find_activation("Softsign"), 0, {}},
      {"Softplus", find_activation("Softplus"), 0, {}}};
  const auto same = [&](std::string_view known) {
    return std::equal(known.begin(), known.end(), name.begin(), name.end(),
                      [](char a, char b) { return (a | 32) == (b | 32); });
  };
  for (const NamedActivation& entry : kTable)
    if (same(entry.name)) return entry;
  ctx.fail("activation '", name, "' is not known");
}
} // namespace

std::vector<CellActivation> cell_activations(const NodeContext& ctx, size_t directions,
                                             std::initializer_list<const char*> defaults) {
  std::vector<std::string> names;
  if (const AttributeValue* given = ctx.attributes().find("activations"))
    if (const auto* list = std::get_if<std::vector<std::string>>(given)) names = *list;
  if (names.empty())
    for (size_t d = 0; d < directions; ++d)
      names.insert(names.end(), defaults.begin(), defaults.end());
  if (names.size() != directions * defaults.size())
    ctx.fail("activations has ", names.size(), " entries, not ", directions * defaults.size());
  // Each list is consumed by the functions that take such a parameter, in their order.
  const std::vector<float> lists[] = {ctx.attributes().get_floats("activation_alpha"),
                                      ctx.attributes().get_floats("activation_beta")};
  size_t taken[] = {0, 0};
  std::vector<CellActivation> out;
  for (const std::string& name : names) {
    const NamedActivation known = find_cell_activation(ctx, name);
    CellActivation activation{known.function, known.defaults};
    for (size_t p = 0; p < known.param_count; ++p)
      if (taken[p] < lists[p].size()) activation.params[p] = lists[p][taken[p]++];
    out.push_back(activation);
  }
  return out;
}

// --- products
std::vector<RowProduct> float_row_products(PrepareContext& ctx, size_t input, size_t row_begin,
                                           size_t n, ScratchLayout& scratch) {
  const size_t rows = dim(ctx.shape(input), 1), k = dim(ctx.shape(input), 2);
  std::vector<RowProduct> out;
  for (size_t d = 0; d < dim(ctx.shape(input), 0); ++d) {
    const size_t offset = (d * rows + row_begin) * k;
    const auto pack = [=](const float* from, float* to) {
      kernels::pack_f32({.data = from + offset,
                         .n = n,
                         .k = k,
                         .n_stride = static_cast<ptrdiff_t>(k),
                         .k_stride = 1},
                        to);
    };
    PackedOperand weights(ctx, input, concat("rows/", offset, "/", n),
                          kernels::packed_f32_elements(n, 1, k), scratch, pack);
    out.push_back({.begin = [=](const RunContext& run) { weights.prepare(run); },
                   .multiply =
                       [=](const RunContext& run, const float* a, size_t count, const float* bias,
                           float* to) {
                         kernels::gemm_f32({.m = count,
                                            .n = n,
                                            .k = k,
                                            .a = a,
                                            .a_stride = k,
                                            .b = weights.get(run),
                                            .c = to,
                                            .c_stride = n,
                                            .params = {.bias = bias}},
                                           0, count);
                       }});
  }
  return out;
}

// --- operands
BiasHalves bias_of(const RunContext& run, const RecurrentShape& shape, size_t direction,
                   bool has_bias) {
  if (!has_bias) return {};
  const float* w = run.input<float>(3) + direction * 2 * shape.gate_floats();
  return {w, w + shape.gate_floats()};
}

const int32_t* sequence_lengths(const RunContext& run, const RecurrentShape& shape,
                                bool has_lengths) {
  if (!has_lengths) return nullptr;
  const auto* lengths = run.input<int32_t>(4);
  for (size_t b = 0; b < shape.batch; ++b)
    if (lengths[b] < 0 || static_cast<size_t>(lengths[b]) > shape.steps)
      fail(ErrorCode::InvalidInput, "sequence_lens: ", lengths[b], " is outside of 0 to ",
           shape.steps);
  return lengths;
}

void load_state(const float* operand, const RecurrentShape& shape, size_t direction, float* state) {
  for (size_t b = 0; b < shape.batch; ++b, state += shape.hidden) {
    if (operand)
      std::copy_n(operand + shape.state_row(direction, b) * shape.hidden, shape.hidden, state);
    else
      std::fill_n(state, shape.hidden, 0.0f);
  }
}

void store_state(const float* state, const RecurrentShape& shape, size_t direction, float* result) {
  for (size_t b = 0; result && b < shape.batch; ++b, state += shape.hidden)
    std::copy_n(state, shape.hidden, result + shape.state_row(direction, b) * shape.hidden);
}

} // namespace octet

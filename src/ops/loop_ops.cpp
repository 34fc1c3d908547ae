// Loop and Scan: a subgraph run again and again on values that it hands on to itself.
#include "ops/element.h"
#include "ops/op_def.h"
#include "ops/values.h"

namespace octet {
namespace {
// The subgraph, and what its runs leave behind.
class Body {
public:
  // Of its outputs, `carried` are handed on, after `conditions` of another kind; the rest is
  // collected.
  Body(const NodeContext& ctx, size_t conditions, size_t carried)
      : ctx_(ctx), graph_(graph_of(ctx)), captures_(values_of(ctx.captures())),
        conditions_(conditions), carried_(carried) {
    const size_t outputs = graph_.outputs().size() - conditions;
    if (graph_.outputs().size() < conditions + carried || outputs != ctx.node().outputs.size())
      ctx.fail("its body has ", graph_.outputs().size(), " outputs, not ",
               conditions + ctx.node().outputs.size());
    collected_.resize(outputs - carried);
  }

  // Runs once on `inputs`, which become the values to hand on; returns the conditions.
  std::vector<Tensor> run(std::vector<Tensor> inputs, std::vector<Tensor>& state) {
    if (inputs.size() != graph_.inputs().size())
      ctx_.fail("its body has ", graph_.inputs().size(), " inputs, not ", inputs.size());
    inputs.insert(inputs.end(), captures_.begin(), captures_.end());
    std::vector<Tensor> outputs = ctx_.host()->run(graph_, inputs);
    for (size_t i = 0; i < carried_; ++i) state[i] = std::move(outputs[conditions_ + i]);
    for (size_t i = 0; i < collected_.size(); ++i)
      collected_[i].push_back(std::move(outputs[conditions_ + carried_ + i]));
    outputs.resize(conditions_);
    return outputs;
  }

  size_t collected_count() const { return collected_.size(); }
  std::span<Tensor> collected(size_t i) { return collected_[i]; }
  // The declared type of a collected output, for one that never came.
  TensorType collected_type(size_t i) const {
    return graph_.value(graph_.outputs()[conditions_ + carried_ + i]).type;
  }

private:
  static const Graph& graph_of(const NodeContext& ctx) {
    const auto* graph = ctx.attributes().find_graph("body");
    if (!graph || !*graph) ctx.fail("attribute 'body' is missing");
    return **graph;
  }

  const NodeContext& ctx_;
  const Graph& graph_;
  std::vector<Tensor> captures_;
  size_t conditions_, carried_;
  std::vector<std::vector<Tensor>> collected_;
};

bool truth_of(const NodeContext& ctx, const Tensor& condition) {
  if (condition.dtype() != DType::Bool || condition.elements() != 1)
    ctx.fail("its condition must be one bool, not ", dtype_name(condition.dtype()), " of shape ",
             to_string(condition.shape()));
  return condition.bytes()[0] != 0;
}

// No rounds leave results of length 0, as far as the body declares what they would have been.
Tensor collected_nothing(const Body& body, size_t i) {
  const TensorType type = body.collected_type(i);
  Shape shape{0};
  for (size_t k = 0; type.shape && k < type.shape->rank(); ++k)
    shape.push_back(std::max<int64_t>((*type.shape)[k], 0));
  if (type.dtype == DType::String) return Tensor(std::move(shape), {});
  return Tensor(type.dtype == DType::Undefined ? DType::Float32 : type.dtype, std::move(shape),
                SharedBytes(Buffer(0)));
}

// ONNX Loop: inputs are the largest number of rounds, the first condition (both may be left out)
// and the values handed on; the body gets the round, the condition and those values.
std::vector<Tensor> compute_loop(const NodeContext& ctx) {
  const int64_t most = ctx.has_input(0) ? integer_of(ctx, 0) : INT64_MAX;
  Tensor condition = ctx.has_input(1) ? ctx.value(1) : Tensor::scalar(true);
  std::vector<Tensor> state;
  for (size_t i = 2; i < ctx.input_count(); ++i)
    state.push_back(ctx.has_input(i) ? ctx.value(i) : Tensor());
  Body body(ctx, 1, state.size());
  for (int64_t round = 0; round < most && truth_of(ctx, condition); ++round) {
    std::vector<Tensor> inputs = {Tensor::scalar(round), condition};
    inputs.insert(inputs.end(), state.begin(), state.end());
    condition = body.run(std::move(inputs), state)[0];
  }
  std::vector<Tensor> out = std::move(state);
  for (size_t i = 0; i < body.collected_count(); ++i) {
    const auto items = body.collected(i);
    out.push_back(items.empty() ? collected_nothing(body, i) : stack(ctx, items, 0));
  }
  return out;
}

// What Scan's attributes say of its scanned inputs and outputs.
struct ScanWays {
  std::vector<int64_t> input_axes, output_axes;
  std::vector<int64_t> input_backwards, output_backwards;
};

std::vector<int64_t> ways_of(const NodeContext& ctx, const char* attribute, size_t count) {
  std::vector<int64_t> out = ctx.attributes().get_ints(attribute);
  if (!out.empty() && out.size() != count)
    ctx.fail("attribute '", attribute, "' has ", out.size(), " numbers, not ", count);
  out.resize(count);
  return out;
}

// One pass over the slices of `scanned`; the final states, then what was collected, stacked.
std::vector<Tensor> scan(const NodeContext& ctx, std::vector<Tensor> state,
                         std::span<const Tensor> scanned, int64_t rounds, const ScanWays& ways) {
  Body body(ctx, 0, state.size());
  for (int64_t round = 0; round < rounds; ++round) {
    std::vector<Tensor> inputs = state;
    for (size_t i = 0; i < scanned.size(); ++i) {
      const size_t axis = ctx.normalize_axis(ways.input_axes[i], scanned[i].shape().rank());
      const int64_t at = ways.input_backwards[i] ? rounds - 1 - round : round;
      inputs.push_back(take(scanned[i], axis, at, 1, false));
    }
    body.run(std::move(inputs), state);
  }
  std::vector<Tensor> out = std::move(state);
  for (size_t i = 0; i < body.collected_count(); ++i) {
    const auto items = body.collected(i);
    if (ways.output_backwards[i]) std::reverse(items.begin(), items.end());
    if (items.empty()) {
      out.push_back(collected_nothing(body, i));
      continue;
    }
    const size_t axis = ctx.normalize_axis(ways.output_axes[i], items[0].shape().rank() + 1);
    out.push_back(stack(ctx, items, axis));
  }
  return out;
}

int64_t scanned_length(const NodeContext& ctx, std::span<const Tensor> scanned,
                       const std::vector<int64_t>& axes) {
  int64_t length = -1;
  for (size_t i = 0; i < scanned.size(); ++i) {
    const Shape& shape = scanned[i].shape();
    const int64_t size = shape[ctx.normalize_axis(axes[i], shape.rank())];
    if (length >= 0 && size != length)
      ctx.fail("scanned inputs of ", length, " and of ", size, " slices");
    length = size;
  }
  return length;
}

size_t scanned_count(const NodeContext& ctx, size_t inputs) {
  const int64_t count = ctx.attributes().get_int("num_scan_inputs", 0);
  if (count < 1 || count > static_cast<int64_t>(inputs))
    ctx.fail("attribute 'num_scan_inputs' is ", count, ", with ", inputs, " inputs");
  return static_cast<size_t>(count);
}

// ONNX Scan since operator set 9.
std::vector<Tensor> scan_once(const NodeContext& ctx) {
  std::vector<Tensor> state;
  for (size_t i = 0; i < ctx.input_count(); ++i) state.push_back(ctx.value(i));
  const size_t count = scanned_count(ctx, state.size());
  const std::vector<Tensor> scanned(state.end() - static_cast<ptrdiff_t>(count), state.end());
  state.resize(state.size() - count);
  if (ctx.node().outputs.size() < state.size()) ctx.fail("it has fewer outputs than states");
  const size_t outputs = ctx.node().outputs.size() - state.size();
  const ScanWays ways{.input_axes = ways_of(ctx, "scan_input_axes", count),
                      .output_axes = ways_of(ctx, "scan_output_axes", outputs),
                      .input_backwards = ways_of(ctx, "scan_input_directions", count),
                      .output_backwards = ways_of(ctx, "scan_output_directions", outputs)};
  return scan(ctx, std::move(state), scanned, scanned_length(ctx, scanned, ways.input_axes), ways);
}

// ONNX Scan of operator set 8: every input has a batch axis in front, each batch of which is
// scanned along the next axis; lengths may differ by batch, and outputs end in zeros then.
std::vector<Tensor> scan_batches(const NodeContext& ctx) {
  if (ctx.has_input(0)) ctx.unsupported("lengths by batch");
  std::vector<Tensor> values;
  for (size_t i = 1; i < ctx.input_count(); ++i) values.push_back(ctx.value(i));
  const size_t count = scanned_count(ctx, values.size()), states = values.size() - count;
  if (ctx.node().outputs.size() < states) ctx.fail("it has fewer outputs than states");
  const size_t outputs = ctx.node().outputs.size() - states;
  const ScanWays ways{.input_axes = std::vector<int64_t>(count),
                      .output_axes = std::vector<int64_t>(outputs),
                      .input_backwards = ways_of(ctx, "directions", count),
                      .output_backwards = std::vector<int64_t>(outputs)};
  const std::vector<int64_t> batch_axes(values.size());
  const int64_t batches = scanned_length(ctx, values, batch_axes);
  std::vector<std::vector<Tensor>> results(ctx.node().outputs.size());
  for (int64_t batch = 0; batch < batches; ++batch) {
    std::vector<Tensor> state;
    for (const Tensor& t : values) state.push_back(take(t, 0, batch, 1, false));
    const std::vector<Tensor> scanned(state.begin() + static_cast<ptrdiff_t>(states), state.end());
    state.resize(states);
    auto made =
        scan(ctx, std::move(state), scanned, scanned_length(ctx, scanned, ways.input_axes), ways);
    for (size_t i = 0; i < made.size(); ++i) results[i].push_back(std::move(made[i]));
  }
  std::vector<Tensor> out;
  for (const auto& items : results) out.push_back(stack(ctx, items, 0));
  return out;
}

std::vector<Tensor> compute_scan(const NodeContext& ctx) {
  return ctx.opset() < 9 ? scan_batches(ctx) : scan_once(ctx);
}
} // namespace

extern const OpDef op_loop{.compute = compute_loop};
extern const OpDef op_scan{.compute = compute_scan};

} // namespace octet

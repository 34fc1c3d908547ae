#include "runtime/plan.h"

#include <algorithm>
#include <cstring>

#include "base/limits.h"
#include "ops/evaluate.h"
#include "ops/narrow.h"
#include "ops/registry.h"

namespace octet {
namespace {
size_t bytes_of(const ValueFact& fact) {
  return dtype_bytes(fact.dtype, fact.shape->elements());
}
} // namespace

Plan::Plan(std::shared_ptr<const Graph> graph, std::span<const ValueFact* const> inputs,
           PackedWeights& weights, SubgraphHost& host, Workers workers)
    : owner_(std::move(graph)), graph_(*owner_), weights_(weights), host_(host), workers_(workers),
      facts_(propagate(graph_, inputs, &host)), locations_(graph_.value_count()),
      dynamic_(graph_.value_count()), last_reads_(graph_.value_count(), 0) {
  const auto& nodes = graph_.nodes();
  for (uint32_t i = 0; i < nodes.size(); ++i) {
    const Node& node = graph_.node(nodes[i]);
    for (const auto* list : {&node.inputs, &node.captures})
      for (ValueId id : *list)
        if (id) last_reads_[id.index] = i;
  }
  for (ValueId id : graph_.outputs()) last_reads_[id.index] = ArenaRequest::kAfterRun;
  place_inputs_and_constants();
}

bool Plan::build(Deadline deadline) {
  const auto& nodes = graph_.nodes();
  for (; node_index_ < nodes.size(); ++node_index_) {
    if (deadline.has_passed()) return true;
    place_node(graph_.node(nodes[node_index_]));
  }
  layout_ = plan_arena(requests_);
  drop_constants();
  return false;
}

void Plan::place_inputs_and_constants() {
  uint32_t next = 0;
  for (const auto* list : {&graph_.inputs(), &graph_.captures()})
    for (ValueId id : *list) locations_[id.index] = {Place::Input, next++};
  for (size_t i = 0; i < locations_.size(); ++i) {
    const ValueId id(i);
    if (locations_[i].place == Place::None && facts_[id].value)
      locations_[i].place = Place::Constant;
  }
}

void Plan::place_node(const Node& node) {
  const auto placed = [&](ValueId id) {
    return !id || locations_[id.index].place == Place::Constant;
  };
  if (std::all_of(node.outputs.begin(), node.outputs.end(), placed)) return;
  const OpDef& op = op_of(node);
  if (!runs_on_pointers(node, op)) return place_results(node);
  for (size_t i = 0; i < node.outputs.size(); ++i)
    if (node.outputs[i] && !placed(node.outputs[i])) place_output(node, i, op);
  if (op.aliasing != Aliasing::View) add_step(node, op);
}

// Whether a kernel can be bound now: operands of known sizes, which are bytes.
bool Plan::runs_on_pointers(const Node& node, const OpDef& op) const {
  if (op.compute && !op.prepare && op.aliasing != Aliasing::View) return false;
  const bool moves_packed = op.moves && op.aliasing != Aliasing::View;
  const auto is_ready = [&](ValueId id) {
    if (!id) return true;
    const ValueFact& fact = facts_[id];
    return fact.shape && is_dense(fact.dtype) && !(moves_packed && is_narrow(fact.dtype));
  };
  return std::all_of(node.inputs.begin(), node.inputs.end(), is_ready) &&
         std::all_of(node.captures.begin(), node.captures.end(), is_ready) &&
         std::all_of(node.outputs.begin(), node.outputs.end(), is_ready);
}

// Of a node that is evaluated afresh at each run: what kernels of other nodes can read goes into
// the arena.
void Plan::place_results(const Node& node) {
  for (ValueId id : node.outputs) {
    if (!id || locations_[id.index].place == Place::Constant) continue;
    if (facts_[id].shape && is_dense(facts_[id].dtype))
      place_in_arena(id, std::max(last_reads_[id.index], node_index_));
    else
      locations_[id.index].place = Place::Dynamic;
  }
  steps_.push_back({.node = &node, .kernel = {}});
  data_dependent_ = true;
}

void Plan::place_in_arena(ValueId id, uint32_t last_step) {
  const size_t bytes = bytes_of(facts_[id]);
  if (bytes > limits::kMaxTensorBytes)
    fail(ErrorCode::InvalidInput, "value '", graph_.value(id).name, "' of shape ",
         to_string(*facts_[id].shape), " is too large");
  locations_[id.index] = {Place::Arena, static_cast<uint32_t>(requests_.size())};
  requests_.push_back({.bytes = bytes, .first_step = node_index_, .last_step = last_step});
}

void Plan::place_output(const Node& node, size_t output, const OpDef& op) {
  const ValueId id = node.outputs[output];
  const uint32_t last = std::max(last_reads_[id.index], node_index_);
  if (op.aliasing == Aliasing::View && output == 0) {
    locations_[id.index] = locations_[node.inputs[0].index];
    if (locations_[id.index].place == Place::Arena) {
      uint32_t& end = requests_[locations_[id.index].index].last_step;
      end = std::max(end, last);
    }
    return;
  }
  if (op.aliasing == Aliasing::InPlace && share_in_place(node, id)) return;
  place_in_arena(id, last);
}

bool Plan::share_in_place(const Node& node, ValueId output) {
  const size_t bytes = bytes_of(facts_[output]);
  for (ValueId in : node.inputs) {
    if (!in || locations_[in.index].place != Place::Arena) continue;
    const uint32_t index = locations_[in.index].index;
    ArenaRequest& request = requests_[index];
    // Another operand in the same place would be read after it was overwritten.
    const auto same_place = [&](ValueId other) {
      return other && other != in && locations_[other.index].place == Place::Arena &&
             locations_[other.index].index == index;
    };
    if (request.last_step != node_index_ || bytes_of(facts_[in]) != bytes ||
        request.bytes != bytes || facts_[in].dtype != facts_[output].dtype ||
        std::any_of(node.inputs.begin(), node.inputs.end(), same_place) ||
        std::any_of(node.outputs.begin(), node.outputs.end(), same_place))
      continue;
    locations_[output.index] = {Place::Arena, index};
    request.last_step = std::max(last_reads_[output.index], node_index_);
    return true;
  }
  return false;
}

void Plan::add_step(const Node& node, const OpDef& op) {
  if (!op.prepare)
    fail(ErrorCode::UnsupportedOperator, node.op_type, " '", node.name,
         "': no kernel for these operands (rank, type or attributes)");
  const auto inputs = facts_.find_all(node.inputs), outputs = facts_.find_all(node.outputs),
             captures = facts_.find_all(node.captures);
  PrepareContext ctx(node, opset_of(node, graph_.model), inputs, outputs, captures, weights_,
                     &host_, workers_.count);
  Step step{
      .node = &node, .kernel = op.prepare(ctx), .first = static_cast<uint32_t>(operands_.size())};
  if (const size_t bytes = ctx.scratch_bytes()) {
    step.scratch = static_cast<uint32_t>(requests_.size());
    requests_.push_back({.bytes = bytes, .first_step = node_index_, .last_step = node_index_});
  }
  for (size_t i = 0; i < node.inputs.size(); ++i)
    add_operand(ctx.is_packed(i) ? ValueId() : node.inputs[i]);
  for (ValueId id : node.outputs) add_operand(id);
  for (ValueId id : node.captures) add_operand(id);
  steps_.push_back(std::move(step));
}

void Plan::add_operand(ValueId id) {
  const auto operand = static_cast<uint32_t>(operands_.size());
  operands_.push_back(nullptr);
  if (!id) return;
  switch (locations_[id.index].place) {
  case Place::Constant:
    operands_[operand] = address(id);
    held_.push_back(facts_[id].value->data().hold());
    break;
  case Place::Input:
    input_slots_.push_back({operand, id});
    break;
  default:
    arena_slots_.push_back({operand, id});
    break;
  }
}

// What no step reads need not stay in the heap.
void Plan::drop_constants() {
  for (size_t i = 0; i < locations_.size(); ++i)
    if (const auto& value = facts_[ValueId(i)].value) value->data().drop();
}

const void* Plan::address(ValueId id) const {
  const Location& location = locations_[id.index];
  switch (location.place) {
  case Place::Input:
    return inputs_[location.index];
  case Place::Constant:
    return facts_[id].value->aligned_bytes();
  case Place::Arena:
    return arena_ + layout_.offsets[location.index];
  case Place::Dynamic:
    return dynamic_[id.index].bytes();
  case Place::None:
    return nullptr;
  }
  return nullptr;
}

std::vector<ValueFact> Plan::output_facts() const {
  std::vector<ValueFact> out;
  for (ValueId id : graph_.outputs()) out.push_back(facts_[id]);
  return out;
}

Tensor Plan::tensor_of(ValueId id) const {
  const Location& location = locations_[id.index];
  if (location.place == Place::Dynamic) return dynamic_[id.index];
  const ValueFact& fact = facts_[id];
  if (location.place == Place::Input && !values_.empty()) {
    const Tensor& value = values_[location.index];
    return is_dense(value.dtype()) ? value.reshaped(*fact.shape) : value;
  }
  if (fact.value) return *fact.value;
  const Bytes bytes(static_cast<const uint8_t*>(address(id)), bytes_of(fact));
  return Tensor(fact.dtype, *fact.shape, SharedBytes(bytes, nullptr));
}

void Plan::start(uint8_t* arena, std::span<const void* const> inputs,
                 std::span<const Tensor> values) {
  next_step_ = 0;
  values_ = values;
  const bool moved = arena != arena_;
  arena_ = arena;
  inputs_ = inputs;
  for (const Slot& slot : input_slots_) operands_[slot.operand] = address(slot.value);
  if (!moved) return;
  for (const Slot& slot : arena_slots_) operands_[slot.operand] = address(slot.value);
}

void Plan::run(uint8_t* arena, std::span<const void* const> inputs, Profiler* profiler,
               std::span<const Tensor> values) {
  start(arena, inputs, values);
  advance(profiler, Deadline::never());
}

bool Plan::advance(Profiler* profiler, Deadline deadline) {
  for (; next_step_ < steps_.size(); ++next_step_) {
    if (deadline.has_passed()) return true;
    const Step& step = steps_[next_step_];
    if (profiler) profiler->begin();
    run_step(step);
    if (profiler) profiler->end(*step.node, facts_);
  }
  return false;
}

void Plan::run_step(const Step& step) {
  if (!step.kernel) return run_dynamic(*step.node);
  const void* const* operands = operands_.data() + step.first;
  const size_t input_count = step.node->inputs.size(), output_count = step.node->outputs.size();
  step.kernel(
      {.inputs = operands,
       .outputs = const_cast<void* const*>(operands + input_count),
       .captures = operands + input_count + output_count,
       .scratch = step.scratch == kNoScratch ? nullptr : arena_ + layout_.offsets[step.scratch],
       .workers = workers_});
}

void Plan::run_dynamic(const Node& node) {
  const auto tensors_of = [&](std::span<const ValueId> ids) {
    std::vector<Tensor> out;
    for (ValueId id : ids) out.push_back(id ? tensor_of(id) : Tensor());
    return out;
  };
  const auto pointers_to = [](const std::vector<Tensor>& tensors) {
    std::vector<const Tensor*> out;
    for (const Tensor& t : tensors) out.push_back(t.dtype() == DType::Undefined ? nullptr : &t);
    return out;
  };
  const auto inputs = tensors_of(node.inputs), captures = tensors_of(node.captures);
  auto results =
      evaluate(node, graph_.model, pointers_to(inputs), pointers_to(captures), &host_, &weights_);
  if (!results)
    fail(ErrorCode::UnsupportedOperator, node.op_type, " '", node.name,
         "': shapes that depend on data are not supported here");
  for (size_t i = 0; i < node.outputs.size(); ++i)
    if (node.outputs[i]) keep_result(node.outputs[i], std::move((*results)[i]));
}

void Plan::keep_result(ValueId id, Tensor result) {
  const ValueFact& fact = facts_[id];
  switch (locations_[id.index].place) {
  case Place::Dynamic:
    dynamic_[id.index] = result.kept();
    break;
  case Place::Arena:
    if (result.dtype() != fact.dtype || result.shape() != *fact.shape)
      fail(ErrorCode::Internal, "value '", graph_.value(id).name, "' was to be ",
           dtype_name(fact.dtype), " ", to_string(*fact.shape), ", not ",
           dtype_name(result.dtype()), " ", to_string(result.shape()));
    std::memcpy(const_cast<void*>(address(id)), result.bytes(), result.size_bytes());
    break;
  default: // known since planning
    break;
  }
}

} // namespace octet

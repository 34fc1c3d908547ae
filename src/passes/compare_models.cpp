#include "passes/compare_models.h"

#include <algorithm>
#include <unordered_map>

#include "base/error.h"
#include "ops/registry.h"
#include "passes/match.h"
#include "passes/raise_opset.h"

namespace octet {
namespace {
// A value of the reference and its counterpart.
struct Pair {
  std::string name;
  ValueId reference, candidate;
  bool floats_only;
};

// Of an input that both models declare: what one of them leaves open, the other may know.
void narrow_type(TensorType& type, const TensorType& other) {
  if (type.dtype == DType::Undefined) type.dtype = other.dtype;
  if (!type.shape || !other.shape || type.shape->rank() != other.shape->rank()) return;
  for (size_t i = 0; i < type.shape->rank(); ++i)
    if ((*type.shape)[i] == kDynamicDim) (*type.shape)[i] = (*other.shape)[i];
}

// One of the two graphs, on its way into the common one.
class Side {
public:
  Side(Graph& from, Graph& to)
      : from_(from), to_(to), uses_(from), values_(from.value_count()), places_(from.node_slots()),
        is_compared_(from.nodes().size()), is_added_(from.nodes().size()) {
    for (size_t i = 0; i < from.nodes().size(); ++i) places_[from.nodes()[i].index] = i;
    for (const OpsetImport& import : from.model.opsets) import_opset(import);
    to.model.ir_version = std::max(to.model.ir_version, from.model.ir_version);
    for (ValueId id : from.inputs()) values_[id.index] = input(from.value(id));
    for (size_t i = 0; i < values_.size(); ++i)
      if (!values_[i]) values_[i] = take(from.value(ValueId(i)));
  }

  ValueId value(ValueId id) const { return id ? values_[id.index] : ValueId(); }

  // How many nodes there are up to the value's producer, with it.
  size_t end_of(ValueId id) const {
    const NodeId producer = from_.value(id).producer;
    return producer ? places_[producer.index] + 1 : 0;
  }
  void mark_compared(ValueId id) {
    if (const size_t end = end_of(id)) is_compared_[end - 1] = true;
  }

  void add_nodes_until(size_t end) {
    for (; next_ < end; ++next_) add(next_);
  }
  // The value as its readers see it: what its codes stand for, where nothing but a QuantizeLinear
  // reads it and a DequantizeLinear reads these.
  ValueId as_read(ValueId id) {
    const NodeId quantizer = only_reader(id, "QuantizeLinear");
    if (!quantizer) return value(id);
    const ValueId codes = from_.node(quantizer).outputs[0];
    for (NodeId reader : uses_.of(codes)) {
      if (!turns_only(reader, "DequantizeLinear", codes)) continue;
      add(places_[quantizer.index]);
      return add_dequantizer(taken(reader));
    }
    return value(id);
  }
  // What turns the value into codes, which are smaller.
  void add_quantizers_of(ValueId id) {
    for (NodeId reader : uses_.of(id))
      if (turns_only(reader, "QuantizeLinear", id)) add(places_[reader.index]);
  }

private:
  void import_opset(const OpsetImport& import) {
    auto& opsets = to_.model.opsets;
    const auto known = std::find_if(opsets.begin(), opsets.end(), [&](const OpsetImport& other) {
      return other.domain == import.domain;
    });
    if (known == opsets.end())
      opsets.push_back(import);
    else
      known->version = std::max(known->version, import.version);
  }

  ValueId input(const Value& value) {
    for (ValueId id : to_.inputs()) {
      if (to_.value(id).name != value.name) continue;
      TensorType& type = to_.value(id).type;
      if (type.dtype != DType::Undefined && value.type.dtype != DType::Undefined &&
          type.dtype != value.type.dtype)
        fail(ErrorCode::InvalidInput, "input '", value.name, "' is of ", dtype_name(type.dtype),
             " in one model and of ", dtype_name(value.type.dtype), " in the other");
      narrow_type(type, value.type);
      return id;
    }
    return to_.add_input(value.name, value.type);
  }

  // Whether a node is of a type and needs nothing but the value.
  bool turns_only(NodeId reader, std::string_view op_type, ValueId id) const {
    const Node& node = from_.node(reader);
    const auto is_ready = [&](ValueId in) { return !in || in == id || to_.constant(value(in)); };
    return is_op(node, op_type) && std::all_of(node.inputs.begin(), node.inputs.end(), is_ready);
  }
  // The value's only reader, where that is of a type and needs nothing else.
  NodeId only_reader(ValueId id, std::string_view op_type) const {
    const NodeId reader = uses_.only_reader(id);
    return reader && turns_only(reader, op_type, id) ? reader : NodeId();
  }

  ValueId take(Value& value) {
    const ValueId id = to_.add_value(std::move(value.name), std::move(value.type));
    to_.value(id).constant = std::move(value.constant);
    return id;
  }

  Node taken(NodeId id) const {
    Node node = from_.node(id);
    for (auto* list : {&node.inputs, &node.outputs, &node.captures})
      for (ValueId& in_node : *list) in_node = value(in_node);
    return node;
  }

  void add(size_t place) {
    if (is_added_[place]) return;
    is_added_[place] = true;
    Node node = taken(from_.nodes()[place]);
    if (!is_compared_[place] && is_op(node, "DequantizeLinear") && !to_.constant(node.inputs[0])) {
      const ValueId out = node.outputs[0];
      dequantizers_.emplace(out, std::move(node));
      return;
    }
    for (auto* list : {&node.inputs, &node.captures})
      for (ValueId& id : *list) id = dequantized(id);
    to_.add_node(std::move(node));
  }

  // A value for one reader: codes are smaller than the numbers that they stand for.
  ValueId dequantized(ValueId id) {
    const auto found = dequantizers_.find(id);
    if (found == dequantizers_.end()) return id;
    return add_dequantizer(found->second);
  }

  // One more of these, with a result of its own.
  ValueId add_dequantizer(Node node) {
    const ValueId out = node.outputs[0];
    const ValueId made = node.outputs[0] = to_.add_value(to_.value(out).name, to_.value(out).type);
    to_.add_node(std::move(node));
    return made;
  }

  Graph& from_;
  Graph& to_;
  Uses uses_;                     // of the values of `from_`
  std::vector<ValueId> values_;   // by value: what stands for it
  std::vector<size_t> places_;    // by node: in the order
  std::vector<bool> is_compared_; // by place: whether it makes a compared value
  std::vector<bool> is_added_;    // by place
  // By value: nodes that make one from codes, each time that it is read.
  std::unordered_map<ValueId, Node> dequantizers_;
  size_t next_ = 0;
};

void raise_to_common_opset(Graph& first, Graph& second) {
  const int64_t a = first.model.opset(""), b = second.model.opset("");
  if (a == b) return;
  for (Graph* graph : {&first, &second}) raise_opset(*graph, std::max({a, b, kOldestRaised}));
}

ValueId output_named(const Graph& graph, const std::string& name) {
  for (ValueId id : graph.outputs())
    if (graph.value(id).name == name) return id;
  fail(ErrorCode::InvalidInput, "only one of the models has an output '", name, "'");
}

std::vector<Pair> pairs_of(const Graph& reference, const Graph& candidate, bool with_layers) {
  std::vector<Pair> pairs;
  for (ValueId id : reference.outputs()) {
    const std::string& name = reference.value(id).name;
    pairs.push_back({name, id, output_named(candidate, name), false});
  }
  if (!with_layers) return pairs;
  std::unordered_map<std::string, ValueId> made;
  for (NodeId id : candidate.nodes())
    for (ValueId out : candidate.node(id).outputs)
      if (out) made.emplace(candidate.value(out).name, out);
  for (NodeId id : reference.nodes()) {
    const Node& node = reference.node(id);
    if (node.op_type == "Constant") continue;
    for (ValueId out : node.outputs) {
      if (!out || reference.is_output(out)) continue;
      const std::string& name = reference.value(out).name;
      if (const auto found = made.find(name); found != made.end())
        pairs.push_back({name, out, found->second, true});
    }
  }
  return pairs;
}

ValueId add_comparison(Graph& graph, const Pair& pair, ValueId reference, ValueId candidate) {
  const ValueId sums = graph.add_value(pair.name);
  Node node{.name = pair.name, .op_type = "Compare", .domain = std::string(kLoweredDomain)};
  node.inputs = {reference, candidate};
  node.outputs = {sums};
  node.attributes.set("floats_only", int64_t{pair.floats_only});
  graph.add_node(std::move(node));
  return sums;
}
} // namespace

Graph compare_models(Graph& reference, Graph& candidate, bool with_layers) {
  raise_to_common_opset(reference, candidate);
  const std::vector<Pair> pairs = pairs_of(reference, candidate, with_layers);
  Graph both;
  both.name = reference.name;
  Side first(reference, both), second(candidate, both);
  std::vector<std::pair<size_t, size_t>> order; // (place in the reference, pair)
  for (size_t i = 0; i < pairs.size(); ++i) {
    first.mark_compared(pairs[i].reference);
    second.mark_compared(pairs[i].candidate);
    order.emplace_back(first.end_of(pairs[i].reference), i);
  }
  std::sort(order.begin(), order.end());
  std::vector<ValueId> sums(pairs.size());
  for (const auto& [place, i] : order) {
    const Pair& pair = pairs[i];
    first.add_nodes_until(place);
    second.add_nodes_until(second.end_of(pair.candidate));
    sums[i] =
        add_comparison(both, pair, first.as_read(pair.reference), second.as_read(pair.candidate));
    second.add_quantizers_of(pair.candidate);
  }
  for (ValueId id : sums) both.add_output(id);
  return both;
}

} // namespace octet

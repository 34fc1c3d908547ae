#include "graph/graph.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace octet {
namespace {
// The smallest number that is larger than the one after a name's last two underscores; 0 where
// there is none, or one that no count of values reaches.
uint64_t suffix_after(std::string_view name) {
  const size_t at = name.rfind("__");
  if (at == std::string_view::npos) return 0;
  const std::string_view digits = name.substr(at + 2);
  constexpr size_t kMostDigits = 18;
  uint64_t number = 0;
  const char* const end = digits.data() + digits.size();
  const bool is_number = digits.size() <= kMostDigits &&
                         std::from_chars(digits.data(), end, number).ptr == end && !digits.empty();
  return is_number ? number + 1 : 0;
}
} // namespace

int64_t ModelInfo::opset(std::string_view domain) const {
  for (const OpsetImport& import : opsets)
    if (import.domain == domain) return import.version;
  return 0;
}

bool Graph::is_output(ValueId id) const {
  return std::find(outputs_.begin(), outputs_.end(), id) != outputs_.end();
}

std::vector<NodeId> Graph::users(ValueId id) const {
  std::vector<NodeId> out;
  for (NodeId n : order_) {
    const Node& node = nodes_[n.index];
    const bool reads =
        std::find(node.inputs.begin(), node.inputs.end(), id) != node.inputs.end() ||
        std::find(node.captures.begin(), node.captures.end(), id) != node.captures.end();
    if (reads) out.push_back(n);
  }
  return out;
}

std::string Graph::fresh_name(std::string_view hint) const {
  return concat(hint, "__", std::max<uint64_t>(next_suffix_, values_.size()));
}

ValueId Graph::add_value(std::string name, TensorType type) {
  next_suffix_ = std::max(next_suffix_, suffix_after(name));
  values_.push_back(Value{.name = std::move(name), .type = std::move(type)});
  return ValueId(values_.size() - 1);
}

ValueId Graph::add_constant(std::string name, Tensor tensor) {
  const ValueId id =
      add_value(std::move(name), TensorType{.dtype = tensor.dtype(), .shape = tensor.shape()});
  value(id).constant = std::move(tensor);
  return id;
}

ValueId Graph::add_input(std::string name, TensorType type) {
  inputs_.push_back(add_value(std::move(name), std::move(type)));
  return inputs_.back();
}

ValueId Graph::add_capture(std::string name, TensorType type) {
  captures_.push_back(add_value(std::move(name), std::move(type)));
  return captures_.back();
}

void Graph::add_output(ValueId id) {
  outputs_.push_back(id);
  ++value(id).uses;
}

NodeId Graph::add_node(Node node) {
  const NodeId id(nodes_.size());
  for (ValueId out : node.outputs)
    if (out) value(out).producer = id;
  count_uses(node, 1);
  nodes_.push_back(std::move(node));
  order_.push_back(id);
  return id;
}

void Graph::count_uses(const Node& node, int delta) {
  for (ValueId in : node.inputs)
    if (in) value(in).uses += delta;
  for (ValueId in : node.captures) value(in).uses += delta;
}

} // namespace octet

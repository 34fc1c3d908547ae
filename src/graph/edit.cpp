#include "graph/edit.h"

#include <algorithm>
#include <unordered_map>

#include "base/error.h"

namespace octet {

NodeId GraphEdit::insert_before(NodeId before, Node node) {
  const NodeId id = graph_.add_node(std::move(node));
  graph_.order_.pop_back();
  inserted_.emplace_back(before, id);
  dirty_ = true;
  return id;
}

NodeId GraphEdit::append(Node node) {
  finish();
  return graph_.add_node(std::move(node));
}

NodeId GraphEdit::replace_node(NodeId old, Node node) {
  const std::vector<ValueId> outputs = graph_.node(old).outputs;
  if (node.name.empty()) node.name = graph_.node(old).name;
  const NodeId added = insert_before(old, std::move(node));
  remove_node(old);
  for (size_t i = 0; i < outputs.size(); ++i)
    if (outputs[i]) produce(added, i, outputs[i]);
  return added;
}

void GraphEdit::detach(NodeId id) {
  Node& node = graph_.node(id);
  graph_.count_uses(node, -1);
  for (ValueId out : node.outputs)
    if (out && graph_.value(out).producer == id) graph_.value(out).producer = NodeId();
}

void GraphEdit::remove_node(NodeId id) {
  if (removed(id)) return;
  detach(id);
  removed_.resize(graph_.node_slots());
  removed_[id.index] = true;
  dirty_ = true;
}

bool GraphEdit::is_plain(ValueId id) const {
  const auto listed = [&](const std::vector<ValueId>& list) {
    return std::find(list.begin(), list.end(), id) != list.end();
  };
  return !graph_.value(id).constant && !listed(graph_.inputs_) && !listed(graph_.outputs_) &&
         !listed(graph_.captures_);
}

bool GraphEdit::replace_uses(ValueId from, ValueId to) {
  if (from == to) return true;
  const bool output = graph_.is_output(from);
  if (output && !is_plain(to)) return false;
  const auto redirect = [&](std::vector<ValueId>& list) {
    for (ValueId& v : list) {
      if (v != from) continue;
      v = to;
      --graph_.value(from).uses;
      ++graph_.value(to).uses;
    }
  };
  for (size_t i = 0; i < graph_.nodes_.size() && graph_.value(from).uses > 0; ++i) {
    if (removed(NodeId(i))) continue;
    redirect(graph_.nodes_[i].inputs);
    redirect(graph_.nodes_[i].captures);
  }
  redirect(graph_.outputs_);
  if (output) {
    std::swap(graph_.value(from).name, graph_.value(to).name);
    std::swap(graph_.value(from).extra, graph_.value(to).extra);
    if (graph_.value(to).type.dtype == DType::Undefined)
      graph_.value(to).type = graph_.value(from).type;
    else
      std::swap(graph_.value(from).type.symbols, graph_.value(to).type.symbols);
  }
  return true;
}

void GraphEdit::set_input(NodeId id, size_t index, ValueId value) {
  Node& node = graph_.node(id);
  if (node.inputs.size() <= index) node.inputs.resize(index + 1);
  if (node.inputs[index]) --graph_.value(node.inputs[index]).uses;
  node.inputs[index] = value;
  if (value) ++graph_.value(value).uses;
}

void GraphEdit::produce(NodeId id, size_t index, ValueId value) {
  Node& node = graph_.node(id);
  if (node.outputs.size() <= index) node.outputs.resize(index + 1);
  if (node.outputs[index]) graph_.value(node.outputs[index]).producer = NodeId();
  node.outputs[index] = value;
  graph_.value(value).producer = id;
}

void GraphEdit::make_constant(ValueId id, Tensor tensor) {
  Value& value = graph_.value(id);
  value.type.dtype = tensor.dtype();
  value.type.shape = tensor.shape();
  value.type.symbols.clear();
  value.constant = std::move(tensor);
  stop_producing(id);
}

void GraphEdit::make_input(ValueId id) {
  graph_.inputs_.push_back(id);
  stop_producing(id);
}

void GraphEdit::stop_producing(ValueId id) {
  Value& value = graph_.value(id);
  if (!value.producer) return;
  for (ValueId& out : graph_.node(value.producer).outputs)
    if (out == id) out = ValueId();
  value.producer = NodeId();
}

ValueId GraphEdit::new_value(std::string_view hint, TensorType type) {
  return graph_.add_value(graph_.fresh_name(hint), std::move(type));
}

ValueId GraphEdit::new_constant(std::string_view hint, Tensor tensor) {
  const ValueId id = new_value(hint, {.dtype = tensor.dtype(), .shape = tensor.shape()});
  graph_.value(id).constant = std::move(tensor);
  return id;
}

void GraphEdit::prune_captures(NodeId id) {
  Node& node = graph_.node(id);
  const std::vector<std::shared_ptr<Graph>> subgraphs = subgraphs_of(node.attributes);
  for (size_t i = node.captures.size(); i-- > 0;) {
    const auto unused = [&](const auto& g) { return g->value(g->captures_[i]).uses == 0; };
    if (!std::all_of(subgraphs.begin(), subgraphs.end(), unused)) continue;
    const auto at = static_cast<ptrdiff_t>(i);
    --graph_.value(node.captures[i]).uses;
    node.captures.erase(node.captures.begin() + at);
    for (const auto& g : subgraphs) g->captures_.erase(g->captures_.begin() + at);
  }
}

size_t GraphEdit::remove_dead() {
  finish();
  size_t count = 0;
  for (size_t i = graph_.order_.size(); i-- > 0;) {
    const Node& node = graph_.node(graph_.order_[i]);
    const bool used = std::any_of(node.outputs.begin(), node.outputs.end(),
                                  [&](ValueId v) { return v && graph_.value(v).uses > 0; });
    if (used) {
      prune_captures(graph_.order_[i]);
      continue;
    }
    remove_node(graph_.order_[i]);
    ++count;
  }
  for (Value& value : graph_.values_)
    if (value.uses == 0) value.constant.reset();
  finish();
  return count;
}

void GraphEdit::set_order(std::vector<NodeId> order) {
  finish();
  graph_.order_ = std::move(order);
}

void GraphEdit::finish() {
  if (!dirty_) return;
  // Most nodes stay as they are, one after the other.
  std::vector<uint8_t> is_touched(graph_.node_slots());
  std::copy(removed_.begin(), removed_.end(), is_touched.begin());
  std::unordered_map<NodeId, std::vector<NodeId>> before;
  for (const auto& [anchor, node] : inserted_) {
    before[anchor].push_back(node);
    is_touched[anchor.index] = true;
  }
  std::vector<NodeId> order;
  order.reserve(graph_.order_.size() + inserted_.size());
  const auto place = [&](auto& self, NodeId id) -> void {
    if (const auto found = before.find(id); found != before.end())
      for (NodeId n : found->second) self(self, n);
    if (!removed(id)) order.push_back(id);
  };
  for (NodeId id : graph_.order_)
    if (is_touched[id.index])
      place(place, id);
    else
      order.push_back(id);
  graph_.order_ = std::move(order);
  forget_removed();
  inserted_.clear();
  dirty_ = false;
}

// So that later edits don't take what removed nodes read for uses.
void GraphEdit::forget_removed() {
  for (size_t i = 0; i < removed_.size(); ++i) {
    if (!removed_[i]) continue;
    graph_.nodes_[i].inputs.clear();
    graph_.nodes_[i].captures.clear();
  }
}

} // namespace octet

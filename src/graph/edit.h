// The only mutator of a graph that exists: passes change graphs through a GraphEdit.
//
// Values and links change at once; insertions and removals take effect in the node order when
// `finish()` (or the destructor) rebuilds it, so a pass may edit while it walks a copy of nodes().
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "graph/graph.h"

namespace octet {

class GraphEdit {
public:
  explicit GraphEdit(Graph& graph) : graph_(graph) {}
  ~GraphEdit() { finish(); }
  GraphEdit(const GraphEdit&) = delete;
  GraphEdit& operator=(const GraphEdit&) = delete;

  Graph& graph() { return graph_; }

  // Adds a node just before `before`, a live node of the order or one inserted by this edit.
  NodeId insert_before(NodeId before, Node node);
  NodeId append(Node node);
  // Puts a new node where another one stands: it takes over the place and all outputs. A node
  // without a name takes over the name too.
  NodeId replace_node(NodeId old, Node node);
  // Removes a node. Its outputs lose their producer; they must be replaced, or produced anew.
  void remove_node(NodeId id);
  bool removed(NodeId id) const { return id.index < removed_.size() && removed_[id.index]; }

  // Every reader of `from`, and the graph's outputs, read `to` instead. When `from` is a graph
  // output its name moves to `to`; so that no name is lost this returns false and changes nothing
  // when `to` is itself a graph input, output, initializer or capture.
  bool replace_uses(ValueId from, ValueId to);
  void set_input(NodeId node, size_t index, ValueId value);
  // Makes `value` (without a producer by now) output `index` of the node.
  void produce(NodeId node, size_t index, ValueId value);
  // Turns a value into an initializer; its producer stops producing it.
  void make_constant(ValueId id, Tensor tensor);
  // Turns a value into the graph's last input; its producer stops producing it.
  void make_input(ValueId id);
  void drop_constant(ValueId id) { graph_.value(id).constant.reset(); }

  // A fresh value whose name is `hint` plus a suffix that makes it unique.
  ValueId new_value(std::string_view hint, TensorType type = {});
  ValueId new_constant(std::string_view hint, Tensor tensor);

  // Removes nodes none of whose outputs are used and frees initializers that nobody reads (both in
  // order, so chains go at once). Returns how many nodes went.
  size_t remove_dead();

  // Puts the live nodes in this order (a permutation of nodes()).
  void set_order(std::vector<NodeId> order);

  void finish();

private:
  void detach(NodeId id);
  void stop_producing(ValueId id);
  void prune_captures(NodeId id);
  void forget_removed();
  bool is_plain(ValueId id) const;

  Graph& graph_;
  std::vector<std::pair<NodeId, NodeId>> inserted_; // (before, node)
  std::vector<uint8_t> removed_;                    // by node: whether it was
  bool dirty_ = false;
};

} // namespace octet

#include "graph/validate.h"

#include <queue>
#include <unordered_set>

#include "base/error.h"
#include "base/limits.h"
#include "graph/edit.h"

namespace octet {
namespace {

std::string describe(const Node& node) {
  return concat("node '", node.name, "' (", node.op_type, ")");
}

class Validation {
public:
  Validation(Graph& graph, int depth) : graph_(graph), depth_(depth) {}

  void run() {
    check_sources();
    check_links();
    check_names();
    check_types();
    sort_nodes();
    check_uses();
    check_subgraphs();
  }

private:
  template <class... Parts>
  [[noreturn]] void invalid(const Parts&... parts) const {
    fail(ErrorCode::InvalidModel, parts...);
  }

  bool exists(ValueId id) const { return id.index < graph_.value_count(); }
  const std::string& name(ValueId id) const { return graph_.value(id).name; }

  void add_source(ValueId id) {
    if (!exists(id)) invalid("the graph lists a value that it does not have");
    if (has_source_[id.index]) invalid("value '", name(id), "' has two sources");
    has_source_[id.index] = true;
  }

  void check_sources() {
    if (graph_.nodes().size() > limits::kMaxNodes)
      invalid("the graph has more than ", limits::kMaxNodes, " nodes");
    has_source_.assign(graph_.value_count(), false);
    for (ValueId id : graph_.inputs()) add_source(id);
    for (ValueId id : graph_.captures()) add_source(id);
    for (size_t i = 0; i < graph_.value_count(); ++i)
      if (graph_.value(ValueId(i)).constant) add_source(ValueId(i));
    for (NodeId n : graph_.nodes()) {
      const Node& node = graph_.node(n);
      for (ValueId id : node.outputs) {
        if (!id) continue;
        if (!exists(id) || has_source_[id.index])
          invalid(describe(node), ": its output '", exists(id) ? name(id) : "",
                  "' has another source as well");
        if (graph_.value(id).producer != n)
          invalid(describe(node), ": its output '", name(id), "' names another producer");
        has_source_[id.index] = true;
      }
    }
  }

  void check_link(const Node& node, ValueId id) const {
    if (!exists(id)) invalid(describe(node), " reads a value that the graph does not have");
    if (!has_source_[id.index])
      invalid(describe(node), " reads '", name(id), "', which nothing produces");
  }

  void check_links() const {
    for (NodeId n : graph_.nodes()) {
      const Node& node = graph_.node(n);
      for (ValueId id : node.inputs)
        if (id) check_link(node, id);
      for (ValueId id : node.captures) check_link(node, id);
    }
    for (ValueId id : graph_.outputs())
      if (!exists(id) || !has_source_[id.index])
        invalid("nothing produces the graph's output '", exists(id) ? name(id) : "", "'");
  }

  void check_names() const {
    std::unordered_set<std::string_view> names;
    for (size_t i = 0; i < graph_.value_count(); ++i) {
      if (!has_source_[i]) continue;
      const std::string& name = graph_.value(ValueId(i)).name;
      if (name.empty()) invalid("a value has no name");
      if (!names.insert(name).second) invalid("two values have the name '", name, "'");
    }
  }

  void check_types() const {
    for (size_t i = 0; i < graph_.value_count(); ++i)
      if (has_source_[i]) check_type(graph_.value(ValueId(i)));
  }

  void check_type(const Value& value) const {
    const TensorType& type = value.type;
    const size_t rank = type.shape ? type.shape->rank() : 0;
    if (rank > limits::kMaxRank)
      invalid("value '", value.name, "' has more than ", limits::kMaxRank, " dimensions");
    if (!type.symbols.empty() && type.symbols.size() != rank)
      invalid("value '", value.name, "' has ", type.symbols.size(), " symbols for ", rank,
              " dimensions");
    if (type.shape)
      for (int64_t dim : *type.shape)
        if (dim < kDynamicDim) invalid("value '", value.name, "' has the dimension ", dim);
    if (value.constant &&
        (value.constant->dtype() != type.dtype || value.constant->shape() != type.shape))
      invalid("initializer '", value.name, "' has another type than its tensor");
    if (type.quant) check_quant(value, *type.quant);
  }

  void check_quant(const Value& value, const QuantParams& quant) const {
    const bool per_tensor = quant.axis < 0;
    if (quant.scales.empty() || quant.scales.size() != quant.zero_points.size() ||
        (per_tensor && quant.scales.size() != 1))
      invalid("value '", value.name, "' has ", quant.scales.size(), " scales and ",
              quant.zero_points.size(), " zero points");
    if (per_tensor || !value.type.shape) return;
    const Shape& shape = *value.type.shape;
    const auto axis = static_cast<size_t>(quant.axis);
    if (axis >= shape.rank())
      invalid("value '", value.name, "' is quantized along axis ", quant.axis, " of ",
              to_string(shape));
    const auto slices = static_cast<int64_t>(quant.scales.size());
    if (quant.block_size == 0 && shape[axis] != kDynamicDim && shape[axis] != slices)
      invalid("value '", value.name, "' has ", slices, " scales for axis ", quant.axis, " of ",
              to_string(shape));
  }

  // For each node, how many of its operands other nodes produce; for each producer, who waits for
  // it.
  void sort_nodes() {
    std::vector<size_t> position(graph_.node_slots());
    for (size_t i = 0; i < graph_.nodes().size(); ++i) position[graph_.nodes()[i].index] = i;
    std::vector<size_t> waits_for(position.size());
    std::vector<std::vector<NodeId>> readers(position.size());
    bool sorted = true;
    for (NodeId n : graph_.nodes())
      for_each_operand(graph_.node(n), [&](ValueId id) {
        const NodeId producer = graph_.value(id).producer;
        if (!producer) return;
        ++waits_for[n.index];
        readers[producer.index].push_back(n);
        sorted &= position[producer.index] < position[n.index];
      });
    if (!sorted) GraphEdit(graph_).set_order(topological_order(position, waits_for, readers));
  }

  template <class F>
  static void for_each_operand(const Node& node, F f) {
    for (ValueId id : node.inputs)
      if (id) f(id);
    for (ValueId id : node.captures) f(id);
  }

  // As near to the present order as possible: of the nodes that are ready, the first one comes
  // first.
  std::vector<NodeId> topological_order(const std::vector<size_t>& position,
                                        std::vector<size_t> waits_for,
                                        const std::vector<std::vector<NodeId>>& readers) const {
    const auto later = [&](NodeId a, NodeId b) { return position[a.index] > position[b.index]; };
    std::priority_queue<NodeId, std::vector<NodeId>, decltype(later)> ready(later);
    for (NodeId n : graph_.nodes())
      if (waits_for[n.index] == 0) ready.push(n);
    std::vector<NodeId> order;
    while (!ready.empty()) {
      const NodeId n = ready.top();
      ready.pop();
      order.push_back(n);
      for (NodeId reader : readers[n.index])
        if (--waits_for[reader.index] == 0) ready.push(reader);
    }
    if (order.size() == graph_.nodes().size()) return order;
    fail_with_cycle(waits_for);
  }

  // From any node that still waits, going back to producers that wait too ends up in the cycle.
  [[noreturn]] void fail_with_cycle(const std::vector<size_t>& waits_for) const {
    NodeId at;
    for (NodeId n : graph_.nodes())
      if (waits_for[n.index] > 0) at = n;
    std::vector<bool> seen(waits_for.size());
    while (!seen[at.index]) {
      seen[at.index] = true;
      NodeId producer;
      for_each_operand(graph_.node(at), [&](ValueId id) {
        const NodeId p = graph_.value(id).producer;
        if (p && waits_for[p.index] > 0) producer = p;
      });
      at = producer;
    }
    invalid(describe(graph_.node(at)), " depends on its own output: the graph has a cycle");
  }

  void check_uses() const {
    std::vector<uint32_t> uses(graph_.value_count());
    for (NodeId n : graph_.nodes())
      for_each_operand(graph_.node(n), [&](ValueId id) { ++uses[id.index]; });
    for (ValueId id : graph_.outputs()) ++uses[id.index];
    for (size_t i = 0; i < uses.size(); ++i)
      if (uses[i] != graph_.value(ValueId(i)).uses)
        fail(ErrorCode::Internal, "value '", name(ValueId(i)), "' has ", uses[i], " uses, not ",
             graph_.value(ValueId(i)).uses);
  }

  void check_subgraphs() const {
    for (NodeId n : graph_.nodes()) {
      const Node& node = graph_.node(n);
      const std::vector<std::shared_ptr<Graph>> subgraphs = subgraphs_of(node.attributes);
      if (subgraphs.empty() && !node.captures.empty())
        invalid(describe(node), " captures values without having a subgraph");
      for (const std::shared_ptr<Graph>& subgraph : subgraphs) {
        if (depth_ == limits::kMaxNesting)
          invalid("subgraphs are nested more than ", limits::kMaxNesting, " deep");
        if (subgraph->captures().size() != node.captures.size())
          invalid(describe(node), " has ", node.captures.size(), " captures, its subgraph ",
                  subgraph->captures().size());
        Validation(*subgraph, depth_ + 1).run();
      }
    }
  }

  Graph& graph_;
  int depth_;
  std::vector<bool> has_source_;
};
} // namespace

void validate(Graph& graph) {
  Validation(graph, 0).run();
}

} // namespace octet

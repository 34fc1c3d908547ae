#include "passes/expand_gradient.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "graph/edit.h"
#include "ops/registry.h"

namespace octet {
namespace {
bool is_gradient(const Node& node) {
  return node.op_type == "Gradient" && node.domain == "ai.onnx.preview.training";
}

class Expansion;

// Of a node on the way to y: the gradient of its result, the result, and what it reads.
struct Operands {
  ValueId g, y, a, b = {};
};

// The gradients of an operator's operands, before they are summed over what was broadcast.
using Part = ValueId (*)(Expansion&, const Operands&);
struct Rule {
  std::string_view op_type;
  Part parts[2];
};

// The expansion of one node.
class Expansion {
public:
  Expansion(Graph& graph, GraphEdit& edit, NodeId id)
      : graph_(graph), edit_(edit), id_(id), node_(graph.node(id)) {}

  void run() {
    auto variables = node_.attributes.get_strings("xs");
    const size_t count = variables.size();
    for (auto& name : node_.attributes.get_strings("zs")) variables.push_back(std::move(name));
    if (variables.size() != node_.inputs.size() || node_.outputs.size() > count)
      fail(ErrorCode::InvalidModel, "Gradient '", node_.name, "': ", node_.inputs.size(),
           " inputs for ", variables.size(), " names in xs and zs");
    std::vector<ValueId> xs;
    for (size_t i = 0; i < variables.size(); ++i) {
      xs.push_back(find(variables[i]));
      values_[xs[i].index] = node_.inputs[i];
    }
    const ValueId y = find(node_.attributes.get_string("y", ""));
    copy_path(y);
    gradients_[y.index] = ones_like(value(y));
    for (size_t i = path_.size(); i-- > 0;) differentiate(graph_.node(path_[i]));
    const std::vector<ValueId> outputs = node_.outputs;
    std::vector<NodeId> results(outputs.size());
    for (size_t i = 0; i < outputs.size(); ++i) {
      const auto found = gradients_.find(xs[i].index);
      const ValueId result = found != gradients_.end() ? found->second : zeros_like(value(xs[i]));
      results[i] = edit_.insert_before(id_, {.op_type = "Identity", .inputs = {result}});
    }
    edit_.remove_node(id_);
    for (size_t i = 0; i < outputs.size(); ++i)
      if (outputs[i]) edit_.produce(results[i], 0, outputs[i]);
  }

  ValueId emit(std::string_view domain, std::string_view op_type, std::vector<ValueId> inputs) {
    return insert({.op_type = std::string(op_type),
                   .domain = std::string(domain),
                   .inputs = std::move(inputs)});
  }
  ValueId of(std::string_view op_type, std::vector<ValueId> inputs) {
    return emit("", op_type, std::move(inputs));
  }
  ValueId ones_like(ValueId x) { return emit(kLoweredDomain, "OnesLike", {x}); }
  ValueId zeros_like(ValueId x) {
    const ValueId ones = ones_like(x);
    return of("Sub", {ones, ones});
  }
  ValueId einsum(ValueId x, ValueId y, std::string equation) {
    Node node{.op_type = "Einsum", .inputs = {x, y}};
    node.attributes.set("equation", std::move(equation));
    return insert(std::move(node));
  }

private:
  ValueId insert(Node node) {
    const ValueId out = edit_.new_value("gradient");
    node.name = node_.name;
    node.outputs = {out};
    edit_.insert_before(id_, std::move(node));
    return out;
  }
  ValueId find(const std::string& name) const {
    for (size_t i = 0; i < graph_.value_count(); ++i)
      if (!name.empty() && graph_.value(ValueId(i)).name == name) return ValueId(i);
    fail(ErrorCode::InvalidModel, "Gradient '", node_.name, "': there is no value '", name, "'");
  }
  // What stands for a value of the differentiated graph.
  ValueId value(ValueId id) const {
    const auto found = values_.find(id.index);
    return found == values_.end() ? id : found->second;
  }
  // The nodes between the variables and y, computed anew where other values were given for them.
  void copy_path(ValueId y) {
    std::set<size_t> needed{y.index}, dependent;
    for (const auto& [index, given] : values_) dependent.insert(index);
    const std::vector<NodeId> order = graph_.nodes();
    for (size_t i = order.size(); i-- > 0;) {
      const Node& node = graph_.node(order[i]);
      const bool leads = std::any_of(node.outputs.begin(), node.outputs.end(), [&](ValueId id) {
        return id && needed.count(id.index) && !values_.count(id.index);
      });
      if (leads)
        for (const ValueId in : node.inputs)
          if (in) needed.insert(in.index);
    }
    const auto starts = values_;
    for (const NodeId id : order) {
      const Node& node = graph_.node(id);
      const auto in = [](const std::set<size_t>& set) {
        return [&set](ValueId v) { return v && set.count(v.index) != 0; };
      };
      if (!std::any_of(node.inputs.begin(), node.inputs.end(), in(dependent)) ||
          !std::any_of(node.outputs.begin(), node.outputs.end(), in(needed)) ||
          std::any_of(node.outputs.begin(), node.outputs.end(),
                      [&](ValueId v) { return v && starts.count(v.index) != 0; }))
        continue;
      path_.push_back(id);
      for (const ValueId out : node.outputs)
        if (out) dependent.insert(out.index);
      copy(node);
    }
    dependent_ = std::move(dependent);
  }

  void copy(const Node& node) {
    const bool is_same = std::all_of(node.inputs.begin(), node.inputs.end(),
                                     [&](ValueId v) { return !v || value(v) == v; });
    if (is_same) return;
    Node other{.op_type = node.op_type, .domain = node.domain, .attributes = node.attributes};
    other.captures = node.captures;
    for (const ValueId in : node.inputs) other.inputs.push_back(in ? value(in) : in);
    for (const ValueId out : node.outputs) {
      other.outputs.push_back(out ? edit_.new_value("copy") : out);
      if (out) values_[out.index] = other.outputs.back();
    }
    edit_.insert_before(id_, std::move(other));
  }

  // Adds to the gradient of an operand, summed to its shape.
  void give(ValueId operand, ValueId gradient) {
    const ValueId part = emit(kLoweredDomain, "SumTo", {gradient, value(operand)});
    const auto [found, is_new] = gradients_.try_emplace(operand.index, part);
    if (!is_new) found->second = of("Add", {found->second, part});
  }

  void differentiate(const Node& node) {
    const auto found = std::find_if(node.outputs.begin(), node.outputs.end(), [&](ValueId out) {
      return out && gradients_.count(out.index) != 0;
    });
    if (found == node.outputs.end()) return; // y does not depend on it
    const Rule& rule = rule_for(node);
    Operands o{.g = gradients_[found->index], .y = value(*found), .a = value(node.inputs[0])};
    if (node.inputs.size() > 1) o.b = value(node.inputs[1]);
    for (size_t i = 0; i < node.inputs.size() && i < 2; ++i) {
      const ValueId operand = node.inputs[i];
      if (operand && rule.parts[i] && dependent_.count(operand.index))
        give(operand, rule.parts[i](*this, o));
    }
  }

  const Rule& rule_for(const Node& node) const;

  Graph& graph_;
  GraphEdit& edit_;
  NodeId id_;
  const Node& node_;
  std::map<size_t, ValueId> values_, gradients_; // by the index of a value of the graph
  std::set<size_t> dependent_;
  std::vector<NodeId> path_;
};

ValueId same(Expansion&, const Operands& o) {
  return o.g;
}
ValueId times(Expansion& e, const Operands& o, ValueId factor) {
  return e.of("Mul", {o.g, factor});
}

// The derivatives are calculus; of Abs and Relu at 0: 0.
constexpr Rule kRules[] = {
    {"Identity", {same}},
    {"Add", {same, same}},
    {"Sub", {same, [](Expansion& e, const Operands& o) { return e.of("Neg", {o.g}); }}},
    {"Mul",
     {[](Expansion& e, const Operands& o) { return times(e, o, o.b); },
      [](Expansion& e, const Operands& o) { return times(e, o, o.a); }}},
    {"Div",
     {[](Expansion& e, const Operands& o) { return e.of("Div", {o.g, o.b}); },
      [](Expansion& e, const Operands& o) {
        return e.of("Neg", {e.of("Div", {times(e, o, o.y), o.b})});
      }}},
    {"Pow",
     {[](Expansion& e, const Operands& o) {
        const ValueId lower = e.of("Sub", {o.b, e.ones_like(o.b)});
        return times(e, o, e.of("Mul", {o.b, e.of("Pow", {o.a, lower})}));
      },
      [](Expansion& e, const Operands& o) {
        return times(e, o, e.of("Mul", {o.y, e.of("Log", {o.a})}));
      }}},
    {"MatMul",
     {[](Expansion& e, const Operands& o) { return e.einsum(o.g, o.b, "...ij,...kj->...ik"); },
      [](Expansion& e, const Operands& o) { return e.einsum(o.a, o.g, "...ji,...jk->...ik"); }}},
    {"Neg", {[](Expansion& e, const Operands& o) { return e.of("Neg", {o.g}); }}},
    {"Exp", {[](Expansion& e, const Operands& o) { return times(e, o, o.y); }}},
    {"Log", {[](Expansion& e, const Operands& o) { return e.of("Div", {o.g, o.a}); }}},
    {"Sqrt",
     {[](Expansion& e, const Operands& o) { return e.of("Div", {o.g, e.of("Add", {o.y, o.y})}); }}},
    {"Sin", {[](Expansion& e, const Operands& o) { return times(e, o, e.of("Cos", {o.a})); }}},
    {"Cos", {[](Expansion& e, const Operands& o) {
       return e.of("Neg", {times(e, o, e.of("Sin", {o.a}))});
     }}},
    {"Abs", {[](Expansion& e, const Operands& o) { return times(e, o, e.of("Sign", {o.a})); }}},
    {"Relu", {[](Expansion& e, const Operands& o) { return times(e, o, e.of("Sign", {o.y})); }}},
    {"Sigmoid", {[](Expansion& e, const Operands& o) {
       return times(e, o, e.of("Sub", {o.y, e.of("Mul", {o.y, o.y})}));
     }}},
    {"Tanh", {[](Expansion& e, const Operands& o) {
       return e.of("Sub", {o.g, times(e, o, e.of("Mul", {o.y, o.y}))});
     }}},
    // What the gradient of a gradient meets.
    {"SumTo",
     {[](Expansion& e, const Operands& o) { return times(e, o, e.ones_like(o.a)); }, nullptr}},
    {"OnesLike", {[](Expansion& e, const Operands& o) { return e.zeros_like(o.a); }}},
};

const Rule& Expansion::rule_for(const Node& node) const {
  const bool is_known = node.domain.empty() || node.domain == kLoweredDomain;
  for (const Rule& rule : kRules)
    if (is_known && rule.op_type == node.op_type) return rule;
  fail(ErrorCode::UnsupportedOperator, "Gradient '", node_.name, "': the derivative of ",
       node.op_type, " is not supported");
}
} // namespace

void refuse_gradient(const Graph& graph) {
  for (NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    for (const auto& subgraph : subgraphs_of(node.attributes)) refuse_gradient(*subgraph);
    if (is_gradient(node))
      fail(ErrorCode::UnsupportedOperator, "Gradient '", node.name,
           "': a model that computes gradients can be run, not quantized");
  }
}

void expand_gradient(Graph& graph) {
  for (NodeId id : std::vector<NodeId>(graph.nodes())) {
    for (const auto& subgraph : subgraphs_of(graph.node(id).attributes)) expand_gradient(*subgraph);
    if (!is_gradient(graph.node(id))) continue;
    GraphEdit edit(graph);
    Expansion(graph, edit, id).run();
  }
}

} // namespace octet

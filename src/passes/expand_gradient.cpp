#include "passes/expand_gradient.h"

#include <algorithm>
#include <functional>
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

std::vector<std::string> names(const Node& node, std::string_view attribute) {
  const AttributeValue* value = node.attributes.find(attribute);
  const auto* strings = value ? std::get_if<std::vector<std::string>>(value) : nullptr;
  return strings ? *strings : std::vector<std::string>();
}

// The expansion of one node.
class Expansion {
public:
  Expansion(Graph& graph, GraphEdit& edit, NodeId id)
      : graph_(graph), edit_(edit), id_(id), node_(graph.node(id)) {}

  void run() {
    auto variables = names(node_, "xs");
    const size_t count = variables.size();
    for (auto& name : names(node_, "zs")) variables.push_back(std::move(name));
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
    gradients_[y.index] = emit(kLoweredDomain, "OnesLike", {value(y)});
    for (size_t i = path_.size(); i-- > 0;) differentiate(graph_.node(path_[i]));
    const std::vector<ValueId> outputs = node_.outputs;
    std::vector<NodeId> results(outputs.size());
    for (size_t i = 0; i < outputs.size(); ++i) {
      const auto found = gradients_.find(xs[i].index);
      const ValueId result =
          found != gradients_.end() ? found->second : emit("", "Sub", {value(xs[i]), value(xs[i])});
      results[i] = edit_.insert_before(id_, {.op_type = "Identity", .inputs = {result}});
    }
    edit_.remove_node(id_);
    for (size_t i = 0; i < outputs.size(); ++i)
      if (outputs[i]) edit_.produce(results[i], 0, outputs[i]);
  }

private:
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
  ValueId emit(std::string_view domain, std::string op_type, std::vector<ValueId> inputs,
               std::string equation = {}) {
    Node node{.op_type = std::move(op_type), .domain = std::string(domain), .inputs = inputs};
    node.outputs = {edit_.new_value("gradient")};
    if (!equation.empty()) node.attributes.set("equation", equation);
    const ValueId out = node.outputs[0];
    edit_.insert_before(id_, std::move(node));
    return out;
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
  void give(const Node& node, size_t input, const std::function<ValueId()>& gradient) {
    const ValueId operand = node.inputs[input];
    if (!dependent_.count(operand.index)) return;
    const ValueId part = emit(kLoweredDomain, "SumTo", {gradient(), value(operand)});
    const auto [found, is_new] = gradients_.try_emplace(operand.index, part);
    if (!is_new) found->second = emit("", "Add", {found->second, part});
  }

  void differentiate(const Node& node) {
    const auto found = gradients_.find(node.outputs[0].index);
    if (found == gradients_.end()) return; // y does not depend on it
    const ValueId g = found->second, y = value(node.outputs[0]), a = value(node.inputs[0]);
    const ValueId b = node.inputs.size() > 1 ? value(node.inputs[1]) : ValueId();
    const std::string& op = node.op_type;
    const auto of = [&](const char* type, std::vector<ValueId> inputs) {
      return emit("", type, std::move(inputs));
    };
    const auto first = [&](const std::function<ValueId()>& f) { give(node, 0, f); };
    const auto second = [&](const std::function<ValueId()>& f) { give(node, 1, f); };
    const auto unchanged = [&] { return g; };
    if (op == "Add") {
      first(unchanged);
      second(unchanged);
    } else if (op == "Sub") {
      first(unchanged);
      second([&] { return of("Neg", {g}); });
    } else if (op == "Mul") {
      first([&] { return of("Mul", {g, b}); });
      second([&] { return of("Mul", {g, a}); });
    } else if (op == "Div") {
      first([&] { return of("Div", {g, b}); });
      second([&] { return of("Neg", {of("Div", {of("Mul", {g, y}), b})}); });
    } else if (op == "MatMul") {
      first([&] { return emit("", "Einsum", {g, b}, "...ij,...kj->...ik"); });
      second([&] { return emit("", "Einsum", {a, g}, "...ji,...jk->...ik"); });
    } else if (op == "Identity") {
      first(unchanged);
    } else if (op == "Neg") {
      first([&] { return of("Neg", {g}); });
    } else if (op == "Exp") {
      first([&] { return of("Mul", {g, y}); });
    } else if (op == "Log") {
      first([&] { return of("Div", {g, a}); });
    } else if (op == "Sqrt") {
      first([&] { return of("Div", {g, of("Add", {y, y})}); });
    } else if (op == "Sin") {
      first([&] { return of("Mul", {g, of("Cos", {a})}); });
    } else if (op == "Cos") {
      first([&] { return of("Neg", {of("Mul", {g, of("Sin", {a})})}); });
    } else if (op == "Abs") {
      first([&] { return of("Mul", {g, of("Sign", {a})}); });
    } else if (op == "Relu") {
      first([&] { return of("Mul", {g, of("Sign", {y})}); });
    } else if (op == "Sigmoid") {
      first([&] { return of("Mul", {g, of("Sub", {y, of("Mul", {y, y})})}); });
    } else if (op == "Tanh") {
      first([&] { return of("Sub", {g, of("Mul", {g, of("Mul", {y, y})})}); });
    } else if (op == "SumTo") {
      first([&] { return of("Mul", {g, emit(kLoweredDomain, "OnesLike", {a})}); });
    } else if (op != "OnesLike") {
      fail(ErrorCode::UnsupportedOperator, "Gradient '", node_.name, "': the derivative of ", op,
           " is not supported");
    }
  }

  Graph& graph_;
  GraphEdit& edit_;
  NodeId id_;
  const Node& node_;
  std::map<size_t, ValueId> values_, gradients_; // by the index of a value of the graph
  std::set<size_t> dependent_;
  std::vector<NodeId> path_;
};
} // namespace

void expand_gradient(Graph& graph) {
  for (NodeId id : std::vector<NodeId>(graph.nodes())) {
    if (!is_gradient(graph.node(id))) continue;
    GraphEdit edit(graph);
    Expansion(graph, edit, id).run();
  }
}

} // namespace octet

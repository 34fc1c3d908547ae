// How an operator of onnxruntime's is written as others: what every spelling is made with.
#pragma once

#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "graph/edit.h"
#include "ops/registry.h"

namespace octet {

// One operator being replaced: what it reads, and the nodes that take its place.
class Spelling {
public:
  Spelling(GraphEdit& edit, NodeId id) : edit_(edit), id_(id), node_(edit.graph().node(id)) {}

  const Attributes& attributes() const { return node_.attributes; }
  const Tensor* constant(size_t i) const { return edit_.graph().constant(input(i)); }
  size_t input_count() const { return node_.inputs.size(); }
  int64_t opset() const { return edit_.graph().model.opset(""); }
  // Invalid where an optional input is left out.
  ValueId input(size_t i) const { return node_.input(i); }
  // Throws InvalidModel where one that is not optional is left out.
  ValueId required(size_t i) const {
    if (!input(i))
      fail(ErrorCode::InvalidModel, node_.op_type, " '", node_.name, "': input ", i, " is missing");
    return input(i);
  }
  bool has_output(size_t i) const { return i < node_.outputs.size() && node_.outputs[i]; }

  ValueId add(std::string_view op_type, std::vector<ValueId> inputs, Attributes attributes = {},
              std::string_view domain = "") {
    Node node{.name = node_.name, .op_type = std::string(op_type), .domain = std::string(domain)};
    node.inputs = std::move(inputs);
    node.attributes = std::move(attributes);
    last_ = edit_.insert_before(id_, std::move(node));
    return another(0);
  }
  // A further output of the node that was added last.
  ValueId another(size_t output) {
    const ValueId out = edit_.new_value(node_.name);
    edit_.produce(last_, output, out);
    return out;
  }
  ValueId fixed(Tensor value) { return edit_.new_constant(node_.name, std::move(value)); }
  ValueId number(float value) { return fixed(Tensor::scalar(value)); }
  ValueId list(const std::vector<int64_t>& values) { return fixed(Tensor::of_dims(values)); }
  // The value, plus that input where there is one.
  ValueId plus(ValueId value, size_t i) { return input(i) ? add("Add", {value, input(i)}) : value; }
  ValueId transposed(ValueId value, std::vector<int64_t> perm) {
    Attributes attributes;
    attributes.set("perm", std::move(perm));
    return add("Transpose", {value}, std::move(attributes));
  }

  void yield(size_t output, ValueId value) {
    if (has_output(output)) results_.emplace_back(node_.outputs[output], value);
  }

  template <class... Parts>
  [[noreturn]] void invalid(const Parts&... parts) const {
    fail(ErrorCode::InvalidModel, node_.op_type, " '", node_.name, "': ", parts...);
  }
  template <class... Parts>
  [[noreturn]] void unsupported(const Parts&... parts) const {
    fail(ErrorCode::UnsupportedOperator, node_.op_type, " '", node_.name, "': ", parts...);
  }

  void finish() {
    edit_.remove_node(id_);
    for (const auto& [output, value] : results_) {
      const NodeId maker = edit_.graph().value(value).producer;
      const auto& made = edit_.graph().node(maker).outputs;
      size_t at = 0;
      while (made[at] != value) ++at;
      edit_.replace_uses(value, output);
      edit_.produce(maker, at, output);
    }
  }

private:
  GraphEdit& edit_;
  NodeId id_, last_;
  Node node_;
  std::vector<std::pair<ValueId, ValueId>> results_; // an output, and what it is
};

inline Attributes without(const Attributes& attributes,
                          std::initializer_list<std::string_view> names) {
  Attributes out = attributes;
  for (const auto name : names) out.erase(name);
  return out;
}
template <class T>
Attributes one(std::string_view name, T value) {
  Attributes out;
  out.set(name, std::move(value));
  return out;
}

// The same operator in ai.onnx, of up to three operands.
inline void spell_standard(Spelling& s, std::string_view op_type) {
  std::vector<ValueId> inputs;
  for (size_t i = 0; i < 3; ++i) inputs.push_back(s.input(i));
  while (!inputs.empty() && !inputs.back()) inputs.pop_back();
  s.yield(0, s.add(op_type, std::move(inputs), s.attributes()));
}

// An operator, and what spells it out.
struct SpellingRow {
  std::string_view domain, op_type;
  void (*spell)(Spelling&);
};

// Those of codes of 8 bits and their scales (spell_quantized.cpp).
std::span<const SpellingRow> quantized_spellings();

// The kernel of packed attention on a projection, whose attributes are the operator's.
void attend(Spelling& s, ValueId projected, ValueId mask, ValueId past, ValueId bias);

} // namespace octet

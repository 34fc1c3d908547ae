#include "formats/onnx/written_names.h"

#include "base/error.h"

namespace octet::onnx {

WrittenNames::WrittenNames(const Graph& graph, const Node* node, const WrittenNames* outer)
    : outer_(outer), names_(graph.value_count()) {
  std::vector<bool> has_source(graph.value_count());
  for (ValueId id : graph.inputs()) has_source[id.index] = true;
  for (size_t i = 0; i < graph.captures().size(); ++i)
    names_[graph.captures()[i].index] = (*outer)[node->captures[i]];
  for (size_t i = 0; i < graph.value_count(); ++i) {
    const Value& value = graph.value(ValueId(i));
    if (has_source[i] || value.producer || value.constant) take(ValueId(i), value.name);
  }
}

void WrittenNames::take(ValueId id, const std::string& name) {
  std::string_view written = name;
  for (int i = 1; visible(written); ++i) written = renamed_.emplace_back(concat(name, "__", i));
  taken_.insert(written);
  names_[id.index] = written;
}

bool WrittenNames::visible(std::string_view name) const {
  for (const WrittenNames* scope = this; scope; scope = scope->outer_)
    if (scope->taken_.contains(name)) return true;
  return false;
}

} // namespace octet::onnx

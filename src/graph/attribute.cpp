#include "graph/attribute.h"

#include <algorithm>

#include "base/error.h"

namespace octet {
namespace {
template <class T>
const T* typed(const Attributes& attributes, std::string_view name) {
  const AttributeValue* value = attributes.find(name);
  if (!value) return nullptr;
  const T* out = std::get_if<T>(value);
  if (!out) fail(ErrorCode::InvalidModel, "attribute '", name, "' has another type than expected");
  return out;
}

template <class T>
T typed_or(const Attributes& attributes, std::string_view name, T fallback) {
  const T* value = typed<T>(attributes, name);
  return value ? *value : std::move(fallback);
}
} // namespace

const AttributeValue* Attributes::find(std::string_view name) const {
  for (const auto& [key, value] : items_)
    if (key == name) return &value;
  return nullptr;
}

void Attributes::set(std::string_view name, AttributeValue value) {
  for (auto& [key, existing] : items_) {
    if (key != name) continue;
    existing = std::move(value);
    return;
  }
  items_.emplace_back(std::string(name), std::move(value));
}

void Attributes::erase(std::string_view name) {
  std::erase_if(items_, [&](const auto& item) { return item.first == name; });
}

int64_t Attributes::get_int(std::string_view name, int64_t fallback) const {
  return typed_or<int64_t>(*this, name, fallback);
}
float Attributes::get_float(std::string_view name, float fallback) const {
  return typed_or<float>(*this, name, fallback);
}
std::string Attributes::get_string(std::string_view name, std::string_view fallback) const {
  return typed_or<std::string>(*this, name, std::string(fallback));
}
std::vector<int64_t> Attributes::get_ints(std::string_view name,
                                          std::vector<int64_t> fallback) const {
  return typed_or<std::vector<int64_t>>(*this, name, std::move(fallback));
}
std::vector<float> Attributes::get_floats(std::string_view name,
                                          std::vector<float> fallback) const {
  return typed_or<std::vector<float>>(*this, name, std::move(fallback));
}
std::vector<std::string> Attributes::get_strings(std::string_view name) const {
  return typed_or<std::vector<std::string>>(*this, name, {});
}
const Tensor* Attributes::find_tensor(std::string_view name) const {
  return typed<Tensor>(*this, name);
}
const std::shared_ptr<Graph>* Attributes::find_graph(std::string_view name) const {
  return typed<std::shared_ptr<Graph>>(*this, name);
}

std::vector<std::shared_ptr<Graph>> subgraphs_of(const Attributes& attributes) {
  std::vector<std::shared_ptr<Graph>> out;
  for (const auto& [name, value] : attributes) {
    if (const auto* graph = std::get_if<std::shared_ptr<Graph>>(&value)) out.push_back(*graph);
    if (const auto* list = std::get_if<std::vector<std::shared_ptr<Graph>>>(&value))
      out.insert(out.end(), list->begin(), list->end());
  }
  return out;
}

} // namespace octet

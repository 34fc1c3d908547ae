// Attributes of a node, as ONNX has them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/tensor.h"

namespace octet {

class Graph;

// The alternatives are ONNX's AttributeType; a subgraph is shared because nodes are copied freely.
// `Opaque` keeps an attribute of a kind that Octet does not model (sparse tensor, type proto) in
// the encoding of the format it was read from, so that it survives a round trip.
struct Opaque {
  std::string encoded;
};
using AttributeValue =
    std::variant<int64_t, float, std::string, Tensor, std::shared_ptr<Graph>, std::vector<int64_t>,
                 std::vector<float>, std::vector<std::string>, std::vector<Tensor>,
                 std::vector<std::shared_ptr<Graph>>, Opaque>;

// A small ordered map; nodes have few attributes, and a writer keeps their order.
class Attributes {
public:
  const AttributeValue* find(std::string_view name) const;
  void set(std::string_view name, AttributeValue value);
  void erase(std::string_view name);

  // Typed look-ups. The `get_*` return the fallback when the attribute is absent; all throw
  // InvalidModel naming the attribute when it is there under another type.
  int64_t get_int(std::string_view name, int64_t fallback) const;
  float get_float(std::string_view name, float fallback) const;
  std::string get_string(std::string_view name, std::string_view fallback) const;
  std::vector<int64_t> get_ints(std::string_view name, std::vector<int64_t> fallback = {}) const;
  std::vector<float> get_floats(std::string_view name, std::vector<float> fallback = {}) const;
  std::vector<std::string> get_strings(std::string_view name) const;
  const Tensor* find_tensor(std::string_view name) const;
  const std::shared_ptr<Graph>* find_graph(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }

  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }
  auto begin() { return items_.begin(); }
  auto end() { return items_.end(); }
  size_t size() const { return items_.size(); }

private:
  std::vector<std::pair<std::string, AttributeValue>> items_;
};

// The subgraphs among the attributes, in order.
std::vector<std::shared_ptr<Graph>> subgraphs_of(const Attributes& attributes);

} // namespace octet

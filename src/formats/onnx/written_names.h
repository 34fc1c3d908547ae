// The names that the values of a graph are written under.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "graph/graph.h"

namespace octet::onnx {

class WrittenNames {
public:
  explicit WrittenNames(const Graph& graph) : WrittenNames(graph, nullptr, nullptr) {}
  // Of a subgraph of `node`, whose graph is written under the names `outer`, which must outlive
  // these.
  WrittenNames(const Graph& subgraph, const Node& node, const WrittenNames& outer)
      : WrittenNames(subgraph, &node, &outer) {}

  // "" for an input or output left out.
  std::string_view operator[](ValueId id) const {
    return id ? names_[id.index] : std::string_view();
  }

private:
  WrittenNames(const Graph& graph, const Node* node, const WrittenNames* outer);
  void take(ValueId id, const std::string& name);
  bool visible(std::string_view name) const;

  const WrittenNames* outer_;
  std::vector<std::string_view> names_; // by value
  std::unordered_set<std::string_view> taken_;
  std::deque<std::string> renamed_;
};

} // namespace octet::onnx

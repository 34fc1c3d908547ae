// What all graphs of one ONNX file share while it is read.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "formats/onnx/read_tensor.h"
#include "formats/wire/message_reader.h"
#include "graph/graph.h"

namespace octet::onnx {

// The default domain has two names; graphs know it as "".
inline std::string_view canonical_domain(std::string_view domain) {
  return domain == "ai.onnx" ? std::string_view() : domain;
}

// A FunctionProto: a graph that is expanded wherever a node calls it.
struct Function {
  std::string_view name, domain, overload;
  std::vector<std::string_view> inputs, outputs;
  std::vector<wire::MessageReader> nodes, default_attributes;
  std::vector<OpsetImport> opsets;
  size_t encoded_bytes = 0;
  bool is_own = false; // see own_functions.h
};

class Functions {
public:
  void add(wire::MessageReader message);
  const Function* find(std::string_view domain, std::string_view name,
                       std::string_view overload) const;
  auto begin() const { return functions_.begin(); }
  auto end() const { return functions_.end(); }

private:
  std::map<std::string, Function> functions_;
};

OpsetImport read_opset(wire::MessageReader message);
void add_opset(OpsetImport import, std::vector<OpsetImport>& opsets);

struct ModelContext {
  ModelFiles files;
  ModelInfo info = {};
  Functions functions = {};
  // Spent so far of what limits.h allows.
  size_t nodes = 0, subgraph_bytes = 0, expanded_bytes = 0;
  size_t dense_budget = limits::kMaxDenseBytes;
  size_t renamings = 0; // makes names unique
};

} // namespace octet::onnx

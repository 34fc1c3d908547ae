// The graph of a model: values (edges) and nodes, by typed ids.
//
// Invariants (established by readers, checked by validate(), kept by the functions of edit.h):
//  - every value has at most one source: a node's output, a graph input, an initializer or, in a
//  subgraph,
//    a capture of a value of the enclosing graph;
//  - `nodes()` lists the live nodes in an order in which every value is produced before it is used;
//  - `uses` of a value counts the live nodes' inputs and captures, and the graph outputs, that name
//  it.
// Ids stay valid while the graph lives: a removed node keeps its slot and is no longer listed.
//
// Precision is part of a value's type: TensorType::quant says what an integer tensor stands for.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/quant_params.h"
#include "base/tensor.h"
#include "graph/attribute.h"
#include "graph/ids.h"

namespace octet {

struct TensorType {
  bool is_tensor = true;           // false: a sequence, a map, an optional; then the rest is unset
  DType dtype = DType::Undefined;  // Undefined: not declared
  std::optional<Shape> shape = {}; // nothing: rank unknown; dims may be kDynamicDim
  std::vector<std::string> symbols =
      {}; // names of dynamic dims, parallel to shape's dims, or empty
  std::optional<QuantParams> quant = {};
};

// What pixels are decoded from: by the node of this name, from input number `stream` of the model.
struct EncodedImage {
  std::string node;
  size_t stream = 0;
  std::string pixel_format; // RGB, BGR or Grayscale
};

struct Value {
  std::string name;
  TensorType type = {};
  NodeId producer = {};                   // invalid for graph inputs, initializers, captures
  std::optional<Tensor> constant = {};    // an initializer
  std::optional<EncodedImage> image = {}; // of an input that passes/take_images made
  uint32_t uses = 0;
  std::string extra =
      {}; // what the format that read it wants to write back, in that format's encoding
};

struct Node {
  std::string name = {};
  std::string op_type =
      {}; // ONNX's name verbatim; the lowered stage adds operators of domain "octet"
  std::string domain = {};           // "" is ai.onnx
  std::string overload = {};         // of a model function
  std::vector<ValueId> inputs = {};  // may hold invalid ids (optional inputs)
  std::vector<ValueId> outputs = {}; // may hold invalid ids
  Attributes attributes = {};
  // Values of this graph that its subgraphs read, so that liveness and ordering see them. Every
  // subgraph of the node lists as many inner values in Graph::captures(), in this order, whether it
  // reads them or not.
  std::vector<ValueId> captures = {};
  std::string extra = {};

  // Invalid where an optional input is left out.
  ValueId input(size_t i) const { return i < inputs.size() ? inputs[i] : ValueId(); }
};

// What a model says beside its graph; carried from reader to writer.
struct OpsetImport {
  std::string domain;
  int64_t version = 0;
};

struct ModelInfo {
  int64_t ir_version = 8;
  std::vector<OpsetImport> opsets;
  std::string extra; // producer, metadata, doc string, unknown fields: in the format's encoding

  // Version of a domain ("" = ai.onnx); 0 when it is not imported.
  int64_t opset(std::string_view domain) const;
};

class Graph {
public:
  // --- reading
  const Value& value(ValueId id) const { return values_[id.index]; }
  Value& value(ValueId id) { return values_[id.index]; }
  const Node& node(NodeId id) const { return nodes_[id.index]; }
  Node& node(NodeId id) { return nodes_[id.index]; }
  size_t value_count() const { return values_.size(); } // ids are 0 … count−1
  size_t node_slots() const { return nodes_.size(); }

  const std::vector<NodeId>& nodes() const { return order_; } // topological
  const std::vector<ValueId>& inputs() const { return inputs_; }
  const std::vector<ValueId>& outputs() const { return outputs_; }
  // Of a subgraph: the inner values that stand for the enclosing node's `captures`, in the same
  // order.
  const std::vector<ValueId>& captures() const { return captures_; }

  const Tensor* constant(ValueId id) const {
    return id && value(id).constant ? &*value(id).constant : nullptr;
  }
  bool is_output(ValueId id) const;
  // Live nodes that read the value (as input or capture), in graph order; linear in the graph's
  // size.
  std::vector<NodeId> users(ValueId id) const;
  // A name that no value has: `hint`, two underscores and a number.
  std::string fresh_name(std::string_view hint) const;

  // --- building (readers, passes through edit.h)
  ValueId add_value(std::string name, TensorType type = {});
  ValueId add_constant(std::string name, Tensor tensor);
  ValueId add_input(std::string name, TensorType type);
  ValueId add_capture(std::string name, TensorType type);
  void add_output(ValueId id);
  // Appends at the end of the order; registers producer and uses.
  NodeId add_node(Node node);

  std::string name;
  std::string extra;
  ModelInfo model; // of a subgraph: a copy of its enclosing model's opsets

private:
  friend class GraphEdit;
  void count_uses(const Node& node, int delta);

  // Deques, so that a reference to a value or node outlives the adding of others.
  std::deque<Value> values_;
  std::deque<Node> nodes_;
  std::vector<NodeId> order_;
  std::vector<ValueId> inputs_, outputs_, captures_;
  uint64_t next_suffix_ = 0; // no value's name ends in two underscores and this number or a larger
};

} // namespace octet

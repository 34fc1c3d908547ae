// Reads GraphProto and NodeProto into a Graph, expanding calls of model functions.
//
// Names become ids in scopes: a graph is one, and so is the body of each function that is expanded
// into it. A name is looked up in its scope; the scope of a subgraph then asks the scope of the
// node that holds it, and what is found there becomes a capture of that node. So a name of an inner
// graph hides the same name of an outer one. All names of a scope are defined before any node is
// read: nodes may come in any order.
//
// `extra` of a Value holds fields of GraphProto (initializer, input, output, value_info) whose
// messages have only what Value has no place for; `extra` of a Node holds fields of NodeProto,
// those of known attributes reduced in the same way to name and remainder.
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "formats/onnx/onnx_schema.h"
#include "formats/onnx/read_model.h"
#include "formats/onnx/read_type.h"

namespace octet::onnx {

class GraphReader {
public:
  // Reads a model's graph into the empty `graph`. Throws InvalidModel naming the node or value at
  // fault.
  static void read(wire::MessageReader message, ModelContext& context, Graph& graph);

private:
  // One expansion of a function.
  struct Call {
    const Function& function;
    Attributes attributes; // what attribute references of the body stand for
    const Call* caller;    // the call whose body has this one
    std::string prefix;    // of names that the body brings into the graph
  };

  struct Scope {
    std::unordered_map<std::string_view, ValueId>
        names;                  // an invalid id: an input left out of a call
    const Call* call = nullptr; // the innermost
  };

  // A node while its subgraphs are read.
  struct Site {
    GraphReader& reader;
    Scope& scope;
    std::vector<ValueId> captures = {};
    std::unordered_map<ValueId, size_t> capture_index = {};
    std::vector<std::unique_ptr<GraphReader>> subgraphs = {};
  };

  // A NodeProto taken apart, its names not yet resolved.
  struct NodeParts {
    std::string_view name, op_type, domain, overload;
    std::vector<std::string_view> inputs, outputs;
    std::vector<wire::MessageReader> attributes;
    std::string extra;
    std::string describe() const;
  };

  GraphReader(ModelContext& context, Graph& graph, Site* site);

  void read_all(wire::MessageReader message);
  NodeParts read_node_parts(wire::MessageReader message);
  void define(Scope& scope, std::string_view name, ValueId id);
  void add_initializer(const NamedTensor& tensor);
  void add_inputs(const std::vector<ValueInfo>& inputs);
  void define_node_outputs(const std::vector<NodeParts>& nodes);
  void set_types(const std::vector<ValueInfo>& outputs, const std::vector<ValueInfo>& infos);
  void add_outputs(const std::vector<ValueInfo>& outputs);
  std::string unique_name(std::string name);

  std::optional<ValueId> find(Scope& scope, std::string_view name);
  ValueId capture(ValueId outer);
  void add_captures_up_to(size_t count);
  void charge_subgraph(size_t bytes);

  void add_node(const NodeParts& parts, Scope& scope);
  Node build_node(const NodeParts& parts, Scope& scope);
  void check_opset(const NodeParts& parts, const Scope& scope) const;
  void read_attribute(wire::MessageReader message, Node& node, Site& site);
  AttributeValue read_value(wire::MessageReader message, AttributeKind kind, Site& site,
                            std::string& extra);
  void read_value_field(wire::MessageReader& message, AttributeValue& out, Site& site,
                        std::string& extra);
  std::shared_ptr<Graph> read_subgraph(wire::MessageReader message, Site& site);

  void expand(const Function& function, const Node& node, const Scope& scope);
  void check_call(const Function& function, const Node& node, const Scope& scope);
  void charge_expansion(size_t bytes);
  void add_default_attributes(Call& call);
  void define_body_outputs(const std::vector<NodeParts>& nodes, const Node& node, Scope& body);
  void connect_results(const Node& node, Scope& body);

  ModelContext& context_;
  Graph& graph_;
  Site* site_; // null for the model's graph
  int depth_;
  Scope root_;
  std::unordered_set<std::string> generated_names_;
};

} // namespace octet::onnx

// Calls of model functions: the part of GraphReader that puts a function's nodes where it is
// called.
#include "base/limits.h"
#include "formats/onnx/onnx_schema.h"
#include "formats/onnx/own_functions.h"
#include "formats/onnx/read_graph.h"

namespace octet::onnx {
namespace {
using wire::MessageReader;

std::string function_key(std::string_view domain, std::string_view name,
                         std::string_view overload) {
  return concat(canonical_domain(domain), "\n", name, "\n", overload);
}

bool is_own_function(const Function& function, std::string_view encoded) {
  return function.overload.empty() && function.opsets.size() == 1 &&
         encoded == own_function(function.domain, function.name, function.opsets[0].version);
}
} // namespace

void Functions::add(MessageReader message) {
  Function out;
  const std::string_view encoded = wire::as_text(message.rest());
  out.encoded_bytes = encoded.size();
  while (message.next()) {
    switch (message.field()) {
    case function::kName:
      out.name = message.text();
      break;
    case function::kDomain:
      out.domain = message.text();
      break;
    case function::kOverload:
      out.overload = message.text();
      break;
    case function::kInput:
      out.inputs.push_back(message.text());
      break;
    case function::kOutput:
      out.outputs.push_back(message.text());
      break;
    case function::kNode:
      out.nodes.push_back(message.message());
      break;
    case function::kDefaultAttribute:
      out.default_attributes.push_back(message.message());
      break;
    case function::kOpsetImport:
      add_opset(read_opset(message.message()), out.opsets);
      break;
    default:
      message.skip();
    }
  }
  if (out.default_attributes.size() > limits::kMaxAttributes)
    fail(ErrorCode::InvalidModel, "function '", out.name, "' has more than ",
         limits::kMaxAttributes, " attributes");
  out.is_own = is_own_function(out, encoded);
  const std::string key = function_key(out.domain, out.name, out.overload);
  const std::string_view name = out.name;
  if (!functions_.emplace(key, std::move(out)).second)
    fail(ErrorCode::InvalidModel, "function '", name, "' is defined twice");
}

const Function* Functions::find(std::string_view domain, std::string_view name,
                                std::string_view overload) const {
  if (functions_.empty()) return nullptr;
  const auto found = functions_.find(function_key(domain, name, overload));
  return found == functions_.end() ? nullptr : &found->second;
}

void GraphReader::expand(const Function& function, const Node& node, const Scope& scope) {
  check_call(function, node, scope);
  const std::string& label = node.name.empty() ? node.op_type : node.name;
  Call call{.function = function,
            .attributes = node.attributes,
            .caller = scope.call,
            .prefix = concat(label, "/")};
  add_default_attributes(call);
  Scope body{.names = {}, .call = &call};
  for (size_t i = 0; i < function.inputs.size(); ++i)
    define(body, function.inputs[i], node.input(i));
  std::vector<NodeParts> nodes;
  for (const MessageReader& message : function.nodes) nodes.push_back(read_node_parts(message));
  define_body_outputs(nodes, node, body);
  for (const NodeParts& parts : nodes) add_node(parts, body);
  connect_results(node, body);
}

void GraphReader::check_call(const Function& function, const Node& node, const Scope& scope) {
  int depth = 0;
  for (const Call* call = scope.call; call; call = call->caller) {
    if (&call->function == &function)
      fail(ErrorCode::InvalidModel, "function '", function.name, "' calls itself");
    if (++depth == limits::kMaxNesting)
      fail(ErrorCode::InvalidModel, "functions call each other more than ", limits::kMaxNesting,
           " deep");
  }
  if (node.inputs.size() > function.inputs.size() || node.outputs.size() > function.outputs.size())
    fail(ErrorCode::InvalidModel, "function '", function.name, "' has ", function.inputs.size(),
         " inputs and ", function.outputs.size(), " outputs, the call more");
  if (!subgraphs_of(node.attributes).empty())
    fail(ErrorCode::UnsupportedOperator, "graphs as attributes of a call of function '",
         function.name, "' are not supported");
  charge_expansion(function.encoded_bytes);
}

void GraphReader::charge_expansion(size_t bytes) {
  context_.expanded_bytes = checked_add(context_.expanded_bytes, bytes);
  if (context_.expanded_bytes / 8 > limits::kMaxExpandedBytes / 8 + context_.files.model.size())
    fail(ErrorCode::InvalidModel, "its functions make the model too large");
}

void GraphReader::add_default_attributes(Call& call) {
  Node defaults;
  Scope nothing;
  Site site{*this, nothing};
  for (const MessageReader& message : call.function.default_attributes)
    read_attribute(message, defaults, site);
  if (!site.subgraphs.empty())
    fail(ErrorCode::UnsupportedOperator, "graphs as attributes of function '", call.function.name,
         "' are not supported");
  for (const auto& [name, value] : defaults.attributes)
    if (!call.attributes.has(name)) call.attributes.set(name, value);
}

// What the body calls by the name of a result is the call's output; everything else is a new value.
void GraphReader::define_body_outputs(const std::vector<NodeParts>& nodes, const Node& node,
                                      Scope& body) {
  std::unordered_map<std::string_view, ValueId> results;
  for (size_t i = 0; i < node.outputs.size(); ++i)
    if (node.outputs[i]) results.emplace(body.call->function.outputs[i], node.outputs[i]);
  for (const NodeParts& parts : nodes)
    for (std::string_view name : parts.outputs) {
      if (name.empty()) continue;
      if (const auto result = results.find(name); result != results.end()) {
        define(body, name, result->second);
        continue;
      }
      charge_expansion(sizeof(Value) + body.call->prefix.size());
      define(body, name, graph_.add_value(unique_name(concat(body.call->prefix, name))));
    }
}

// A result that is an input of the function, or another result once more, is copied.
void GraphReader::connect_results(const Node& node, Scope& body) {
  const Function& function = body.call->function;
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (!node.outputs[i]) continue;
    const std::optional<ValueId> source = find(body, function.outputs[i]);
    if (!source || !*source)
      fail(ErrorCode::InvalidModel, "function '", function.name, "' does not produce its output '",
           function.outputs[i], "'");
    if (*source == node.outputs[i]) continue;
    graph_.add_node({.name = concat(body.call->prefix, function.outputs[i]),
                     .op_type = "Identity",
                     .inputs = {*source},
                     .outputs = {node.outputs[i]}});
  }
}

} // namespace octet::onnx

#include "formats/onnx/read_graph.h"

#include "base/limits.h"
#include "formats/onnx/onnx_schema.h"
#include "formats/onnx/own_functions.h"
#include "formats/wire/message_writer.h"

namespace octet::onnx {
namespace {
using wire::MessageReader;
using wire::MessageWriter;

std::string wrapped(uint32_t field, std::string_view fields) {
  return wire::encode_text(
      [&](MessageWriter& writer) { writer.message(field, [&] { writer.raw(fields); }); });
}

ValueInfo read_info_field(MessageReader& message) {
  MessageReader whole = message;
  ValueInfo info = read_value_info(message.message());
  info.field = whole.raw();
  return info;
}
} // namespace

std::string GraphReader::NodeParts::describe() const {
  if (!name.empty()) return concat("node '", name, "' (", op_type, ")");
  return concat("node ", op_type, " of '", outputs.empty() ? "" : outputs[0], "'");
}

GraphReader::GraphReader(ModelContext& context, Graph& graph, Site* site)
    : context_(context), graph_(graph), site_(site), depth_(site ? site->reader.depth_ + 1 : 0) {
  if (depth_ > limits::kMaxNesting)
    fail(ErrorCode::InvalidModel, "subgraphs are nested more than ", limits::kMaxNesting, " deep");
  if (site) root_.call = site->scope.call;
  graph_.model.ir_version = context.info.ir_version;
  graph_.model.opsets = context.info.opsets;
}

void GraphReader::read(MessageReader message, ModelContext& context, Graph& graph) {
  GraphReader(context, graph, nullptr).read_all(message);
}

void GraphReader::read_all(MessageReader message) {
  std::vector<NodeParts> nodes;
  std::vector<ValueInfo> inputs, outputs, infos;
  while (message.next()) {
    switch (message.field()) {
    case graph::kName:
      graph_.name = message.text();
      break;
    case graph::kNode:
      nodes.push_back(read_node_parts(message.message()));
      break;
    case graph::kInitializer:
      add_initializer(read_tensor(message.message(), context_.files));
      break;
    case graph::kSparseInitializer:
      add_initializer(read_sparse_tensor(message.message(), context_.files, context_.dense_budget));
      break;
    case graph::kInput:
      inputs.push_back(read_info_field(message));
      break;
    case graph::kOutput:
      outputs.push_back(read_info_field(message));
      break;
    case graph::kValueInfo:
      infos.push_back(read_info_field(message));
      break;
    default:
      graph_.extra += message.raw();
    }
  }
  add_inputs(inputs);
  define_node_outputs(nodes);
  set_types(outputs, infos);
  for (const NodeParts& parts : nodes) add_node(parts, root_);
  add_outputs(outputs);
  if (root_.call) charge_expansion(graph_.value_count() * sizeof(Value));
}

GraphReader::NodeParts GraphReader::read_node_parts(MessageReader message) {
  if (++context_.nodes > limits::kMaxNodes)
    fail(ErrorCode::InvalidModel, "the model has more than ", limits::kMaxNodes, " nodes");
  NodeParts out;
  while (message.next()) {
    switch (message.field()) {
    case node::kInput:
      out.inputs.push_back(message.text());
      break;
    case node::kOutput:
      out.outputs.push_back(message.text());
      break;
    case node::kName:
      out.name = message.text();
      break;
    case node::kOpType:
      out.op_type = message.text();
      break;
    case node::kDomain:
      out.domain = canonical_domain(message.text());
      break;
    case node::kOverload:
      out.overload = message.text();
      break;
    case node::kAttribute:
      out.attributes.push_back(message.message());
      break;
    default:
      out.extra += message.raw();
    }
  }
  if (out.op_type.empty()) fail(ErrorCode::InvalidModel, out.describe(), " names no operator");
  if (out.attributes.size() > limits::kMaxAttributes)
    fail(ErrorCode::InvalidModel, out.describe(), " has more than ", limits::kMaxAttributes,
         " attributes");
  return out;
}

void GraphReader::define(Scope& scope, std::string_view name, ValueId id) {
  if (!scope.names.emplace(name, id).second)
    fail(ErrorCode::InvalidModel, "'", name, "' is defined twice");
}

std::string GraphReader::unique_name(std::string name) {
  const auto taken = [&] { return root_.names.contains(name) || generated_names_.contains(name); };
  while (taken()) name = concat(name, "__", ++context_.renamings);
  generated_names_.insert(name);
  return name;
}

std::optional<ValueId> GraphReader::find(Scope& scope, std::string_view name) {
  if (const auto found = scope.names.find(name); found != scope.names.end()) return found->second;
  // The body of a function sees no names but its own.
  if (!site_ || &scope != &root_) return std::nullopt;
  const std::optional<ValueId> outer = site_->reader.find(site_->scope, name);
  if (!outer) return std::nullopt;
  return scope.names[name] = *outer ? capture(*outer) : ValueId();
}

ValueId GraphReader::capture(ValueId outer) {
  const auto [index, fresh] = site_->capture_index.try_emplace(outer, site_->captures.size());
  if (fresh) site_->captures.push_back(outer);
  add_captures_up_to(index->second + 1);
  return graph_.captures()[index->second];
}

// The subgraphs of a node all list the captures of the first ones, then their own.
void GraphReader::add_captures_up_to(size_t count) {
  while (graph_.captures().size() < count) {
    const Value& outer = site_->reader.graph_.value(site_->captures[graph_.captures().size()]);
    charge_subgraph(sizeof outer + outer.name.size());
    for (const std::string& symbol : outer.type.symbols) charge_subgraph(symbol.size());
    graph_.add_capture(unique_name(outer.name), outer.type);
  }
}

void GraphReader::charge_subgraph(size_t bytes) {
  context_.subgraph_bytes += bytes;
  if (context_.subgraph_bytes > limits::kMaxSubgraphBytes)
    fail(ErrorCode::InvalidModel, "its subgraphs make the model too large");
}

void GraphReader::add_initializer(const NamedTensor& tensor) {
  if (tensor.name.empty()) fail(ErrorCode::InvalidModel, "an initializer has no name");
  const ValueId id = graph_.add_constant(std::string(tensor.name), tensor.tensor);
  define(root_, tensor.name, id);
  if (!tensor.extra.empty()) graph_.value(id).extra += wrapped(graph::kInitializer, tensor.extra);
}

void GraphReader::add_inputs(const std::vector<ValueInfo>& inputs) {
  for (const ValueInfo& info : inputs) {
    if (info.name.empty()) fail(ErrorCode::InvalidModel, "an input of the graph has no name");
    const auto found = root_.names.find(info.name);
    const bool initialized = found != root_.names.end() && graph_.constant(found->second);
    const ValueId id =
        initialized ? found->second : graph_.add_input(std::string(info.name), info.type);
    if (!initialized) define(root_, info.name, id);
    if (initialized || !info.extra.empty())
      graph_.value(id).extra += wrapped(graph::kInput, info.extra);
  }
}

void GraphReader::define_node_outputs(const std::vector<NodeParts>& nodes) {
  for (const NodeParts& parts : nodes)
    for (std::string_view name : parts.outputs) {
      if (name.empty()) continue;
      if (root_.names.contains(name))
        fail(ErrorCode::InvalidModel, parts.describe(), ": its output '", name,
             "' is defined twice");
      define(root_, name, graph_.add_value(std::string(name)));
    }
}

void GraphReader::set_types(const std::vector<ValueInfo>& outputs,
                            const std::vector<ValueInfo>& infos) {
  std::unordered_set<ValueId> listed(graph_.inputs().begin(), graph_.inputs().end());
  const auto set_type = [&](const ValueInfo& info, ValueId id) {
    TensorType& type = graph_.value(id).type;
    if (!is_declared(type)) type = info.type;
  };
  for (const ValueInfo& info : outputs) {
    const auto found = root_.names.find(info.name);
    if (found == root_.names.end()) continue; // of an enclosing graph, or reported by add_outputs
    set_type(info, found->second);
    listed.insert(found->second);
  }
  for (const ValueInfo& info : infos) {
    const auto found = root_.names.find(info.name);
    if (found == root_.names.end()) {
      graph_.extra += info.field;
      continue;
    }
    const ValueId id = found->second;
    set_type(info, id);
    const bool implied = is_declared(info.type) && !graph_.constant(id) && !listed.contains(id);
    if (!implied || !info.extra.empty())
      graph_.value(id).extra += wrapped(graph::kValueInfo, info.extra);
  }
}

void GraphReader::add_outputs(const std::vector<ValueInfo>& outputs) {
  for (const ValueInfo& info : outputs) {
    const std::optional<ValueId> id = find(root_, info.name);
    if (!id || !*id)
      fail(ErrorCode::InvalidModel, "nothing produces the graph's output '", info.name, "'");
    graph_.add_output(*id);
    if (!info.extra.empty()) graph_.value(*id).extra += wrapped(graph::kOutput, info.extra);
  }
}

void GraphReader::add_node(const NodeParts& parts, Scope& scope) {
  try {
    Node node = build_node(parts, scope);
    const Function* function = context_.functions.find(parts.domain, parts.op_type, parts.overload);
    if (function && !(function->is_own && runs_as_operator(graph_, node)))
      return expand(*function, node, scope);
    check_opset(parts, scope);
    graph_.add_node(std::move(node));
  } catch (const Error& error) {
    fail(error.code(), parts.describe(), ": ", error.message());
  }
}

Node GraphReader::build_node(const NodeParts& parts, Scope& scope) {
  Node node{.name = std::string(parts.name),
            .op_type = std::string(parts.op_type),
            .domain = std::string(parts.domain),
            .overload = std::string(parts.overload),
            .extra = parts.extra};
  if (scope.call) charge_expansion(sizeof node);
  if (scope.call && &scope != &root_) {
    charge_expansion(scope.call->prefix.size());
    node.name = concat(scope.call->prefix, parts.name.empty() ? parts.op_type : parts.name);
  }
  for (std::string_view name : parts.inputs) {
    const std::optional<ValueId> id = name.empty() ? ValueId() : find(scope, name);
    if (!id) fail(ErrorCode::InvalidModel, "it reads '", name, "', which nothing produces");
    node.inputs.push_back(*id);
  }
  for (std::string_view name : parts.outputs)
    node.outputs.push_back(name.empty() ? ValueId() : scope.names.at(name));
  Site site{*this, scope};
  for (const MessageReader& attribute : parts.attributes) read_attribute(attribute, node, site);
  for (const auto& subgraph : site.subgraphs) subgraph->add_captures_up_to(site.captures.size());
  node.captures = std::move(site.captures);
  return node;
}

std::shared_ptr<Graph> GraphReader::read_subgraph(MessageReader message, Site& site) {
  for (const OpsetImport& import : context_.info.opsets)
    charge_subgraph(sizeof import + import.domain.size());
  auto graph = std::make_shared<Graph>();
  auto reader = std::unique_ptr<GraphReader>(new GraphReader(context_, *graph, &site));
  reader->read_all(message);
  site.subgraphs.push_back(std::move(reader));
  return graph;
}

// A body is taken over as it is, so it must mean the same under the model's operator set versions.
void GraphReader::check_opset(const NodeParts& parts, const Scope& scope) const {
  const int64_t version = context_.info.opset(parts.domain);
  if (version <= 0 && parts.domain.empty())
    fail(ErrorCode::InvalidModel, "the model imports no version of the ai.onnx operator set");
  if (!scope.call) return;
  for (const OpsetImport& import : scope.call->function.opsets)
    if (import.domain == parts.domain && import.version != version)
      fail(ErrorCode::UnsupportedOperator, "function ", scope.call->function.name, " uses version ",
           import.version, " of operator set '", import.domain, "', but the model version ",
           version);
}

} // namespace octet::onnx

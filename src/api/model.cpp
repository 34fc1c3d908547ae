#include "api/model.h"

#include <algorithm>
#include <map>

#include "base/json.h"
#include "formats/format_list.h"
#include "formats/onnx/onnx_reader.h"
#include "graph/validate.h"
#include "ops/check_operators.h"
#include "ops/cost.h"
#include "ops/registry.h"

namespace octet {

std::unique_ptr<Graph> open_model(SharedBytes file, const ExternalFiles& external) {
  auto graph = read_model(std::move(file), external);
  validate(*graph);
  check_operators(*graph);
  return graph;
}

void write_port(JsonWriter& json, const std::string& name, const TensorType& type) {
  json.begin_object()
      .key("name")
      .value(name)
      .key("isTensor")
      .value(type.is_tensor)
      .key("type")
      .value(dtype_name(type.dtype))
      .key("shape");
  if (!type.shape) {
    json.null();
  } else {
    json.begin_array();
    for (size_t i = 0; i < type.shape->rank(); ++i) {
      const bool symbolic = i < type.symbols.size() && !type.symbols[i].empty();
      if ((*type.shape)[i] != kDynamicDim)
        json.value((*type.shape)[i]);
      else if (symbolic)
        json.value(type.symbols[i]);
      else
        json.null();
    }
    json.end_array();
  }
  json.end_object();
}

namespace {
using FreeDimensions = std::span<const std::pair<std::string, int64_t>>;

// Facts of the inputs with every open dimension filled in.
std::vector<ValueFact> assumed_inputs(const Graph& graph, FreeDimensions sizes) {
  std::vector<ValueFact> out;
  for (ValueId id : graph.inputs()) {
    const TensorType& type = graph.value(id).type;
    ValueFact fact{.dtype = type.dtype, .shape = type.shape, .value = std::nullopt};
    for (size_t i = 0; fact.shape && i < fact.shape->rank(); ++i) {
      if ((*fact.shape)[i] != kDynamicDim) continue;
      const std::string symbol = i < type.symbols.size() ? type.symbols[i] : "";
      const auto given = std::find_if(sizes.begin(), sizes.end(),
                                      [&](const auto& size) { return size.first == symbol; });
      (*fact.shape)[i] = given == sizes.end() ? 1 : given->second;
    }
    out.push_back(std::move(fact));
  }
  return out;
}

// Those whose names begin with QLinear come on top.
constexpr std::string_view kQuantized[] = {"QuantizeLinear",
                                           "DequantizeLinear",
                                           "DynamicQuantizeLinear",
                                           "MatMulInteger",
                                           "ConvInteger",
                                           "DynamicQuantizeLSTM",
                                           "MatMulNBits",
                                           "GatherBlockQuantized",
                                           "QGemm",
                                           "QAttention",
                                           "DynamicQuantizeMatMul",
                                           "MatMulIntegerToFloat",
                                           "MatMulBnb4",
                                           "QEmbedLayerNormalization",
                                           "Log2Quantize",
                                           "Log2Dequantize"};

// What a walk over a graph and its subgraphs collects.
struct Census {
  std::map<std::string, size_t> operators, unsupported, quantized;
  size_t nodes = 0, parameters = 0, parameter_bytes = 0;

  void count(const Tensor& parameter) {
    parameters += parameter.elements();
    parameter_bytes += parameter.size_bytes();
  }

  void count(const Graph& graph) {
    for (size_t i = 0; i < graph.value_count(); ++i)
      if (const Tensor* initializer = graph.constant(ValueId(i))) count(*initializer);
    for (NodeId id : graph.nodes()) {
      const Node& node = graph.node(id);
      const std::string name =
          node.domain.empty() ? node.op_type : node.domain + "." + node.op_type;
      ++nodes;
      ++operators[name];
      if (!find_op(node.domain, node.op_type)) ++unsupported[name];
      if (is_quantized_op(node.op_type)) ++quantized[name];
      for (const auto& [key, value] : node.attributes)
        if (const auto* constant = std::get_if<Tensor>(&value)) count(*constant);
      for (const auto& subgraph : subgraphs_of(node.attributes)) count(*subgraph);
    }
  }
};

void write_counts(JsonWriter& json, const char* key, const std::map<std::string, size_t>& counts) {
  json.key(key).begin_object();
  for (const auto& [name, count] : counts) json.key(name).value(count);
  json.end_object();
}

void write_ports(JsonWriter& json, const char* key, const Graph& graph,
                 const std::vector<ValueId>& ids) {
  json.key(key).begin_array();
  for (ValueId id : ids) write_port(json, graph.value(id).name, graph.value(id).type);
  json.end_array();
}

bool has_subgraph(const Node& node) {
  return std::any_of(node.attributes.begin(), node.attributes.end(), [](const auto& attribute) {
    return std::holds_alternative<std::shared_ptr<Graph>>(attribute.second);
  });
}

// Null when an operator is missing, or when only a run can tell a shape or a branch.
void write_multiply_adds(JsonWriter& json, const Graph& graph, FreeDimensions sizes) {
  json.key("macs");
  try {
    const auto inputs = assumed_inputs(graph, sizes);
    std::vector<const ValueFact*> pointers;
    for (const ValueFact& fact : inputs) pointers.push_back(&fact);
    const GraphFacts facts = propagate(graph, pointers, nullptr);
    double total = 0;
    for (NodeId id : graph.nodes()) {
      if (has_subgraph(graph.node(id))) {
        json.null();
        return;
      }
      total += multiply_adds(graph.node(id), facts);
    }
    json.value(total);
  } catch (const Error&) {
    json.null();
  }
}

// A session can fetch the values of the main graph alone, so nodes of subgraphs have no outputs
// here.
void write_nodes_of(JsonWriter& json, const Graph& graph, bool is_main) {
  for (NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    json.begin_object().key("name").value(node.name).key("opType").value(node.op_type);
    json.key("outputs").begin_array();
    for (size_t i = 0; is_main && i < node.outputs.size(); ++i)
      json.value(node.outputs[i] ? graph.value(node.outputs[i]).name : std::string());
    json.end_array().end_object();
    for (const auto& subgraph : subgraphs_of(node.attributes))
      write_nodes_of(json, *subgraph, false);
  }
}

void write_nodes(JsonWriter& json, const Graph& graph) {
  json.key("nodeList").begin_array();
  write_nodes_of(json, graph, true);
  json.end_array();
}
} // namespace

bool is_quantized_op(std::string_view op_type) {
  if (op_type.starts_with("QLinear")) return true;
  return std::find(std::begin(kQuantized), std::end(kQuantized), op_type) != std::end(kQuantized);
}

std::string inspect_json(const Graph& graph, size_t file_bytes, FreeDimensions free_dimensions) {
  Census census;
  census.count(graph);
  JsonWriter json;
  json.begin_object();
  json.key("producer")
      .value(onnx_producer(graph.model))
      .key("irVersion")
      .value(graph.model.ir_version);
  json.key("opsets").begin_object();
  for (const OpsetImport& import : graph.model.opsets)
    json.key(import.domain.empty() ? "ai.onnx" : import.domain).value(import.version);
  json.end_object();
  write_ports(json, "inputs", graph, graph.inputs());
  write_ports(json, "outputs", graph, graph.outputs());
  json.key("nodes").value(census.nodes);
  write_counts(json, "operators", census.operators);
  write_counts(json, "unsupported", census.unsupported);
  write_counts(json, "quantized", census.quantized);
  json.key("parameters")
      .value(census.parameters)
      .key("parameterBytes")
      .value(census.parameter_bytes);
  json.key("bytes").value(file_bytes);
  write_multiply_adds(json, graph, free_dimensions);
  write_nodes(json, graph);
  json.end_object();
  return json.take();
}

} // namespace octet

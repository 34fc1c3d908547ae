#include "api/quantize.h"

#include "api/model.h"
#include "api/session.h"
#include "formats/onnx/onnx_writer.h"
#include "ops/registry.h"
#include "passes/expand_gradient.h"
#include "passes/pipeline.h"
#include "passes/raise_opset.h"
#include "passes/recognise_functions.h"
#include "quant/dynamic.h"
#include "quant/rescale.h"
#include "quant/scopes.h"
#include "quant/static.h"
#include "quant/weight_only.h"

namespace octet {
namespace {

// Static quantization writes scales per channel of weights (13) and knows HardSwish (14).
constexpr int64_t kDynamicOpset = 11, kStaticOpset = 14;

int64_t needed_opset(Graph& graph, QuantizeMode mode, const QuantizeConfig& config) {
  if (mode == QuantizeMode::WeightOnly) return weight_only_opset(graph, config);
  return mode == QuantizeMode::Dynamic ? kDynamicOpset : kStaticOpset;
}

void refuse_quantized(const Graph& graph) {
  for (NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    if (is_quantized_op(node.op_type))
      fail(ErrorCode::InvalidOption, "the model is quantized already: node '", node.name, "' is a ",
           node.op_type, "; force quantizes what it left in float");
    for (const auto& subgraph : subgraphs_of(node.attributes)) refuse_quantized(*subgraph);
  }
}

std::unique_ptr<Graph> prepare(std::unique_ptr<Graph> graph, QuantizeMode mode,
                               const QuantizeConfig& config) {
  check_opset(graph->model);
  if (!config.force) refuse_quantized(*graph);
  refuse_gradient(*graph);
  raise_opset(*graph, needed_opset(*graph, mode, config));
  canonicalize(*graph);
  if (mode == QuantizeMode::Static) recognise_standard_functions(*graph);
  return graph;
}

std::unique_ptr<Quantizer> make_quantizer(Graph& graph, QuantizeMode mode, QuantizeConfig config) {
  switch (mode) {
  case QuantizeMode::Static:
    return make_static_quantizer(graph, std::move(config));
  case QuantizeMode::WeightOnly:
    return make_weight_only_quantizer(graph, std::move(config));
  case QuantizeMode::Rescale:
    return make_rescaler(graph, std::move(config));
  default:
    return make_dynamic_quantizer(graph, std::move(config));
  }
}

} // namespace

QuantizeJob::QuantizeJob(std::unique_ptr<Graph> graph, size_t file_bytes, QuantizeMode mode,
                         QuantizeConfig config)
    : graph_(prepare(std::move(graph), mode, config)), bytes_before_(file_bytes),
      quantizer_(make_quantizer(*graph_, mode, std::move(config))) {}

std::unique_ptr<Session> QuantizeJob::calibration_session() {
  auto calibrator = quantizer_->calibrator();
  if (!calibrator) return nullptr;
  CreateOptions options{.session = {.sink = std::move(calibrator)}, .optimize = false};
  return create_session(std::make_unique<Graph>(*graph_), std::move(options));
}

QuantizedModel QuantizeJob::finish() {
  QuantizedModel result{.report = quantizer_->finish()};
  make_node_names_unique(*graph_);
  result.file = write_onnx_in_pieces(*graph_);
  result.report.bytes_before = bytes_before_;
  for (const SharedBytes& piece : result.file) result.report.bytes_after += piece.size();
  return result;
}

} // namespace octet

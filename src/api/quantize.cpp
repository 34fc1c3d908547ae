#include "api/quantize.h"

#include "api/session.h"
#include "formats/onnx/onnx_writer.h"
#include "ops/registry.h"
#include "passes/pipeline.h"
#include "passes/raise_opset.h"
#include "passes/recognise_functions.h"
#include "quant/dynamic.h"
#include "quant/static.h"

namespace octet {
namespace {

// Static quantization writes scales per channel of weights (13) and knows HardSwish (14).
constexpr int64_t kDynamicOpset = 11, kStaticOpset = 14;

std::unique_ptr<Graph> prepare(std::unique_ptr<Graph> graph, QuantizeMode mode) {
  const bool is_static = mode == QuantizeMode::Static;
  check_opset(graph->model);
  raise_opset(*graph, is_static ? kStaticOpset : kDynamicOpset);
  canonicalize(*graph);
  if (is_static) recognise_standard_functions(*graph);
  return graph;
}

std::unique_ptr<Quantizer> make_quantizer(Graph& graph, QuantizeMode mode, QuantizeConfig config) {
  if (mode == QuantizeMode::Static)
    return std::make_unique<StaticQuantizer>(graph, std::move(config));
  return std::make_unique<DynamicQuantizer>(graph, std::move(config));
}

} // namespace

QuantizeJob::QuantizeJob(std::unique_ptr<Graph> graph, size_t file_bytes, QuantizeMode mode,
                         QuantizeConfig config)
    : graph_(prepare(std::move(graph), mode)), bytes_before_(file_bytes),
      quantizer_(make_quantizer(*graph_, mode, std::move(config))) {}

std::unique_ptr<Session> QuantizeJob::calibration_session() {
  auto calibrator = quantizer_->calibrator();
  if (!calibrator) return nullptr;
  CreateOptions options{.session = {.sink = std::move(calibrator)}, .optimize = false};
  return create_session(std::make_unique<Graph>(*graph_), std::move(options));
}

QuantizedModel QuantizeJob::finish() {
  QuantizedModel result{.report = quantizer_->finish()};
  result.file = write_onnx(*graph_);
  result.report.bytes_before = bytes_before_;
  result.report.bytes_after = result.file.size();
  return result;
}

} // namespace octet

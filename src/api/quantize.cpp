#include "api/quantize.h"

#include "formats/onnx/onnx_writer.h"
#include "ops/registry.h"
#include "passes/pipeline.h"
#include "passes/raise_opset.h"

namespace octet {
namespace {

std::unique_ptr<Graph> prepare(std::unique_ptr<Graph> graph) {
  check_opset(graph->model);
  raise_opset(*graph);
  canonicalize(*graph);
  return graph;
}

} // namespace

QuantizeJob::QuantizeJob(std::unique_ptr<Graph> graph, size_t file_bytes, QuantizeConfig config)
    : graph_(prepare(std::move(graph))), bytes_before_(file_bytes),
      quantizer_(*graph_, std::move(config)) {}

QuantizedModel QuantizeJob::finish() {
  QuantizedModel result{.report = quantizer_.finish()};
  result.file = write_onnx(*graph_);
  result.report.bytes_before = bytes_before_;
  result.report.bytes_after = result.file.size();
  return result;
}

} // namespace octet

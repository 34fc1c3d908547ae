#include "api/quantize.h"

#include "passes/pipeline.h"
#include "passes/raise_opset.h"

namespace octet {

std::unique_ptr<Graph> prepare_for_quantization(std::unique_ptr<Graph> graph) {
  raise_opset(*graph);
  canonicalize(*graph);
  return graph;
}

} // namespace octet

// Quantization from a graph as read to the bytes of the quantized model.
#pragma once

#include <memory>

#include "base/buffer.h"
#include "graph/graph.h"
#include "quant/dynamic.h"

namespace octet {

struct QuantizedModel {
  Buffer file;
  QuantizationReport report;
};

// A dynamic quantization in steps of one node, so that the caller can report progress and stop in
// between.
class QuantizeJob {
public:
  // Canonicalizes the graph and raises its operator set to what quantized operators need.
  // `file_bytes` is the size of the file it was read from. Throws InvalidOption.
  QuantizeJob(std::unique_ptr<Graph> graph, size_t file_bytes, QuantizeConfig config);

  size_t done() const { return quantizer_.done(); }
  size_t total() const { return quantizer_.total(); }
  // Quantizes the next node. False when there is none left.
  bool step() { return quantizer_.step(); }
  // After the last step: writes the model.
  QuantizedModel finish();

private:
  std::unique_ptr<Graph> graph_;
  size_t bytes_before_;
  DynamicQuantizer quantizer_;
};

} // namespace octet

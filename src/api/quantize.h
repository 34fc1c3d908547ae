// Quantization from a graph as read to the bytes of the quantized model.
#pragma once

#include <memory>

#include "base/buffer.h"
#include "graph/graph.h"
#include "quant/config.h"
#include "quant/quantizer.h"
#include "runtime/session.h"

namespace octet {

struct QuantizedModel {
  std::vector<SharedBytes> file; // pieces, to be joined
  QuantizationReport report;
};

// Rescale: the model stays float (quant/rescale.h).
enum class QuantizeMode { Dynamic, Static, WeightOnly, Rescale };

// A quantization in steps of one node or less, so that the caller can report progress and stop in
// between.
class QuantizeJob {
public:
  // Canonicalizes the graph and raises its operator set to what quantized operators need.
  // `file_bytes` is the size of the file it was read from. Throws InvalidOption, also for a model
  // that is quantized already unless `config.force` is set.
  QuantizeJob(std::unique_ptr<Graph> graph, size_t file_bytes, QuantizeMode mode,
              QuantizeConfig config);

  // The float model, to be run on every sample before the first step. Null when the quantization
  // needs none.
  std::unique_ptr<Session> calibration_session();

  // After each sample, until it returns false: works on what that showed, in pieces.
  bool digest() { return quantizer_->digest(); }

  size_t done() const { return quantizer_->done(); }
  size_t total() const { return quantizer_->total(); }
  // Quantizes the next node, or a part of it. False when there is none left.
  bool step() { return quantizer_->step(); }
  // After the last step: writes the model.
  QuantizedModel finish();

private:
  std::unique_ptr<Graph> graph_;
  size_t bytes_before_;
  std::unique_ptr<Quantizer> quantizer_;
};

} // namespace octet

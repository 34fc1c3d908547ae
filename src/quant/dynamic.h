// Dynamic quantization: graph → graph. Weights become integers now; activations are measured at
// each run.
//
// Rewrites to standard ONNX, in the form onnxruntime's own tools write and its optimizer knows:
//   MatMul, Gemm → DynamicQuantizeLinear, MatMulInteger, Cast, Mul(a_scale * b_scale), (Add bias)
//   Conv         → DynamicQuantizeLinear, ConvInteger, Cast, Mul, (Add bias)
//   LSTM         → com.microsoft DynamicQuantizeLSTM
// Subgraphs are quantized too. Everything that is not rewritten stays as it was.
#pragma once

#include <memory>

#include "graph/graph.h"
#include "quant/config.h"
#include "quant/report.h"

namespace octet {

// A job in steps of one node, so that the caller can report progress and stop in between. A job
// that is dropped half-way leaves its graph usable, with some nodes quantized.
class DynamicQuantizer {
public:
  // `graph` must outlive the job. Throws InvalidOption.
  DynamicQuantizer(Graph& graph, QuantizeConfig config);
  ~DynamicQuantizer();

  size_t done() const;
  size_t total() const;
  // Quantizes the next node. False when there is none left.
  bool step();
  // After the last step: cleans the graph and returns the report.
  QuantizationReport finish();

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace octet

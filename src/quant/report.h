// What quantization did, tensor by tensor and node by node.
#pragma once

#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/dtype.h"
#include "quant/clip_range.h"
#include "quant/observers/histogram.h"

namespace octet {

enum class TensorRole : uint8_t { Weights, Activations };

struct QuantizedTensor {
  TensorRole role = TensorRole::Weights;
  std::string name;
  std::string node; // the operator that reads it
  DType type = DType::Undefined;
  float scale_min = 0, scale_max = 0;     // over channels
  std::string granularity;                // "per-tensor", "per-channel" or "per-block"
  std::string method;                     // "minmax", …
  double sqnr_db = 0;                     // of weights, or under the scheme log2 of activations
  size_t log2_levels = 0;                 // of one sign; 0: evenly spaced levels
  double output_sqnr_db = NAN;            // of what its node computes from the samples, where known
  CoarseHistogram histogram = {};         // of its values, of activations those of all samples
  std::optional<ClipRange> clipping = {}; // none where each run has a range of its own
  double drift = NAN;                     // of activations with samples (Calibrator::drift)
  std::string_view reason = {};           // for codes that are not those of the options
};

struct FloatNode {
  std::string name, op_type, reason;
};

struct RescaledNode {
  std::string name, method; // "equalize" or "smooth-quant"
};

struct QuantizationReport {
  std::string mode;
  std::vector<QuantizedTensor> tensors;
  std::vector<FloatNode> float_nodes;       // of operators that could be quantized, or hold weights
  std::vector<RescaledNode> rescaled;       // whose weights took scales over
  size_t bytes_before = 0, bytes_after = 0; // of the model files
  double drift_threshold = NAN;             // above which a range is measured at each run
};

// JSON of the public type QuantizationReport (web/src/quantize.ts).
std::string to_json(const QuantizationReport& report);

} // namespace octet

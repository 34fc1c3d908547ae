// The values between the nodes of a statically quantized graph: first behind Observe nodes, which
// calibration watches, then behind pairs of QuantizeLinear and DequantizeLinear, or, under the
// scheme log2, of Log2Quantize and Log2Dequantize (ops/log2_ops.h).
#pragma once

#include <unordered_map>
#include <vector>

#include "quant/assign.h"
#include "quant/calibrator.h"
#include "quant/report.h"

namespace octet {

struct ObservedValues {
  struct Site {
    NodeId observe;
    size_t observer;
  };
  std::vector<Site> sites;
  std::unordered_map<ValueId, size_t> observers; // of the values that Observe nodes yield
};

// Puts Observe nodes between the values of an assignment and their readers.
ObservedValues observe_values(Graph& graph, const Assignment& assignment, Calibrator& calibrator);

// Turns the Observe nodes that are still read, and that samples have reached, into pairs; the
// others go. Returns whether some pairs are of com.microsoft, which every graph of the model then
// has to import.
bool write_pairs(Graph& graph, const ObservedValues& observed, const ActivationOptions& options,
                 const Calibrator& calibrator, QuantizationReport& report);

} // namespace octet

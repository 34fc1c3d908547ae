// What the user asks of quantization; mirrors QuantizeOptions of the public API.
#pragma once

#include <string>
#include <vector>

#include "base/dtype.h"

namespace octet {

struct WeightOptions {
  DType type = DType::Int8; // Int8 or UInt8
  bool symmetric = true;
  bool per_channel = false;
};

// Of static quantization.
struct ActivationOptions {
  DType type = DType::UInt8; // UInt8 or Int8
  bool symmetric = false;
  std::string method = "minmax"; // see quant/observer.h
  double percentile = 99.99;     // of the method of that name
};

struct QuantizeConfig {
  WeightOptions weights;
  ActivationOptions activations;
  // Names of nodes left in float (after include/exclude of the public API were resolved), and
  // operator types to quantize; empty: all that can be.
  std::vector<std::string> exclude_nodes;
  std::vector<std::string> op_types;
  // Leaves nodes in float that work on a power spectrum and would lose it (quant/spectra.h).
  bool spectra_in_float = true;
};

} // namespace octet

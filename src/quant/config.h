// What the user asks of quantization; mirrors QuantizeOptions of the public API.
#pragma once

#include <string>
#include <vector>

#include "base/dtype.h"

namespace octet {

struct WeightOptions {
  DType type = DType::Int8; // Int8 or UInt8; weight-only also Int4, UInt4, Float16
  bool symmetric = true;
  bool reduce_range = false; // 7 of 8 bits, not of weight-only quantization
  bool per_channel = false;
  // Of weight-only quantization: weights along the reduction that share a scale.
  size_t block_size = 0;
  // See quant/block_weights.h; weight-only: or gptq; static: or adaround.
  std::string method = "minmax";
};

// How a quantized model spells what it computes.
enum class QuantFormat : uint8_t {
  Dequantize, // float operators behind DequantizeLinear
  // Weight-only: com.microsoft's MatMulNBits and GatherBlockQuantized. Static: QLinearConv and its
  // like (quant/qoperators.h).
  Operator,
};

enum class ActivationScheme : uint8_t {
  Linear, // real = scale · (code − zero_point)
  Log2,   // powers of two (quant/log2.h); what lies between products stays real
};

// Of static quantization.
struct ActivationOptions {
  ActivationScheme scheme = ActivationScheme::Linear;
  DType type = DType::UInt8; // UInt8 or Int8, and for the scheme linear UInt16 or Int16
  bool symmetric = false;
  std::string method = "minmax"; // see quant/observer.h
  double percentile = 99.99;     // of the method of that name
  // Linear, 8 bits: measures ranges that drift over the samples at each run.
  bool adaptive = true;
};

// What becomes of nodes that work on a power spectrum and would lose it to 8 bits
// (quant/spectra.h).
enum class SpectrumHandling : uint8_t {
  Float,
  // Static, scheme linear, Q/DQ pairs: those that read a signal read it as int16; else as Float.
  SixteenBits,
  AsOthers,
};

struct QuantizeConfig {
  WeightOptions weights;
  ActivationOptions activations;
  QuantFormat format = QuantFormat::Dequantize;
  // Samples will run before a weight-only quantization.
  bool calibrated = false;
  // Takes models that hold quantized operators already; what they left in float is quantized.
  bool force = false;
  // Static: takes out of biases what rounding does to the mean of results (product_rounding.h).
  bool correct_bias = false;
  // Of a rescaling (quant/rescale.h): cross-layer equalization, and α of SmoothQuant; 0: none.
  bool equalize = false;
  float smooth = 0;
  // Names of nodes left in float (after include/exclude of the public API were resolved), and
  // operator types to quantize; empty: all that can be.
  std::vector<std::string> exclude_nodes;
  std::vector<std::string> op_types;
  SpectrumHandling spectra = SpectrumHandling::Float;
};

} // namespace octet

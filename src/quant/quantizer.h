// A quantization under way: what all modes share.
#pragma once

#include <cstddef>
#include <memory>

#include "ops/op_def.h"
#include "quant/report.h"

namespace octet {

// A job in steps of one node or less, so that the caller can report progress and stop in between. A
// job that is dropped half-way leaves its graph usable, with some nodes quantized.
class Quantizer {
public:
  virtual ~Quantizer() = default;

  // Of a calibrated quantization: who watches the graph while it runs on samples, before the
  // first step. Else null.
  virtual std::shared_ptr<ValueSink> calibrator() { return nullptr; }

  // After each sample, until it returns false: works on what the calibrator saw, in pieces.
  virtual bool digest() { return false; }

  virtual size_t done() const = 0;
  virtual size_t total() const = 0;
  // Quantizes the next node, or a part of it. False when there is none left.
  virtual bool step() = 0;
  // After the last step: cleans the graph and returns the report.
  virtual QuantizationReport finish() = 0;
};

} // namespace octet

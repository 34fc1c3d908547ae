// Cross-layer equalization; see quant/rescale.h.
#pragma once

#include <memory>

#include "quant/report.h"
#include "quant/scopes.h"

namespace octet {

// Of the layers of one graph.
class Equalization {
public:
  virtual ~Equalization() = default;
  // Does a part of the work; true when there is more. At the end the graph is changed.
  virtual bool advance() = 0;
};

// All arguments have to outlive the work.
std::unique_ptr<Equalization> make_equalization(GraphScope& scope, const QuantizeConfig& config,
                                                QuantizationReport& report);

} // namespace octet

// Cross-layer equalization; see quant/rescale.h.
#pragma once

#include "quant/report.h"
#include "quant/scopes.h"

namespace octet {

void equalize(GraphScope& scope, const QuantizeConfig& config, QuantizationReport& report);

} // namespace octet

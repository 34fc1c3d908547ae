// QuantizeLinear and DequantizeLinear for every type that ONNX allows, and for blocks along an
// axis: by conversion, one element at a time. The common types have kernels (quantize_ops.cpp).
#pragma once

#include "ops/op_def.h"

namespace octet {

Kernel prepare_quantize_any(PrepareContext& ctx);
Kernel prepare_dequantize_any(PrepareContext& ctx);

} // namespace octet

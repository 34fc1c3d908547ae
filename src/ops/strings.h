// Numbers as text and back, as Cast has them.
#pragma once

#include "ops/op_def.h"

namespace octet {

// Text of numbers: the shortest decimals that read back as the same number ("0.1", "1e-05"), and
// "NaN", "INF", "-INF".
Tensor to_strings(const NodeContext& ctx, const Tensor& numbers);
// Numbers of a type from text in plain or scientific notation or "nan", "inf" in any case. Throws
// InvalidInput for other text.
Tensor from_strings(const NodeContext& ctx, const Tensor& strings, DType dtype);

// Equal, on strings.
std::vector<Tensor> equal_strings(const NodeContext& ctx);

} // namespace octet

#pragma once

#include "graph/graph.h"

namespace octet {

// Lets Conv, MatMul and Gemm between DequantizeLinear nodes run on the integers themselves: with
// 8-bit activations of one scale (or int16 ones around zero, where sums fit into 32 bits) and
// constant 8-bit weights with one scale or one per output channel, they become the lowered
// ConvIntegerToFloat or MatMulIntegerToFloat (see fuse_integer_scale.h), which compute the same
// real numbers.
void fold_qdq(Graph& graph);

// Whether sums of int16 activations times the 8-bit weights of any one channel fit into 32 bits.
// Zero points are one, or one per channel; null for 0.
bool wide_sums_fit(const Tensor& weights, const Tensor* zero_point, size_t channel_axis);

} // namespace octet

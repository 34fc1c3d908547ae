// BatchNormalization beyond the fast path of ops/normalize.cpp: training, and types other than
// float32.
#pragma once

#include "ops/op_def.h"

namespace octet {

// Data seen as `batch` × `channels` × `plane`, with statistics for each channel.
struct ChannelShape {
  size_t batch, channels, plane;
};

// Whether the node computes the statistics of its data: since operator set 14 as an attribute says,
// before when it has outputs for them.
bool trains(const NodeContext& ctx);

// Inputs x, scale, bias, mean, variance; outputs y, running mean and variance, and (before operator
// set 14) mean and variance of the data.
Kernel general_batch_norm(PrepareContext& ctx, const ChannelShape& shape);

} // namespace octet

// Ranges that give up the rarest values of a histogram for finer steps.
#pragma once

#include "quant/observer.h"

namespace octet {

// Cuts half of what is beyond the percentile from either end (as onnxruntime's calibrator does).
ObservedRange clip_percentile(const Histogram& histogram, const ObserverOptions& options);

// The threshold T for which the distribution of the values clipped to [−T, T] and its quantized
// form have the least Kullback-Leibler divergence: S. Migacz, "8-bit Inference with TensorRT",
// GTC 2017, slides 32 to 38; onnxruntime's calibrator does the same. Codes of 16 bits are more than
// the histogram has bins: the range stays the full one.
ObservedRange clip_entropy(const Histogram& histogram, const ObserverOptions& options);

// The range of least squared error Σ count · (x − x̂)² among the full one shrunk in steps of 1 %.
ObservedRange clip_mse(const Histogram& histogram, const ObserverOptions& options);

} // namespace octet

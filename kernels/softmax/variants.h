// Arguments and function type of the softmax kernels.
#pragma once

#include "kernels/reduce/variants.h"

namespace octet::kernels {

struct Softmax {
  AxisShape shape = {};
  const float* x = nullptr;
  float* y = nullptr; // of x's shape; may be x
};

using SoftmaxFn = void(const Softmax& args) noexcept;

/// Scores of attention: dense rows, each replaced by softmax(x · scale + mask).
struct ScoreSoftmax {
  size_t rows = 0;
  size_t columns = 0;
  float* x = nullptr;
  float scale = 1;
  const float* mask = nullptr; // null for none
  size_t mask_stride = 0;      // elements between its rows; 0 where all share one
};

using ScoreSoftmaxFn = void(const ScoreSoftmax& args) noexcept;

} // namespace octet::kernels

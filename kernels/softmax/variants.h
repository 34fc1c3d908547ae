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

} // namespace octet::kernels

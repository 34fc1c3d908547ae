// Arguments and function type of the products with one vector.
#pragma once

#include <cstddef>

namespace octet::kernels {

struct RowProductF32 {
  size_t rows = 0;
  size_t columns = 0;
  const float* matrix = nullptr; // rows of neighbouring columns
  size_t stride = 0;             // elements between rows
  const float* x = nullptr;
  float* y = nullptr;
};

using RowProductF32Fn = void(const RowProductF32& args) noexcept;

} // namespace octet::kernels

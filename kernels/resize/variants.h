// Arguments and function type of linear resizing, one output row at a time.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octet::kernels {

/// For every output position of an axis the two source positions it lies between, both inside the
/// image, and the share of the second: x[first] · (1 − weight) + x[second] · weight.
struct LinearAxis {
  const uint32_t* first = nullptr;
  const uint32_t* second = nullptr;
  const float* weight = nullptr;
};

/// Blends two source rows, then the columns of the blend.
struct LinearRow {
  const float* first = nullptr;  // in_elements
  const float* second = nullptr; // in_elements
  float weight = 0;              // of `second`
  size_t in_elements = 0;
  float* blend = nullptr; // scratch for in_elements
  size_t channels = 0;
  size_t out_w = 0;
  LinearAxis columns = {};
  float* y = nullptr; // out_w · channels
};

using LinearRowFn = void(const LinearRow& row) noexcept;

} // namespace octet::kernels

// Resizing of images, channels last. The caller turns ONNX's coordinate modes, roundings and scales
// into tables of source positions.
#pragma once

#include "kernels/resize/variants.h"

namespace octet::kernels {

struct ResizeShape {
  size_t batch = 1;
  size_t in_h = 1, in_w = 1;
  size_t out_h = 1, out_w = 1;
  size_t channels = 1;
};

struct ResizeLinear {
  ResizeShape shape = {};
  LinearAxis rows = {};
  LinearAxis columns = {};
  const float* x = nullptr; // dense
  float* y = nullptr;       // dense
};

/// Computes output rows [row_begin, row_end) of batch · out_h. Ranges that do not overlap may run
/// on different threads, each with its own scratch (16-byte aligned).
size_t resize_linear_scratch_bytes(const ResizeShape& shape) noexcept;
void resize_linear_f32(const ResizeLinear& args, size_t row_begin, size_t row_end,
                       void* scratch) noexcept;

struct ResizeNearest {
  ResizeShape shape = {};
  const uint32_t* rows = nullptr;    // source row of each output row
  const uint32_t* columns = nullptr; // source column of each output column
  size_t element_bytes = 4;
  const void* x = nullptr; // dense
  void* y = nullptr;       // dense
};

/// Computes output rows [row_begin, row_end) of batch · out_h.
void resize_nearest(const ResizeNearest& args, size_t row_begin, size_t row_end) noexcept;

} // namespace octet::kernels

// Convolutions of an odd number of channels, as in first layers: pairs of k would pad every tap, so
// windows are copied into contiguous rows, some at a time, and go through kernels/qrows/. There
// the largest of 2x2 pixels may be taken before the output step.
#pragma once

#include "kernels/qconv/qconv.h"

namespace octet::kernels {

/// Whether qconv goes this way, which decides how weights are packed; byte dot products never do.
inline bool gathers(const ConvShape& shape) noexcept {
  return shape.groups == 1 && shape.in_channels % 2 == 1;
}

size_t gathered_scratch_bytes(const ConvShape& shape) noexcept;

/// As qconv.
void qconv_gathered(const QConv& conv, size_t pixel_begin, size_t pixel_end,
                    void* scratch) noexcept;

} // namespace octet::kernels

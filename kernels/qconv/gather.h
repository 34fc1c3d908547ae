// Copies convolution windows into contiguous rows, zeros where they reach into the padding.
#pragma once

#include "kernels/qconv/qconv.h"

namespace octet::kernels {

class WindowGather {
public:
  explicit WindowGather(const QConv& conv) noexcept;

  /// Writes kernel_h · kernel_w · in_channels elements, ordered as [ky][kx][channel].
  void copy(const Window<int16_t>& window, int16_t* to) const noexcept;

private:
  /// Pixels of a kernel row that touch are one run.
  struct Runs {
    size_t rows;   // kernel rows
    size_t count;  // runs in each
    size_t length; // elements
  };

  void copy_runs(const Runs& runs, const int16_t* from, int16_t* to) const noexcept;
  void copy_clipped(const Window<int16_t>& window, int16_t* to) const noexcept;

  const QConv& conv_;
  const WindowPointers<int16_t> pointers_;
  const bool touching_;
  const size_t row_step_;
  const size_t run_step_;
  const size_t to_row_step_;
  const Runs whole_;
};

} // namespace octet::kernels

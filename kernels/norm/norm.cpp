#include "kernels/norm/norm.h"

#include "kernels/dispatch.h"

namespace octet::kernels {

void layer_norm_f32(const RowNorm& args, size_t row_begin, size_t row_end) noexcept {
  kernel_table().layer_norm_f32(args, row_begin, row_end);
}

void rms_norm_f32(const RowNorm& args, size_t row_begin, size_t row_end) noexcept {
  kernel_table().rms_norm_f32(args, row_begin, row_end);
}

} // namespace octet::kernels

#include "kernels/rows_f32/rows_f32.h"

#include "kernels/dispatch.h"

namespace octet::kernels {

void dot_rows_f32(const RowProductF32& args) noexcept {
  kernel_table().dot_rows_f32(args);
}

void sum_rows_f32(const RowProductF32& args) noexcept {
  kernel_table().sum_rows_f32(args);
}

} // namespace octet::kernels

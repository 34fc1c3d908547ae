#include "kernels/softmax/softmax.h"

#include "kernels/dispatch.h"

namespace octet::kernels {

void softmax_f32(const Softmax& args) noexcept {
  kernel_table().softmax_f32(args);
}

void log_softmax_f32(const Softmax& args) noexcept {
  kernel_table().log_softmax_f32(args);
}

void score_softmax_f32(const ScoreSoftmax& args) noexcept {
  kernel_table().score_softmax_f32(args);
}

} // namespace octet::kernels

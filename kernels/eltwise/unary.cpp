#include "kernels/eltwise/unary.h"

#include "kernels/dispatch.h"

namespace octet::kernels {

#define OCTET_UNARY(name)                                                                          \
  void name##_f32(const float* x, float* y, size_t n, const float* params) noexcept {              \
    kernel_table().name##_f32(x, y, n, params);                                                    \
  }
#include "kernels/eltwise/unary_list.inc"
#undef OCTET_UNARY

} // namespace octet::kernels

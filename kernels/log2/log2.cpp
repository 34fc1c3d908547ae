#include "kernels/log2/log2.h"

#include "kernels/dispatch.h"

namespace octet::kernels {

void quantize_log2(const float* x, size_t n, const Log2Levels& levels, int16_t* y) noexcept {
  kernel_table().quantize_log2(x, n, levels, y);
}

} // namespace octet::kernels

#include "kernels/rounding/rounding.h"

#include "kernels/dispatch.h"

namespace octet::kernels {

void round_to_codes(const float* x, size_t n, const CodeGrid& grid, uint8_t* codes,
                    RoundingLoss& loss) noexcept {
  kernel_table().round_to_codes(x, n, grid, codes, loss);
}

} // namespace octet::kernels

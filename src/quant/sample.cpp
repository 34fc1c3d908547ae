#include "quant/sample.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/pieces.h"
#include "kernels/reduce/reduce.h"

namespace octet {

void check_sample(std::string_view name, std::span<const float> values) {
  // What is infinite or not a number leaves no sum finite; a sum of finite values may overflow.
  float sum = 0;
  in_pieces(values.size(), [&, from = values.data()](size_t begin, size_t end) {
    kernels::reduce_f32(kernels::Reduction::sum, {.axis = end - begin}, from + begin, &sum);
  });
  if (std::isfinite(sum)) return;
  const auto is_finite = [](float value) { return std::isfinite(value); };
  if (!std::all_of(values.begin(), values.end(), is_finite))
    fail(ErrorCode::InvalidInput, "value '", name,
         "' becomes infinite or not a number on this sample; look at its inputs, or leave it out");
}

} // namespace octet

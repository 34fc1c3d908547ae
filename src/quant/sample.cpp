#include "quant/sample.h"

#include <cfloat>
#include <cmath>

#include "base/error.h"
#include "base/pieces.h"

namespace octet {

void check_sample(std::string_view name, std::span<const float> values) {
  bool finite = true;
  in_pieces(values.size(), [&, from = values.data()](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) finite &= std::abs(from[i]) <= FLT_MAX;
  });
  if (!finite)
    fail(ErrorCode::InvalidInput, "value '", name,
         "' becomes infinite or not a number on this sample; look at its inputs, or leave it out");
}

} // namespace octet

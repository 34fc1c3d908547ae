#include "quant/sample.h"

#include "base/error.h"
#include "ops/statistics.h"

namespace octet {

void check_sample(std::string_view name, std::span<const float> values) {
  if (!finite_extremes(values)) refuse_sample(name);
}

void refuse_sample(std::string_view name) {
  fail(ErrorCode::InvalidInput, "value '", name,
       "' becomes infinite or not a number on this sample; look at its inputs, or leave it out");
}

} // namespace octet

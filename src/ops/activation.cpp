#include "ops/activation.h"

namespace octet {

FusedActivation fused_activation(const NodeContext& ctx) {
  FusedActivation out;
  const std::string name = ctx.attributes().get_string("activation", "");
  const auto params = ctx.attributes().get_floats("activation_params");
  if (name.empty()) return out;
  if (name == "Relu") {
    out.lo = 0;
  } else if (name == "Clip" && params.size() == 2) {
    out.lo = params[0];
    out.hi = params[1];
  } else {
    out.function = find_activation(name);
    if (!out.function || params.size() > out.params.size())
      ctx.fail("activation '", name, "' is not known");
    std::copy(params.begin(), params.end(), out.params.begin());
    if (name == "LeakyRelu" && params.size() == 2) out.lo = params[1];
  }
  return out;
}

} // namespace octet

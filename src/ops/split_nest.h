// Nested loops split among threads.
#pragma once

#include "kernels/loop_nest.h"
#include "ops/workers.h"

namespace octet {

// Calls run(nest, offsets of its first element) for parts that together are `nest`, which must not
// visit an element of the result twice. `cost` is an element's (see Workers::split).
template <size_t kOperands, class Run>
void split_nest(const Workers& workers, const kernels::LoopNest<kOperands>& nest, size_t cost,
                const Run& run) noexcept {
  using Nest = kernels::LoopNest<kOperands>;
  if (workers.count == 1 || nest.depth() == 0) return run(nest, typename Nest::Offsets{});
  size_t longest = 0, elements = 1;
  for (size_t i = 0; i < nest.depth(); ++i) {
    elements *= nest.axis(i).size;
    if (nest.axis(i).size > nest.axis(longest).size) longest = i;
  }
  const size_t steps = nest.axis(longest).size;
  const size_t grain = longest + 1 == nest.depth() ? kElementGrain : 1;
  workers.split(steps, grain, elements / steps * cost, [&](size_t begin, size_t end, size_t) {
    const auto part = nest.part(longest, begin, end);
    run(part.nest, part.start);
  });
}

} // namespace octet

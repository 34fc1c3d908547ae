// Places buffers of known size and lifetime in one block of memory.
//
// Greedy by size, as in TensorFlow Lite Micro's GreedyMemoryPlanner: the largest buffers are placed
// first, each at the lowest offset where it overlaps no placed buffer that is alive at the same
// time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace octet {

struct ArenaRequest {
  // As the last step: of a result, which is read when all steps are done.
  static constexpr uint32_t kAfterRun = UINT32_MAX;

  size_t bytes = 0;
  uint32_t first_step = 0, last_step = 0; // inclusive
};

struct ArenaLayout {
  std::vector<size_t> offsets; // parallel to the requests, multiples of 64
  size_t bytes = 0;
};

ArenaLayout plan_arena(std::span<const ArenaRequest> requests);

} // namespace octet

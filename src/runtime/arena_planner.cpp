#include "runtime/arena_planner.h"

#include <algorithm>

#include "base/bytes.h"

namespace octet {
namespace {
constexpr size_t kAlignment = 64;

bool alive_together(const ArenaRequest& a, const ArenaRequest& b) {
  return a.first_step <= b.last_step && b.first_step <= a.last_step;
}

size_t padded(size_t bytes) {
  return checked_room(bytes, kAlignment - 1) / kAlignment * kAlignment;
}

// Results exclude one another, so the small ones stand in a row before all others: a graph that
// compares two models has thousands, and to look for room takes as long as there are buffers.
bool is_small_result(const ArenaRequest& request) {
  constexpr size_t kSmall = 4 * kAlignment;
  return request.last_step == ArenaRequest::kAfterRun && request.bytes <= kSmall;
}
} // namespace

ArenaLayout plan_arena(std::span<const ArenaRequest> requests) {
  ArenaLayout layout{.offsets = std::vector<size_t>(requests.size())};
  std::vector<size_t> by_size;
  for (size_t i = 0; i < requests.size(); ++i) {
    if (!is_small_result(requests[i])) {
      by_size.push_back(i);
      continue;
    }
    layout.offsets[i] = layout.bytes;
    layout.bytes += padded(requests[i].bytes);
  }
  const size_t begin = layout.bytes;
  std::sort(by_size.begin(), by_size.end(), [&](size_t a, size_t b) {
    return requests[a].bytes != requests[b].bytes ? requests[a].bytes > requests[b].bytes : a < b;
  });
  std::vector<size_t> placed; // by offset
  for (size_t i : by_size) {
    const size_t bytes = padded(requests[i].bytes);
    size_t offset = begin;
    for (size_t other : placed) {
      if (!alive_together(requests[i], requests[other])) continue;
      if (layout.offsets[other] >= checked_room(offset, bytes)) break;
      const size_t end = layout.offsets[other] + requests[other].bytes;
      offset = std::max(offset, (end + kAlignment - 1) / kAlignment * kAlignment);
    }
    layout.offsets[i] = offset;
    layout.bytes = std::max(layout.bytes, checked_room(offset, bytes));
    placed.insert(
        std::upper_bound(placed.begin(), placed.end(), i,
                         [&](size_t a, size_t b) { return layout.offsets[a] < layout.offsets[b]; }),
        i);
  }
  return layout;
}

} // namespace octet

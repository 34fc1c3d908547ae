#include "runtime/arena_planner.h"

#include <algorithm>
#include <numeric>

#include "base/bytes.h"

namespace octet {
namespace {
constexpr size_t kAlignment = 64;

bool alive_together(const ArenaRequest& a, const ArenaRequest& b) {
  return a.first_step <= b.last_step && b.first_step <= a.last_step;
}
} // namespace

ArenaLayout plan_arena(std::span<const ArenaRequest> requests) {
  std::vector<size_t> by_size(requests.size());
  std::iota(by_size.begin(), by_size.end(), size_t{0});
  std::sort(by_size.begin(), by_size.end(), [&](size_t a, size_t b) {
    return requests[a].bytes != requests[b].bytes ? requests[a].bytes > requests[b].bytes : a < b;
  });
  ArenaLayout layout{.offsets = std::vector<size_t>(requests.size())};
  std::vector<size_t> placed; // by offset
  for (size_t i : by_size) {
    const size_t bytes = checked_room(requests[i].bytes, kAlignment - 1) / kAlignment * kAlignment;
    size_t offset = 0;
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

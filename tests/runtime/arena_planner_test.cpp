#include "runtime/arena_planner.h"

#include <catch2/catch.hpp>
#include <random>

#include "base/error.h"

using namespace octet;

TEST_CASE("buffers that are never alive together share memory") {
  const ArenaRequest requests[] = {{100, 0, 1}, {100, 2, 3}, {100, 1, 2}};
  const ArenaLayout layout = plan_arena(requests);
  CHECK(layout.offsets[0] == layout.offsets[1]);
  CHECK(layout.bytes == 256);
}

TEST_CASE("random plans never overlap in space and time") {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<ArenaRequest> requests(1 + random() % 30);
    size_t total = 0;
    for (ArenaRequest& r : requests) {
      r.bytes = random() % 1000;
      r.first_step = random() % 20;
      r.last_step = random() % 4 == 0 ? ArenaRequest::kAfterRun : r.first_step + random() % 6;
      total += r.bytes + 63;
    }
    const ArenaLayout layout = plan_arena(requests);
    CHECK(layout.bytes <= total + 64 * requests.size());
    for (size_t i = 0; i < requests.size(); ++i) {
      REQUIRE(layout.offsets[i] % 64 == 0);
      REQUIRE(layout.offsets[i] + requests[i].bytes <= layout.bytes);
      for (size_t j = 0; j < i; ++j) {
        const bool together = requests[i].first_step <= requests[j].last_step &&
                              requests[j].first_step <= requests[i].last_step;
        const bool apart = layout.offsets[i] + requests[i].bytes <= layout.offsets[j] ||
                           layout.offsets[j] + requests[j].bytes <= layout.offsets[i];
        REQUIRE((!together || apart || requests[i].bytes == 0 || requests[j].bytes == 0));
      }
    }
  }
}

TEST_CASE("small results stand in a row before all others") {
  constexpr uint32_t kAfterRun = ArenaRequest::kAfterRun;
  const ArenaRequest requests[] = {
      {1000, 0, 1}, {4, 0, kAfterRun}, {300, 1, 2}, {65, 2, kAfterRun}};
  const ArenaLayout layout = plan_arena(requests);
  CHECK(layout.offsets[1] == 0);
  CHECK(layout.offsets[3] == 64);
  CHECK(layout.offsets[0] == 192);
  CHECK(layout.bytes == 192 + 1024 + 320);
}

TEST_CASE("buffers that no memory has room for are more than there is, not a broken model") {
  const std::vector<ArenaRequest> requests = {
      {SIZE_MAX / 2, 0, 1}, {SIZE_MAX / 2, 1, 2}, {99, 1, 1}};
  try {
    plan_arena(requests);
    FAIL("it was planned");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::OutOfMemory);
  }
}

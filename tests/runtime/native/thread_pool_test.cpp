// The pool covers every loop exactly once, whatever its workers do.
#include "runtime/thread_pool.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>
#include <vector>

using namespace octet;

namespace {
// How often a split visits each item, and whether ranges begin where they may.
struct Coverage {
  std::vector<std::atomic<int>> visits;
  std::atomic<bool> aligned{true}, in_range{true};

  Coverage(const Workers& workers, size_t items, size_t grain, size_t cost) : visits(items) {
    workers.split(items, grain, cost, [&](size_t begin, size_t end, size_t worker) {
      if (begin % grain != 0) aligned = false;
      if (worker >= workers.count || end > items) in_range = false;
      for (size_t i = begin; i < end && i < items; ++i) ++visits[i];
    });
  }

  bool is_exact() const {
    for (const auto& count : visits)
      if (count != 1) return false;
    return aligned && in_range;
  }
};
constexpr size_t kWorthIt = size_t{1} << 20;
} // namespace

TEST_CASE("loops are covered exactly once by any number of workers") {
  for (const size_t count : {1, 2, 3, 7}) {
    ThreadPool pool(start_native_thread);
    const Workers workers{&pool, count};
    for (const size_t items : {0, 1, 5, 64, 1001})
      for (const size_t grain : {1, 4, 8})
        for (const size_t cost : {size_t{0}, size_t{1}, kWorthIt})
          for (int again = 0; again < 5; ++again)
            CHECK(Coverage(workers, items, grain, cost).is_exact());
  }
}

TEST_CASE("workers take part, and sleep between loops without being forgotten") {
  ThreadPool pool(start_native_thread);
  const Workers workers{&pool, 2};
  for (int i = 0; i < 3; ++i) {
    std::atomic<bool> helped{false};
    // The caller's ranges wait for the worker's first.
    workers.split(64, 1, kWorthIt, [&](size_t, size_t, size_t worker) {
      if (worker == 1) helped = true;
      while (!helped) std::this_thread::yield();
    });
    CHECK(helped);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

TEST_CASE("what is too little to hand over stays with the caller and starts nobody") {
  std::atomic<int> started{0};
  ThreadPool pool([&](ThreadPool&, size_t) {
    ++started;
    return false;
  });
  const Workers workers{&pool, 4};
  CHECK(Coverage(workers, 1000, 1, 10).is_exact());
  CHECK(started == 0);
  CHECK(Coverage(workers, 1000, 1, kWorthIt).is_exact());
  CHECK(started == 3);
  CHECK(Coverage(workers, 1000, 1, kWorthIt).is_exact());
  CHECK(started == 3); // those that could not be started are not asked for again
}

TEST_CASE("workers that never come cost nothing but speed") {
  ThreadPool pool([](ThreadPool&, size_t) { return false; });
  CHECK(Coverage({&pool, 4}, 1000, 1, kWorthIt).is_exact());
}

TEST_CASE("workers go home when told, and come back") {
  std::atomic<int> started{0};
  ThreadPool pool([&](ThreadPool& p, size_t worker) {
    ++started;
    return start_native_thread(p, worker);
  });
  const Workers workers{&pool, 3};
  CHECK(Coverage(workers, 1000, 1, kWorthIt).is_exact());
  CHECK(started == 2);
  pool.stop();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK(Coverage(workers, 1000, 1, kWorthIt).is_exact());
  CHECK(started == 4);
}

TEST_CASE("a loop within a loop runs where it is") {
  ThreadPool pool(start_native_thread);
  const Workers workers{&pool, 3};
  std::atomic<int> visits{0};
  workers.split(16, 1, kWorthIt, [&](size_t begin, size_t end, size_t) {
    for (size_t i = begin; i < end; ++i)
      workers.split(16, 1, kWorthIt, [&](size_t first, size_t last, size_t) {
        visits += static_cast<int>(last - first);
      });
  });
  CHECK(visits == 256);
}

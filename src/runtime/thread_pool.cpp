#include "runtime/thread_pool.h"

#include <cstdlib>

#ifndef __wasm__
#include <system_error>
#include <thread>
#endif

namespace octet {
namespace {
constexpr uint32_t kOpen = uint32_t{1} << 31;
// A spin takes a cycle or two. The fewest are some 25 microseconds, as long as waking takes; the
// most are longer than the pauses within a network and between two runs of it.
constexpr int kFewestSpins = 100'000, kMostSpins = 1'600'000, kCallerSpins = 200'000;
// What takes less time than waking a thread.
constexpr size_t kCostOfWaking = size_t{1} << 19;

constexpr int64_t kForever = -1, kBrieflyNs = 10'000'000;

#if defined(__wasm_atomics__)
void sleep_while(std::atomic<uint32_t>& word, uint32_t value, int64_t ns) noexcept {
  __builtin_wasm_memory_atomic_wait32(reinterpret_cast<int*>(&word), static_cast<int>(value), ns);
}
void wake_all(std::atomic<uint32_t>& word) noexcept {
  __builtin_wasm_memory_atomic_notify(reinterpret_cast<int*>(&word), ~0u);
}
#elif defined(__wasm__)
// Without shared memory there is nobody to wake.
void sleep_while(std::atomic<uint32_t>&, uint32_t, int64_t) noexcept {}
void wake_all(std::atomic<uint32_t>&) noexcept {}
#else
void sleep_while(std::atomic<uint32_t>& word, uint32_t value, int64_t) noexcept {
  word.wait(value);
}
void wake_all(std::atomic<uint32_t>& word) noexcept {
  word.notify_all();
}
#endif
} // namespace

#ifdef __wasm__
ThreadPool::~ThreadPool() = default;
#else
ThreadPool::~ThreadPool() {
  stop();
  for (const auto& presence : presence_)
    while (presence == Presence::Started) std::this_thread::yield();
}

bool start_native_thread(ThreadPool& pool, size_t worker) {
  try {
    std::thread([&pool, worker] { pool.work(worker); }).detach();
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}
#endif

void ThreadPool::start_missing(size_t workers) noexcept {
  stopping_ = false;
  for (size_t i = 1; i < workers; ++i) {
    if (presence_[i].load(std::memory_order_relaxed) != Presence::Absent) continue;
    presence_[i] = Presence::Started;
    if (!start_(*this, i)) presence_[i] = Presence::Impossible;
  }
}

void ThreadPool::run(const Loop& loop) noexcept {
  const bool wakes = awake_.load(std::memory_order_relaxed) == 0;
  if ((wakes && loop.cost < kCostOfWaking) || busy_.exchange(true))
    return loop.body(loop.context, 0, loop.count, 0);
  job_ = loop;
  job_.workers = std::min(loop.workers, kMaxThreads);
  start_missing(job_.workers);
  next_.store(0, std::memory_order_relaxed);
  gate_.store(kOpen, std::memory_order_release);
  wake();
  take_ranges(0);
  gate_.fetch_and(~kOpen, std::memory_order_acq_rel);
  await_workers();
  busy_ = false;
}

void ThreadPool::wake() noexcept {
  ++epoch_;
  if (sleepers_ != 0) wake_all(epoch_);
}

bool ThreadPool::enter() noexcept {
  uint32_t gate = gate_.load(std::memory_order_relaxed);
  while (gate & kOpen)
    if (gate_.compare_exchange_weak(gate, gate + 1, std::memory_order_acquire)) return true;
  return false;
}

void ThreadPool::leave() noexcept {
  const bool is_last = gate_.fetch_sub(1) == 1;
  if (is_last && caller_sleeps_) wake_all(gate_);
}

void ThreadPool::take_ranges(size_t worker) noexcept {
  if (worker >= job_.workers) return;
  for (;;) {
    const size_t begin = next_.fetch_add(job_.step, std::memory_order_relaxed);
    if (begin >= job_.count) return;
    job_.body(job_.context, begin, std::min(begin + job_.step, job_.count), worker);
  }
}

void ThreadPool::await_workers() noexcept {
  int spins = kCallerSpins;
  while (const uint32_t inside = gate_.load(std::memory_order_acquire)) {
    if (failure_.load(std::memory_order_relaxed) != 0) std::abort();
    if (!caller_may_sleep_ || --spins > 0) continue;
    caller_sleeps_ = true;
    sleep_while(gate_, inside, kBrieflyNs);
    caller_sleeps_ = false;
  }
}

// Whether a job came before it had to sleep.
bool ThreadPool::await_job(uint32_t seen, int spins) noexcept {
  while (--spins > 0)
    if (epoch_.load(std::memory_order_relaxed) != seen) return true;
  --awake_;
  ++sleepers_;
  sleep_while(epoch_, seen, kForever);
  --sleepers_;
  ++awake_;
  return false;
}

void ThreadPool::work(size_t worker) noexcept {
  ++awake_;
  int spins = kMostSpins;
  for (;;) {
    const uint32_t seen = epoch_;
    if (stopping_) break;
    if (enter()) {
      take_ranges(worker);
      leave();
    }
    spins = await_job(seen, spins) ? std::min(2 * spins, kMostSpins)
                                   : std::max(spins / 2, kFewestSpins);
  }
  --awake_;
  presence_[worker] = Presence::Absent;
}

void ThreadPool::stop() noexcept {
  stopping_ = true;
  wake();
}

} // namespace octet

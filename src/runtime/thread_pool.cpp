#include "runtime/thread_pool.h"

#include <cstdlib>

#ifndef __wasm__
#include <system_error>
#include <thread>
#endif

namespace octet {
namespace {
constexpr uint32_t kOpen = uint32_t{1} << 31;
// Some tenths of a millisecond: longer than the steps between two loops of a network.
constexpr int kSpins = 100'000;

#if defined(__wasm_atomics__)
void sleep_while(std::atomic<uint32_t>& word, uint32_t value) noexcept {
  __builtin_wasm_memory_atomic_wait32(reinterpret_cast<int*>(&word), static_cast<int>(value), -1);
}
void wake_all(std::atomic<uint32_t>& word) noexcept {
  __builtin_wasm_memory_atomic_notify(reinterpret_cast<int*>(&word), ~0u);
}
#elif defined(__wasm__)
// Without shared memory there is nobody to wake.
void sleep_while(std::atomic<uint32_t>&, uint32_t) noexcept {}
void wake_all(std::atomic<uint32_t>&) noexcept {}
#else
void sleep_while(std::atomic<uint32_t>& word, uint32_t value) noexcept {
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

void ThreadPool::run(size_t count, size_t step, size_t workers, Body body,
                     const void* context) noexcept {
  if (busy_.exchange(true)) return body(context, 0, count, 0);
  workers = std::min(workers, kMaxThreads);
  start_missing(workers);
  job_ = {.count = count, .step = step, .workers = workers, .body = body, .context = context};
  next_.store(0, std::memory_order_relaxed);
  gate_.store(kOpen, std::memory_order_release);
  wake();
  take_ranges(0);
  gate_.fetch_and(~kOpen, std::memory_order_acq_rel);
  while (gate_.load(std::memory_order_acquire) != 0)
    if (failure_.load(std::memory_order_relaxed) != 0) std::abort();
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

void ThreadPool::take_ranges(size_t worker) noexcept {
  if (worker >= job_.workers) return;
  for (;;) {
    const size_t begin = next_.fetch_add(job_.step, std::memory_order_relaxed);
    if (begin >= job_.count) return;
    job_.body(job_.context, begin, std::min(begin + job_.step, job_.count), worker);
  }
}

void ThreadPool::await_job(uint32_t seen) noexcept {
  for (int i = 0; i < kSpins; ++i)
    if (epoch_.load(std::memory_order_relaxed) != seen) return;
  ++sleepers_;
  sleep_while(epoch_, seen);
  --sleepers_;
}

void ThreadPool::work(size_t worker) noexcept {
  for (;;) {
    const uint32_t seen = epoch_;
    if (stopping_) break;
    if (enter()) {
      take_ranges(worker);
      gate_.fetch_sub(1, std::memory_order_release);
    }
    await_job(seen);
  }
  presence_[worker] = Presence::Absent;
}

void ThreadPool::stop() noexcept {
  stopping_ = true;
  wake();
}

} // namespace octet

// Threads that share the ranges of one loop at a time.
//
// A region is open to whoever comes: the caller posts a loop, takes ranges from a shared counter
// itself, closes the region when none is left, and waits until those that came in have left. A
// worker that starts late, sleeps or never comes costs speed and nothing else. Workers are started
// by the first loop that is worth it.
//
// Whoever waits spins for a moment, then sleeps. Between loops a worker spins the longer, the more
// often that was worth it: where threads outnumber processors, spinning takes time from those that
// are waited for. A small loop wakes nobody.
//
// The pool must outlive its workers: natively the destructor waits for them; in WebAssembly, where
// they can't be waited for, it is never destroyed.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>

#include "ops/workers.h"

namespace octet {

class ThreadPool final : public Threads {
public:
  static constexpr size_t kMaxThreads = Workers::kMaxCount;

  // Makes a thread call `work(worker)`, now or later. False: there will be none.
  using Start = std::function<bool(ThreadPool& pool, size_t worker)>;
  // `caller_sleeps`: whether the threads that call `run` may; the main thread of a page must not.
  explicit ThreadPool(Start start, bool caller_sleeps = true)
      : start_(std::move(start)), caller_may_sleep_(caller_sleeps) {}
  ~ThreadPool() override;
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // From one thread at a time; from within a body, or while another thread's loop runs, the caller
  // does all of it.
  void run(const Loop& loop) noexcept override;

  // What a started thread runs: returns after `stop`.
  void work(size_t worker) noexcept;
  // Sends the workers home. The next loop starts them again.
  void stop() noexcept;
  // Tells that a worker, though promised, will never come.
  void lose(size_t worker) noexcept { presence_[worker] = Presence::Impossible; }

  // A worker sets it to a number other than 0 when it dies within `work`; the caller then aborts
  // instead of waiting forever.
  std::atomic<uint32_t>& failure() { return failure_; }

private:
  void start_missing(size_t workers) noexcept;
  bool enter() noexcept;
  void leave() noexcept;
  void take_ranges(size_t worker) noexcept;
  void await_workers() noexcept;
  bool await_job(uint32_t seen, int spins) noexcept;
  void wake() noexcept;

  Start start_;
  const bool caller_may_sleep_;
  std::atomic<bool> busy_{false}, stopping_{false};
  std::atomic<uint32_t> failure_{0};
  std::atomic<uint32_t> epoch_{0};         // counts jobs; workers sleep on it
  std::atomic<uint32_t> sleepers_{0};      // about to sleep, or asleep
  std::atomic<uint32_t> awake_{0};         // workers that are not
  std::atomic<uint32_t> gate_{0};          // kOpen, plus the number of workers inside
  std::atomic<bool> caller_sleeps_{false}; // on the gate
  std::atomic<size_t> next_{0};            // first item that nobody has taken
  Loop job_{}; // written only while the gate is closed and nobody is inside
  enum class Presence : uint8_t { Absent, Started, Impossible };
  std::array<std::atomic<Presence>, kMaxThreads> presence_{};
};

#ifndef __wasm__
// The way to start native threads.
bool start_native_thread(ThreadPool& pool, size_t worker);
#endif

} // namespace octet

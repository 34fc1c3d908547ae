// Threads of the module with shared memory: workers that instantiate the same module on the same
// memory, each on a stack of its own. The module for one thread has none.
//
// There is one pool, which is never destroyed. JavaScript provides the workers
// (web/src/threads.ts).
#pragma once

#include <emscripten/val.h>

#include "api/threads.h"

namespace octet::bindings {

using emscripten::val;

// From now on sessions are made for `count` threads. JavaScript starts one when the pool calls
// start({worker, pool, stack, entry, failure}): table entry `entry` is to be called with stack,
// pool and worker there; if that traps, 1 is to be stored at the address `failure`. `start` returns
// whether there will be such a thread, and does not throw. `caller_sleeps`: whether this thread may
// wait on an atomic.
void use_threads(size_t count, const val& start, bool caller_sleeps);

// Tells that a worker, though promised, will never come.
void lose_thread(size_t worker);

// Lets a session have the threads; while there is none, workers go home.
class ThreadUse {
public:
  ThreadUse();
  ~ThreadUse();
  ThreadUse(const ThreadUse&) = delete;
  ThreadUse& operator=(const ThreadUse&) = delete;

  static Workers workers();
};

} // namespace octet::bindings

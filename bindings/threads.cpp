#include "bindings/threads.h"

#include <algorithm>
#include <memory>
#include <new>

#ifdef __wasm_atomics__
// Runs on an empty stack: its pointer is set before any compiled function could have used it.
__asm__(R"(
  .globaltype __stack_pointer, i32
  .functype octet_work (i32, i32) -> ()
  .section .text.octet_enter,"",@
  .globl octet_enter
  .type octet_enter,@function
octet_enter:
  .functype octet_enter (i32, i32, i32) -> ()
  local.get 0
  global.set __stack_pointer
  local.get 1
  local.get 2
  call octet_work
  end_function
)");
extern "C" {
void octet_enter(void* stack, octet::ThreadPool* pool, size_t worker);
[[gnu::used]] void octet_work(octet::ThreadPool* pool, size_t worker) {
  pool->work(worker);
}
}
#endif

namespace octet::bindings {
namespace {
size_t thread_count = 1, users = 0;
ThreadPool* pool = nullptr;

#ifdef __wasm_atomics__
constexpr size_t kStackBytes = 256 * 1024, kStackAlignment = 16;
std::array<std::unique_ptr<uint8_t[]>, ThreadPool::kMaxThreads> stacks;

double address_of(const void* pointer) {
  return static_cast<double>(reinterpret_cast<uintptr_t>(pointer));
}

bool start_worker(const val& start, ThreadPool& owner, size_t worker) {
  std::unique_ptr<uint8_t[]>& stack = stacks[worker];
  if (!stack) stack.reset(new (std::nothrow) uint8_t[kStackBytes]);
  if (!stack) return false;
  const uintptr_t end = reinterpret_cast<uintptr_t>(stack.get()) + kStackBytes;
  val task = val::object();
  task.set("worker", static_cast<double>(worker));
  task.set("pool", address_of(&owner));
  task.set("stack", static_cast<double>(end / kStackAlignment * kStackAlignment));
  task.set("entry", address_of(reinterpret_cast<const void*>(&octet_enter)));
  task.set("failure", address_of(&owner.failure()));
  return start(task).as<bool>();
}
#else
bool start_worker(const val&, ThreadPool&, size_t) {
  return false;
}
#endif
} // namespace

void use_threads(size_t count, const val& start, bool caller_sleeps) {
  thread_count = std::clamp(count, size_t{1}, ThreadPool::kMaxThreads);
  pool = new ThreadPool(
      [start](ThreadPool& owner, size_t worker) { return start_worker(start, owner, worker); },
      caller_sleeps);
}

void lose_thread(size_t worker) {
  pool->lose(worker);
}

ThreadUse::ThreadUse() {
  ++users;
}
ThreadUse::~ThreadUse() {
  if (--users == 0 && pool) pool->stop();
}
Workers ThreadUse::workers() {
  return {pool, pool ? thread_count : 1};
}

} // namespace octet::bindings

// What AddressSanitizer can tell a test; without it nothing is counted and nothing forbidden.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OCTET_HAS_ADDRESS_SANITIZER 1
#endif
#endif

#ifdef OCTET_HAS_ADDRESS_SANITIZER
#include <sanitizer/allocator_interface.h>
#include <sanitizer/asan_interface.h>

#include <algorithm>
#endif

namespace octet::test {

#ifdef OCTET_HAS_ADDRESS_SANITIZER

// How many bytes were allocated at once at most.
class AllocationPeak {
public:
  AllocationPeak() {
    static const int installed = __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
    static_cast<void>(installed);
    now_ = peak_ = 0;
  }
  // Since construction, beside what was there then. One at a time.
  size_t bytes() const { return static_cast<size_t>(peak_); }

private:
  static void on_malloc(const volatile void*, size_t size) {
    now_ += static_cast<ptrdiff_t>(size);
    peak_ = std::max(peak_, now_);
  }
  static void on_free(const volatile void* p) {
    now_ -= static_cast<ptrdiff_t>(__sanitizer_get_allocated_size(p));
  }
  static inline ptrdiff_t now_ = 0, peak_ = 0;
};

inline void forbid_access(const uint8_t* begin, size_t size) {
  __asan_poison_memory_region(begin, size);
}
inline void allow_access(const uint8_t* begin, size_t size) {
  __asan_unpoison_memory_region(begin, size);
}

#else

class AllocationPeak {
public:
  size_t bytes() const { return 0; }
};

inline void forbid_access(const uint8_t*, size_t) {}
inline void allow_access(const uint8_t*, size_t) {}

#endif

} // namespace octet::test

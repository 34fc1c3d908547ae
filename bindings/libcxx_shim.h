#pragma once
// Included before every source of the WebAssembly builds: what C++20 has and the libc++ of older
// Emscriptens lacks. Newer ones define the feature macros, and then this file is empty.
#include <version>

#ifndef __cpp_lib_bit_cast
namespace std {
template <class To, class From>
constexpr To bit_cast(const From& from) noexcept {
  return __builtin_bit_cast(To, from);
}
} // namespace std
#endif

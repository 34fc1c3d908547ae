// Long loops in pieces, for the sake of WebAssembly engines.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>

namespace octet {

constexpr size_t kPiece = 4096;

// Calls body(begin, end) for consecutive pieces of [0, count): of kPiece each, and what is left.
// Engines make code quickly at first and well later, and a function changes over when it is called
// again: a single loop over everything would run in slow code to its end. The body is a
// std::function because tools inline functions that have one caller, whatever their attributes say.
inline void in_pieces(size_t count, const std::function<void(size_t, size_t)>& body) {
  for (size_t begin = 0; begin < count; begin += kPiece)
    body(begin, std::min(count, begin + kPiece));
}

} // namespace octet

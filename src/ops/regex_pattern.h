// The parts that a regular expression is made of (ops/regex.h).
#pragma once

#include "ops/regex.h"

namespace octet {

inline constexpr int kUnbounded = -1;

// A part of a pattern.
struct Piece {
  enum class Kind : uint8_t { Set, Assert, Sequence, Choice, Repeat } kind;
  uint32_t value = 0;      // Set: its index; Assert: which
  int least = 0, most = 0; // Repeat
  std::vector<Piece> parts = {};
};

// The parts of a pattern, whose sets of codes go to `sets`. Throws as Regex does.
Piece parse_pattern(std::string_view pattern, std::vector<Regex::CodeSet>& sets);

// Whether a code is of a word, for Perl's \w and boundaries: of ASCII alone.
inline bool is_word(uint32_t code) {
  return (code >= '0' && code <= '9') || (code >= 'A' && code <= 'Z') || code == '_' ||
         (code >= 'a' && code <= 'z');
}

} // namespace octet

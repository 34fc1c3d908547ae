// Regular expressions in RE2's syntax (https://github.com/google/re2/wiki/Syntax), matched in time
// linear in text and pattern: all states of the automaton advance together (Thompson 1968).
//
// Known are literals and escapes, `.`, classes with ranges, Perl's and POSIX's names, alternatives,
// groups (which capture nothing), the flags i, m and s, repetitions of up to 1000, anchors and word
// boundaries. Unicode properties (\p) are refused.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace octet {

class Regex {
public:
  // Throws InvalidModel for what is not a pattern, UnsupportedOperator for what is one but not
  // known here.
  explicit Regex(std::string_view pattern);

  // Whether all of the text matches.
  bool matches(std::string_view text) const;

  struct CodeSet {
    std::vector<std::pair<uint32_t, uint32_t>> ranges;
    bool is_negated = false, ignores_case = false;
    bool has(uint32_t code) const;
  };
  enum class Assertion : uint8_t { TextBegin, TextEnd, LineBegin, LineEnd, Boundary, NoBoundary };
  struct Instruction {
    enum class Kind : uint8_t { Set, Assert, Split, Jump, Match } kind;
    uint32_t a = 0, b = 0; // Set: its index; Assert: which; Split: both targets; Jump: the target
  };

private:
  std::vector<CodeSet> sets_;
  std::vector<Instruction> program_;
};

} // namespace octet

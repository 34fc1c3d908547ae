#include "ops/regex.h"

#include <algorithm>
#include <cwctype>

#include "base/error.h"
#include "base/utf8.h"
#include "ops/regex_pattern.h"

namespace octet {
namespace {
using Assertion = Regex::Assertion;
using Instruction = Regex::Instruction;

constexpr size_t kMaxProgram = size_t{1} << 16;

class Compiler {
public:
  explicit Compiler(std::vector<Instruction>& program) : program_(program) {}

  void emit(const Piece& piece) {
    if (++steps_ > kMaxProgram) too_large(); // of parts that need no instructions, too
    switch (piece.kind) {
    case Piece::Kind::Set:
      add({Instruction::Kind::Set, piece.value});
      return;
    case Piece::Kind::Assert:
      add({Instruction::Kind::Assert, piece.value});
      return;
    case Piece::Kind::Sequence:
      for (const Piece& part : piece.parts) emit(part);
      return;
    case Piece::Kind::Choice:
      return emit_choice(piece.parts);
    case Piece::Kind::Repeat:
      return emit_repeat(piece);
    }
  }
  void finish() { add({Instruction::Kind::Match}); }

private:
  [[noreturn]] static void too_large() {
    fail(ErrorCode::UnsupportedOperator, "a pattern with too many repetitions");
  }
  uint32_t here() const { return static_cast<uint32_t>(program_.size()); }
  uint32_t add(Instruction instruction) {
    if (program_.size() >= kMaxProgram) too_large();
    program_.push_back(instruction);
    return here() - 1;
  }

  void emit_choice(const std::vector<Piece>& parts) {
    std::vector<uint32_t> jumps;
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
      const uint32_t split = add({Instruction::Kind::Split, here() + 1});
      emit(parts[i]);
      jumps.push_back(add({Instruction::Kind::Jump}));
      program_[split].b = here();
    }
    emit(parts.back());
    for (const uint32_t jump : jumps) program_[jump].a = here();
  }

  void emit_repeat(const Piece& piece) {
    const Piece& part = piece.parts[0];
    for (int i = 0; i < piece.least; ++i) emit(part);
    if (piece.most == kUnbounded) {
      const uint32_t split = add({Instruction::Kind::Split, here() + 1});
      emit(part);
      add({Instruction::Kind::Jump, split});
      program_[split].b = here();
      return;
    }
    std::vector<uint32_t> splits;
    for (int i = piece.least; i < piece.most; ++i) {
      splits.push_back(add({Instruction::Kind::Split, here() + 1}));
      emit(part);
    }
    for (const uint32_t split : splits) program_[split].b = here();
  }

  std::vector<Instruction>& program_;
  size_t steps_ = 0;
};

constexpr uint32_t kNoCode = ~uint32_t{0}; // beside the text

bool holds(Assertion assertion, uint32_t before, uint32_t after) {
  const bool at_boundary =
      (before != kNoCode && is_word(before)) != (after != kNoCode && is_word(after));
  switch (assertion) {
  case Assertion::TextBegin:
    return before == kNoCode;
  case Assertion::TextEnd:
    return after == kNoCode;
  case Assertion::LineBegin:
    return before == kNoCode || before == '\n';
  case Assertion::LineEnd:
    return after == kNoCode || after == '\n';
  case Assertion::Boundary:
    return at_boundary;
  case Assertion::NoBoundary:
    return !at_boundary;
  }
  return false;
}

// The states that a text so far leads to.
struct States {
  std::vector<uint32_t> list;
  std::vector<bool> seen;

  explicit States(size_t count) : seen(count) {}
  void clear() {
    list.clear();
    seen.assign(seen.size(), false);
  }
  // Adds a state and what it reaches without reading, between two codes.
  void add(const std::vector<Instruction>& program, uint32_t first, uint32_t before,
           uint32_t after) {
    std::vector<uint32_t> open{first};
    while (!open.empty()) {
      const uint32_t state = open.back();
      open.pop_back();
      if (seen[state]) continue;
      seen[state] = true;
      const Instruction& i = program[state];
      if (i.kind == Instruction::Kind::Split)
        open.insert(open.end(), {i.b, i.a});
      else if (i.kind == Instruction::Kind::Jump)
        open.push_back(i.a);
      else if (i.kind != Instruction::Kind::Assert)
        list.push_back(state);
      else if (holds(static_cast<Assertion>(i.a), before, after))
        open.push_back(state + 1);
    }
  }
};
} // namespace

bool Regex::CodeSet::has(uint32_t code) const {
  const auto contains = [&](uint32_t c) {
    return std::any_of(ranges.begin(), ranges.end(),
                       [&](const auto& r) { return r.first <= c && c <= r.second; });
  };
  const bool found =
      contains(code) ||
      (ignores_case && (contains(std::towlower(code)) || contains(std::towupper(code))));
  return found != is_negated;
}

Regex::Regex(std::string_view pattern) {
  const Piece piece = parse_pattern(pattern, sets_);
  Compiler compiler(program_);
  compiler.emit(piece);
  compiler.finish();
}

bool Regex::matches(std::string_view text) const {
  States now(program_.size()), then(program_.size());
  size_t at = 0;
  uint32_t before = kNoCode;
  const auto read = [&] { return at < text.size() ? next_code_point(text, at) : kNoCode; };
  uint32_t code = read();
  now.add(program_, 0, before, code);
  while (code != kNoCode && !now.list.empty()) {
    const uint32_t after = read();
    then.clear();
    for (const uint32_t state : now.list)
      if (const Instruction& i = program_[state];
          i.kind == Instruction::Kind::Set && sets_[i.a].has(code))
        then.add(program_, state + 1, code, after);
    std::swap(now, then);
    before = code;
    code = after;
  }
  return code == kNoCode && std::any_of(now.list.begin(), now.list.end(), [&](uint32_t state) {
           return program_[state].kind == Instruction::Kind::Match;
         });
}

} // namespace octet

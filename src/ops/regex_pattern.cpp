#include "ops/regex_pattern.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/utf8.h"

namespace octet {
namespace {
using CodeSet = Regex::CodeSet;
using Assertion = Regex::Assertion;
using Ranges = std::vector<std::pair<uint32_t, uint32_t>>;

constexpr int kMaxRepeat = 1000, kMaxDepth = 200;
constexpr uint32_t kLastCode = 0x10FFFF;

struct NamedClass {
  std::string_view name;
  Ranges ranges;
};

const Ranges kDigits{{'0', '9'}};
const Ranges kSpaces{{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}};
const Ranges kWords{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};

Ranges posix_class(std::string_view name) {
  const NamedClass classes[] = {
      {"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
      {"alpha", {{'A', 'Z'}, {'a', 'z'}}},
      {"ascii", {{0, 0x7F}}},
      {"blank", {{'\t', '\t'}, {' ', ' '}}},
      {"cntrl", {{0, 0x1F}, {0x7F, 0x7F}}},
      {"digit", kDigits},
      {"graph", {{'!', '~'}}},
      {"lower", {{'a', 'z'}}},
      {"print", {{' ', '~'}}},
      {"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
      {"space", {{'\t', '\r'}, {' ', ' '}}},
      {"upper", {{'A', 'Z'}}},
      {"word", kWords},
      {"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
  };
  for (const NamedClass& c : classes)
    if (c.name == name) return c.ranges;
  return {};
}

Ranges complement(Ranges ranges) {
  std::sort(ranges.begin(), ranges.end());
  Ranges out;
  uint32_t next = 0;
  for (const auto& [first, last] : ranges) {
    if (first > next) out.push_back({next, first - 1});
    next = std::max(next, last + 1);
  }
  if (next <= kLastCode) out.push_back({next, kLastCode});
  return out;
}

class Parser {
public:
  Parser(std::string_view pattern, std::vector<CodeSet>& sets) : text_(pattern), sets_(sets) {}

  Piece parse() {
    Piece out = choice(0);
    if (!at_end()) refuse("a ')' without its '('");
    return out;
  }

private:
  struct Flags {
    bool ignores_case = false, multi_line = false, dot_all = false;
  };

  [[noreturn]] void refuse(std::string_view what) const {
    fail(ErrorCode::InvalidModel, "the pattern '", text_, "' has ", what, " before byte ", at_);
  }
  [[noreturn]] void unknown(std::string_view what) const {
    fail(ErrorCode::UnsupportedOperator, "the pattern '", text_, "' has ", what,
         ", which is not supported");
  }
  bool at_end() const { return at_ == text_.size(); }
  bool starts(std::string_view prefix) const { return text_.substr(at_).starts_with(prefix); }
  bool take(std::string_view prefix) {
    if (!starts(prefix)) return false;
    at_ += prefix.size();
    return true;
  }
  uint32_t next(std::string_view missing) {
    if (at_end()) refuse(missing);
    return next_code_point(text_, at_);
  }

  Piece choice(int depth) {
    if (depth > kMaxDepth) unknown("groups nested too deep");
    const Flags outer = flags_;
    Piece out{.kind = Piece::Kind::Choice};
    do out.parts.push_back(sequence(depth));
    while (take("|"));
    flags_ = outer;
    return out.parts.size() == 1 ? std::move(out.parts[0]) : out;
  }

  Piece sequence(int depth) {
    Piece out{.kind = Piece::Kind::Sequence};
    while (!at_end() && !starts("|") && !starts(")")) {
      if (take("\\Q")) {
        quoted(out);
        continue;
      }
      const size_t before = out.parts.size();
      atom(out, depth);
      if (out.parts.size() > before) repeat(out.parts.back());
    }
    return out;
  }

  void quoted(Piece& out) {
    while (!at_end() && !take("\\E")) out.parts.push_back(literal(next("")));
  }

  void repeat(Piece& piece) {
    int least = 0, most = kUnbounded;
    if (take("+"))
      least = 1;
    else if (take("?"))
      most = 1;
    else if (!take("*") && !counts(least, most))
      return;
    take("?"); // lazy or not, the same texts match
    Piece inner = std::move(piece);
    piece = {.kind = Piece::Kind::Repeat, .least = least, .most = most};
    piece.parts.push_back(std::move(inner));
    if (starts("*") || starts("+") || starts("?") || counts(least, most))
      refuse("a repetition of a repetition");
  }

  // {n}, {n,} or {n,m}; braces of another form are literal.
  bool counts(int& least, int& most) {
    const size_t begin = at_;
    const auto number = [&]() -> int {
      int value = kUnbounded;
      for (; !at_end() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_)
        value =
            std::min((value == kUnbounded ? 0 : value) * 10 + (text_[at_] - '0'), kMaxRepeat + 1);
      return value;
    };
    if (take("{")) {
      least = number();
      most = least;
      if (take(",")) most = number();
      if (least != kUnbounded && take("}")) {
        if (least > kMaxRepeat || most > kMaxRepeat || (most != kUnbounded && most < least))
          refuse("a repetition out of range");
        return true;
      }
    }
    at_ = begin;
    return false;
  }

  void atom(Piece& out, int depth) {
    if (take("(")) return group(out, depth);
    if (take("[")) return out.parts.push_back(bracket());
    if (take(".")) {
      CodeSet any{.is_negated = true};
      if (!flags_.dot_all) any.ranges.push_back({'\n', '\n'});
      return out.parts.push_back(set(std::move(any)));
    }
    if (take("^"))
      return assertion(out, flags_.multi_line ? Assertion::LineBegin : Assertion::TextBegin);
    if (take("$"))
      return assertion(out, flags_.multi_line ? Assertion::LineEnd : Assertion::TextEnd);
    if (take("\\A")) return assertion(out, Assertion::TextBegin);
    if (take("\\z")) return assertion(out, Assertion::TextEnd);
    if (take("\\b")) return assertion(out, Assertion::Boundary);
    if (take("\\B")) return assertion(out, Assertion::NoBoundary);
    if (starts("*") || starts("+") || starts("?")) refuse("nothing to repeat");
    if (starts("\\")) {
      CodeSet escaped;
      add_escape(escaped);
      return out.parts.push_back(set(std::move(escaped)));
    }
    out.parts.push_back(literal(next("")));
  }

  void assertion(Piece& out, Assertion which) {
    out.parts.push_back({.kind = Piece::Kind::Assert, .value = static_cast<uint32_t>(which)});
  }

  void group(Piece& out, int depth) {
    const Flags outer = flags_;
    if (take("?P<") || take("?<")) {
      const size_t end = text_.find('>', at_);
      if (end == std::string_view::npos) refuse("a name without an end");
      at_ = end + 1;
    } else if (take("?")) {
      if (set_flags()) return; // for the rest of the enclosing group
    }
    out.parts.push_back(choice(depth + 1));
    flags_ = outer;
    if (!take(")")) refuse("a '(' without its ')'");
  }

  // Flags up to ':' (then a group follows) or ')'; true for the latter.
  bool set_flags() {
    bool value = true;
    while (true) {
      const uint32_t flag = next("a group without an end");
      if (flag == ':') return false;
      if (flag == ')') return true;
      if (flag == '-')
        value = false;
      else if (flag == 'i')
        flags_.ignores_case = value;
      else if (flag == 'm')
        flags_.multi_line = value;
      else if (flag == 's')
        flags_.dot_all = value;
      else if (flag != 'U')
        refuse("an unknown kind of group");
    }
  }

  Piece set(CodeSet&& set) {
    set.ignores_case = flags_.ignores_case;
    sets_.push_back(std::move(set));
    return {.kind = Piece::Kind::Set, .value = static_cast<uint32_t>(sets_.size() - 1)};
  }
  Piece literal(uint32_t code) { return set({.ranges = {{code, code}}}); }

  static void add(CodeSet& to, const Ranges& ranges) {
    to.ranges.insert(to.ranges.end(), ranges.begin(), ranges.end());
  }

  // What a backslash begins; returns the code when it stands for a single one.
  std::optional<uint32_t> add_escape(CodeSet& to) {
    take("\\");
    const uint32_t c = next("a lone backslash");
    const auto named = [&](const Ranges& ranges, bool is_negated) {
      add(to, is_negated ? complement(ranges) : ranges);
      return std::nullopt;
    };
    switch (c) {
    case 'd':
    case 'D':
      return named(kDigits, c == 'D');
    case 's':
    case 'S':
      return named(kSpaces, c == 'S');
    case 'w':
    case 'W':
      return named(kWords, c == 'W');
    case 'p':
    case 'P':
      unknown("a Unicode property");
    default:
      break;
    }
    const uint32_t code = escaped_code(c);
    to.ranges.push_back({code, code});
    return code;
  }

  uint32_t escaped_code(uint32_t c) {
    constexpr std::string_view kNames = "afnrtv", kCodes = "\a\f\n\r\t\v";
    if (c < 0x80)
      if (const size_t i = kNames.find(static_cast<char>(c)); i != std::string_view::npos)
        return static_cast<uint32_t>(kCodes[i]);
    if (c == 'x') return hexadecimal();
    if (c >= '0' && c <= '7') {
      uint32_t code = c - '0';
      for (int i = 0; i < 2 && !at_end() && text_[at_] >= '0' && text_[at_] <= '7'; ++i)
        code = code * 8 + static_cast<uint32_t>(text_[at_++] - '0');
      if (c != '0' && code < 8) unknown("a back reference");
      return code;
    }
    if (is_word(c)) refuse("an unknown escape");
    return c;
  }

  uint32_t hexadecimal() {
    const bool braced = take("{");
    uint32_t code = 0;
    for (int i = 0; braced || i < 2; ++i) {
      if (braced && take("}")) break;
      const uint32_t c = next("an incomplete escape");
      const uint32_t digit = c >= '0' && c <= '9'   ? c - '0'
                             : c >= 'a' && c <= 'f' ? c - 'a' + 10
                             : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                    : 16;
      if (digit == 16) refuse("an escape without digits");
      code = code * 16 + digit;
      if (code > kLastCode) refuse("a code that is none");
    }
    return code;
  }

  Piece bracket() {
    CodeSet out;
    out.is_negated = take("^");
    for (bool first = true; first || !starts("]"); first = false) {
      if (take("[:")) {
        named_class(out);
        continue;
      }
      const auto low = bracket_code(out);
      if (!low || !starts("-") || starts("-]")) continue;
      take("-");
      const auto high = bracket_code(out);
      if (!high || *high < *low) refuse("a range the wrong way round");
      out.ranges.push_back({*low, *high});
    }
    take("]");
    return set(std::move(out));
  }

  std::optional<uint32_t> bracket_code(CodeSet& out) {
    if (starts("\\")) return add_escape(out);
    const uint32_t code = next("a '[' without its ']'");
    out.ranges.push_back({code, code});
    return code;
  }

  void named_class(CodeSet& out) {
    const bool is_negated = take("^");
    const size_t end = text_.find(":]", at_);
    const Ranges ranges =
        end == std::string_view::npos ? Ranges() : posix_class(text_.substr(at_, end - at_));
    if (ranges.empty()) refuse("an unknown class");
    add(out, is_negated ? complement(ranges) : ranges);
    at_ = end + 2;
  }

  std::string_view text_;
  size_t at_ = 0;
  Flags flags_;
  std::vector<CodeSet>& sets_;
};
} // namespace

Piece parse_pattern(std::string_view pattern, std::vector<CodeSet>& sets) {
  return Parser(pattern, sets).parse();
}

} // namespace octet

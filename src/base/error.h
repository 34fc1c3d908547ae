// The one exception type of Octet.
//
// Every failure that a caller can cause (a broken file, a wrong feed, an option out of range) is an
// Error with a code that programs act on and a message that names the node, tensor or option and
// what was expected. It is thrown with `fail` and caught once, at the bindings or a native entry
// point.
#pragma once

#include <cstdint>
#include <exception>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace octet {

enum class ErrorCode : uint8_t {
  InvalidModel,
  UnsupportedOperator,
  InvalidInput,
  OutOfMemory,
  Aborted,
  InvalidOption,
  Internal,
};

// The name of a code in the public API, e.g. "invalid-model".
std::string_view error_code_name(ErrorCode code);

class Error : public std::exception {
public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}
  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }
  const char* what() const noexcept override { return message_.c_str(); }

private:
  ErrorCode code_;
  std::string message_;
};

// One piece of a message: text or a number. Sites that build messages only list their pieces, so
// that they stay small in the compiled module.
class TextPart {
public:
  TextPart(std::string_view text) : kind_(Kind::Text), text_(text) {}
  TextPart(const char* text) : TextPart(std::string_view(text)) {}
  TextPart(const std::string& text) : TextPart(std::string_view(text)) {}
  template <class T>
    requires std::is_arithmetic_v<T>
  TextPart(T value) : kind_(kind_of<T>), text_() {
    if constexpr (std::is_floating_point_v<T>)
      real_ = value;
    else
      bits_ = static_cast<uint64_t>(value);
  }

  void append_to(std::string& out) const;

private:
  enum class Kind : uint8_t { Text, Signed, Unsigned, Real };
  template <class T>
  static constexpr Kind kind_of = std::is_floating_point_v<T> ? Kind::Real
                                  : std::is_signed_v<T>       ? Kind::Signed
                                                              : Kind::Unsigned;
  Kind kind_;
  union {
    std::string_view text_;
    uint64_t bits_; // of a signed number too
    double real_;
  };
};

std::string concat_parts(std::initializer_list<TextPart> parts);

// Joins strings and numbers into one string.
template <class... Parts>
std::string concat(const Parts&... parts) {
  return concat_parts({TextPart(parts)...});
}

[[noreturn]] void throw_error(ErrorCode code, std::initializer_list<TextPart> parts);

// Throws Error{code, parts joined}.
template <class... Parts>
[[noreturn]] void fail(ErrorCode code, const Parts&... parts) {
  throw_error(code, {TextPart(parts)...});
}

} // namespace octet

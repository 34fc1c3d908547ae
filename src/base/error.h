// The one exception type of Octet.
//
// Every failure that a caller can cause (a broken file, a wrong feed, an option out of range) is an
// Error with a code that programs act on and a message that names the node, tensor or option and
// what was expected. It is thrown with `fail` and caught once, at the bindings or a native entry
// point.
#pragma once

#include <cstdint>
#include <exception>
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

namespace detail {
inline void append(std::string& out, std::string_view part) {
  out += part;
}
inline void append(std::string& out, const char* part) {
  out += part;
}
inline void append(std::string& out, const std::string& part) {
  out += part;
}
void append_number(std::string& out, int64_t value);
void append_number(std::string& out, uint64_t value);
void append_number(std::string& out, double value);
template <class T>
  requires std::is_arithmetic_v<T>
void append(std::string& out, T value) {
  if constexpr (std::is_floating_point_v<T>)
    append_number(out, static_cast<double>(value));
  else if constexpr (std::is_signed_v<T>)
    append_number(out, static_cast<int64_t>(value));
  else
    append_number(out, static_cast<uint64_t>(value));
}
} // namespace detail

// Joins strings and numbers into one string.
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::string out;
  (detail::append(out, parts), ...);
  return out;
}

[[noreturn]] void throw_error(ErrorCode code, std::string message);

// Throws Error{code, parts joined}.
template <class... Parts>
[[noreturn]] void fail(ErrorCode code, const Parts&... parts) {
  throw_error(code, concat(parts...));
}

} // namespace octet

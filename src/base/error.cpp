#include "base/error.h"

#include <cstdio>

namespace octet {

std::string_view error_code_name(ErrorCode code) {
  switch (code) {
  case ErrorCode::InvalidModel:
    return "invalid-model";
  case ErrorCode::UnsupportedOperator:
    return "unsupported-operator";
  case ErrorCode::InvalidInput:
    return "invalid-input";
  case ErrorCode::OutOfMemory:
    return "out-of-memory";
  case ErrorCode::Aborted:
    return "aborted";
  case ErrorCode::InvalidOption:
    return "invalid-option";
  case ErrorCode::Internal:
    return "internal";
  }
  return "internal";
}

namespace detail {
void append_number(std::string& out, int64_t value) {
  out += std::to_string(value);
}
void append_number(std::string& out, uint64_t value) {
  out += std::to_string(value);
}
void append_number(std::string& out, double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  out += text;
}
} // namespace detail

void throw_error(ErrorCode code, std::string message) {
  throw Error(code, std::move(message));
}

} // namespace octet

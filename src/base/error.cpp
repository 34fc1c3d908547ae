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

void TextPart::append_to(std::string& out) const {
  char number[32];
  switch (kind_) {
  case Kind::Text:
    out += text_;
    return;
  case Kind::Signed:
    out += std::to_string(static_cast<int64_t>(bits_));
    return;
  case Kind::Unsigned:
    out += std::to_string(bits_);
    return;
  case Kind::Real:
    std::snprintf(number, sizeof number, "%.9g", real_);
    out += number;
    return;
  }
}

std::string concat_parts(std::initializer_list<TextPart> parts) {
  std::string out;
  for (const TextPart& part : parts) part.append_to(out);
  return out;
}

void throw_error(ErrorCode code, std::initializer_list<TextPart> parts) {
  throw Error(code, concat_parts(parts));
}

} // namespace octet

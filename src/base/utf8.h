// Code points of UTF-8 text. What is not UTF-8 reads as U+FFFD, one byte at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace octet {

inline constexpr uint32_t kReplacementCharacter = 0xFFFD;

// Reads the code point at `at`, which is in the text, and moves behind it.
inline uint32_t next_code_point(std::string_view text, size_t& at) {
  const auto lead = static_cast<uint8_t>(text[at++]);
  if (lead < 0x80) return lead;
  const size_t more = lead >= 0xF0 && lead < 0xF5   ? 3
                      : lead >= 0xE0 && lead < 0xF0 ? 2
                      : lead >= 0xC2 && lead < 0xE0 ? 1
                                                    : 0;
  if (more == 0 || text.size() - at < more) return kReplacementCharacter;
  uint32_t code = lead & (0x3Fu >> more);
  for (size_t i = 0; i < more; ++i) {
    const auto byte = static_cast<uint8_t>(text[at + i]);
    if ((byte & 0xC0) != 0x80) return kReplacementCharacter;
    code = code << 6 | (byte & 0x3F);
  }
  at += more;
  return code;
}

inline void append_code_point(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
    return;
  }
  const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  constexpr uint8_t kLeads[] = {0, 0xC0, 0xE0, 0xF0};
  out.push_back(static_cast<char>(kLeads[more] | code >> (6 * more)));
  for (int i = more; i-- > 0;) out.push_back(static_cast<char>(0x80 | (code >> (6 * i) & 0x3F)));
}

} // namespace octet

// Reading models from bytes and files in tests.
#pragma once

#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "formats/format_list.h"

namespace octet::test {

inline SharedBytes shared(std::string_view bytes) {
  Buffer buffer(bytes.size());
  if (!bytes.empty()) std::memcpy(buffer.data(), bytes.data(), bytes.size());
  return SharedBytes(std::move(buffer));
}

inline std::unique_ptr<Graph> read(std::string_view bytes, const ExternalFiles& external = {}) {
  return read_model(shared(bytes), external);
}

// The message of the error that reading ends in; empty when there is none.
inline std::string error_of(std::string_view bytes, const ExternalFiles& external = {}) {
  try {
    read(bytes, external);
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

inline std::string text_of(const Buffer& buffer) {
  return std::string(reinterpret_cast<const char*>(buffer.data()), buffer.size());
}

// Empty when there is no such file.
inline std::string file_bytes(const std::string& path) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  std::string out;
  if (!file) return out;
  char chunk[4096];
  while (const size_t count = std::fread(chunk, 1, sizeof chunk, file.get()))
    out.append(chunk, count);
  return out;
}

} // namespace octet::test

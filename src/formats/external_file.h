// Files beside the model that hold tensors of it.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>

#include "base/buffer.h"

namespace octet {

struct ExternalFile {
  std::string location; // relative to the model, as the model names it
  SharedBytes bytes;
};

// Those that came with the model, and where to ask for others.
struct ExternalFiles {
  using Find = std::function<std::optional<SharedBytes>(const std::string& location)>;

  ExternalFiles() = default;
  ExternalFiles(std::span<const ExternalFile> files) : given(files) {}

  std::span<const ExternalFile> given;
  // Asked for every tensor in a file that was not given; nothing when there is no such file. The
  // location does not leave the model's folder.
  Find find = {};
};

} // namespace octet

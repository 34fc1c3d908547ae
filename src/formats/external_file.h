// A file beside the model that holds tensors of it.
#pragma once

#include <string>

#include "base/buffer.h"

namespace octet {

struct ExternalFile {
  std::string location; // relative to the model, as the model names it
  SharedBytes bytes;
};

} // namespace octet

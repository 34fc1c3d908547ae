// The file formats that Octet reads and writes, and how a file's format is told.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "formats/external_file.h"
#include "graph/graph.h"

namespace octet {

struct Format {
  std::string_view name;
  bool (*detect)(Bytes head); // the file's first bytes
  std::unique_ptr<Graph> (*read)(SharedBytes file, const ExternalFiles& external);
  Buffer (*write)(const Graph& graph);
};

std::span<const Format> formats();

// Detects the format, reads and validates. `file` is shared, not copied: the graph's initializers
// point into it, or, when it is outside of the heap, are outside as well. Throws InvalidModel with
// what was found instead of a model.
std::unique_ptr<Graph> read_model(SharedBytes file, const ExternalFiles& external = {});

} // namespace octet

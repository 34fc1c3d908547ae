// Opening model files: what the bindings and native tools call first.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "formats/onnx/onnx_reader.h"
#include "graph/graph.h"
#include "runtime/session.h"

namespace octet {

// Detects the format, reads, validates. `file` is shared, not copied: the graph's initializers
// point into it. Throws InvalidModel with what was found instead of a model.
std::unique_ptr<Graph> open_model(SharedBytes file, std::span<const ExternalFile> external = {});

// What `inspect` tells about a model, as JSON (the public type ModelSummary in web/src/inspect.ts):
// inputs, outputs, opsets, producer, operators with counts, parameters, MACs (free dimensions taken
// as `free_dimensions` says, else 1), bytes, quantization already present, operators Octet can't
// run.
std::string inspect_json(const Graph& graph, size_t file_bytes,
                         std::span<const std::pair<std::string, int64_t>> free_dimensions);

} // namespace octet

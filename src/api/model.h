// Opening, inspecting and writing model files: what the bindings and native tools call first.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/buffer.h"
#include "formats/external_file.h"
#include "graph/graph.h"

namespace octet {

// Detects the format, reads, validates. `file` is shared, not copied: the graph's initializers
// point into it. Throws InvalidModel with what was found instead of a model.
std::unique_ptr<Graph> open_model(SharedBytes file, const ExternalFiles& external = {});

// Whether an operator works on codes, or makes or reads them.
bool is_quantized_op(std::string_view op_type);

// What `inspect` tells about a model, as JSON (the public type ModelSummary): inputs, outputs,
// opsets, producer, nodes and operators with counts, parameters, multiply-adds (with free
// dimensions as given, else 1), bytes, quantization already present, operators Octet can't run.
std::string inspect_json(const Graph& graph, size_t file_bytes,
                         std::span<const std::pair<std::string, int64_t>> free_dimensions);

// The public form of a value's type: {"name", "type", "shape": [2, "batch", null]}; shape is null
// when the rank is not known, a dimension is its symbol or null when it is open.
class JsonWriter;
void write_port(JsonWriter& json, const std::string& name, const TensorType& type);

} // namespace octet

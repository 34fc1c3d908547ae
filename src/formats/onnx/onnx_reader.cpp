#include "formats/onnx/onnx_reader.h"

#include <algorithm>
#include <optional>

#include "base/limits.h"
#include "formats/onnx/onnx_schema.h"
#include "formats/onnx/outline.h"
#include "formats/onnx/read_graph.h"

namespace octet {
namespace onnx {
namespace {
using wire::MessageReader;

// Operator set imports came with IR version 3; before it there was one version.
constexpr int64_t kFirstIrWithOpsets = 3;

// Reads everything but the graph, which it returns: its nodes need what may come after it.
MessageReader read_envelope(MessageReader message, ModelContext& context) {
  std::optional<MessageReader> graph;
  context.info.ir_version = 0;
  while (message.next()) {
    switch (message.field()) {
    case model::kIrVersion:
      context.info.ir_version = message.integer();
      break;
    case model::kGraph:
      if (graph) fail(ErrorCode::InvalidModel, "it has two graphs");
      graph = message.message();
      break;
    case model::kOpsetImport:
      add_opset(read_opset(message.message()), context.info.opsets);
      break;
    case model::kFunctions:
      context.functions.add(message.message());
      break;
    default:
      context.info.extra += message.raw();
    }
  }
  if (context.info.ir_version < 1) fail(ErrorCode::InvalidModel, "it has no IR version");
  if (!graph) fail(ErrorCode::InvalidModel, "it has no graph");
  if (context.info.ir_version < kFirstIrWithOpsets && context.info.opsets.empty())
    context.info.opsets.push_back({.domain = "", .version = 1});
  return *graph;
}

// Domains that only functions import are the model's once the functions are expanded.
void import_opsets_of_functions(ModelContext& context) {
  for (const auto& [key, function] : context.functions)
    for (const OpsetImport& import : function.opsets)
      if (context.info.opset(import.domain) == 0) add_opset(import, context.info.opsets);
}
} // namespace

OpsetImport read_opset(MessageReader message) {
  OpsetImport out;
  while (message.next()) {
    switch (message.field()) {
    case opset::kDomain:
      out.domain = canonical_domain(message.text());
      break;
    case opset::kVersion:
      out.version = message.integer();
      break;
    default:
      message.skip();
    }
  }
  if (out.version < 1)
    fail(ErrorCode::InvalidModel, "operator set '", out.domain, "' has version ", out.version);
  return out;
}

void add_opset(OpsetImport import, std::vector<OpsetImport>& opsets) {
  if (opsets.size() == limits::kMaxOpsets)
    fail(ErrorCode::InvalidModel, "it imports more than ", limits::kMaxOpsets, " operator sets");
  opsets.push_back(std::move(import));
}
} // namespace onnx

namespace {
std::unique_ptr<Graph> read(const onnx::ModelFiles& files) {
  onnx::ModelContext context{.files = files};
  auto graph = std::make_unique<Graph>();
  try {
    const wire::MessageReader message =
        onnx::read_envelope(wire::MessageReader(files.model.bytes()), context);
    onnx::import_opsets_of_functions(context);
    onnx::GraphReader::read(message, context, *graph);
  } catch (const Error& error) {
    fail(error.code(), "not a usable ONNX model: ", error.message());
  }
  graph->model = std::move(context.info);
  return graph;
}
} // namespace

std::unique_ptr<Graph> read_onnx(SharedBytes file, const ExternalFiles& external) {
  if (!file.is_outside()) return read({.model = file, .external = external});
  try {
    return read({.model = onnx::outline_of(file), .external = external, .whole = file});
  } catch (const Error&) {
    // Only the whole file tells where it is broken.
    return read({.model = SharedBytes(file.bytes(), file.hold()), .external = external});
  }
}

bool detect_onnx(Bytes head) {
  // Tags of ModelProto's first fields, some of which are letters: a text has no control characters.
  constexpr std::string_view kFirstTags = "\x08\x12\x1a\x22\x28\x32\x3a\x42";
  const std::string_view start = wire::as_text(head);
  const auto is_control = [](char c) { return c >= 0 && c < '\t'; };
  return !start.empty() && kFirstTags.find(start[0]) != std::string_view::npos &&
         std::any_of(start.begin(), start.end(), is_control);
}

std::string onnx_producer(const ModelInfo& info) {
  std::string name, version;
  wire::MessageReader message(wire::as_bytes(info.extra));
  while (message.next()) {
    switch (message.field()) {
    case onnx::model::kProducerName:
      name = message.text();
      break;
    case onnx::model::kProducerVersion:
      version = message.text();
      break;
    default:
      message.skip();
    }
  }
  return version.empty() ? name : concat(name, " ", version);
}

} // namespace octet

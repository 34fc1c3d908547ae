#include "formats/format_list.h"

#include <algorithm>

#include "formats/onnx/onnx_reader.h"
#include "formats/onnx/onnx_writer.h"
#include "graph/validate.h"

namespace octet {
namespace {
constexpr Format kFormats[] = {
    {"onnx", detect_onnx, read_onnx, write_onnx},
};

// Files that people take for models, by the bytes at an offset.
struct Foreign {
  size_t offset;
  std::string_view magic, what;
};
constexpr Foreign kForeign[] = {
    {0, "PK\x03\x04", "a zip archive (of PyTorch, NumPy or Keras, perhaps)"},
    {0, "\x1f\x8b", "a gzip file; unpack it first"},
    {0, "\x80\x02", "a Python pickle"},
    {0, "\x89HDF", "an HDF5 file (of Keras, perhaps)"},
    {0, "GGUF", "a GGUF file"},
    {0, "version https://git-lfs", "a Git LFS pointer; the model itself was not downloaded"},
    {4, "TFL3", "a TensorFlow Lite model"},
    {4, "ORTM", "a model in the ORT format of onnxruntime"},
    {8, "{\"", "a safetensors file: weights without a network"},
};

// What tells the format.
constexpr size_t kHeadBytes = 256;

// Bytes from 0xf5 on do not occur in UTF-8.
bool is_text(Bytes head) {
  return std::all_of(head.begin(), head.end(), [](uint8_t byte) {
    return (byte >= 0x20 && byte < 0xf5) || byte == '\n' || byte == '\r' || byte == '\t';
  });
}

std::string_view describe_text(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(" \r\n\t"), text.size());
  const std::string_view start = text.substr(begin, 1);
  if (start == "<") return "an HTML or XML page (an error page of a server, perhaps)";
  if (start == "{" || start == "[") return "a JSON text";
  return "a text";
}

std::string_view describe_foreign(Bytes head) {
  if (head.empty()) return "an empty file";
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  for (const Foreign& foreign : kForeign)
    if (text.size() > foreign.offset && text.substr(foreign.offset).starts_with(foreign.magic))
      return foreign.what;
  if (is_text(head)) return describe_text(text);
  return "a file that Octet does not know";
}
} // namespace

std::span<const Format> formats() {
  return kFormats;
}

std::unique_ptr<Graph> read_model(SharedBytes file, const ExternalFiles& external) {
  const SharedBytes head = file.part(0, std::min(file.size(), kHeadBytes));
  for (const Format& format : kFormats) {
    if (!format.detect(head.bytes())) continue;
    std::unique_ptr<Graph> graph = format.read(std::move(file), external);
    validate(*graph);
    return graph;
  }
  fail(ErrorCode::InvalidModel, "not a model: this is ", describe_foreign(head.bytes()));
}

} // namespace octet

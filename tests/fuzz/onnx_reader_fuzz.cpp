// libFuzzer target: any bytes are read as a model, and what could be read is written and read
// again. Run by `./octet fuzz onnx_reader`.
#include <cstdlib>
#include <cstring>

#include "formats/format_list.h"
#include "formats/onnx/onnx_writer.h"

using namespace octet;

namespace {
std::unique_ptr<Graph> read_or_null(Buffer file) {
  try {
    return read_model(SharedBytes(std::move(file)));
  } catch (const Error&) {
    return nullptr;
  }
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Buffer file(size);
  if (size) std::memcpy(file.data(), data, size);
  const std::unique_ptr<Graph> graph = read_or_null(std::move(file));
  if (graph && !read_or_null(write_onnx(*graph))) std::abort(); // what it writes, it must read
  return 0;
}

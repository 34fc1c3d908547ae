// libFuzzer target: any bytes are read as a model, from the heap and from outside of it with the
// same outcome, and what could be read is written and read again. Run by `./octet fuzz
// onnx_reader`.
#include <cstdlib>
#include <cstring>

#include "formats/format_list.h"
#include "formats/onnx/onnx_writer.h"
#include "tests/support/outside_file.h"

using namespace octet;

namespace {
std::unique_ptr<Graph> read_or_null(SharedBytes file) {
  try {
    return read_model(std::move(file));
  } catch (const Error&) {
    return nullptr;
  }
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Buffer file(size);
  if (size) std::memcpy(file.data(), data, size);
  const std::unique_ptr<Graph> graph = read_or_null(SharedBytes(std::move(file)));
  const std::string copy(reinterpret_cast<const char*>(data), size);
  if (!read_or_null(test::outside(copy)) != !graph) std::abort();
  // What it writes, it must read.
  if (graph && !read_or_null(SharedBytes(write_onnx(*graph)))) std::abort();
  return 0;
}

// Files outside of the heap are read as those inside are, without their weights.
#include <catch2/catch.hpp>

#include <numeric>

#include "formats/onnx/onnx_writer.h"
#include "formats/onnx/outline.h"
#include "formats/wire/message_reader.h"
#include "graph/print.h"
#include "tests/formats/onnx_bytes.h"
#include "tests/formats/onnx_files.h"
#include "tests/support/graph_builder.h"
#include "tests/support/outside_file.h"

using namespace octet;
using namespace octet::test;

namespace {
constexpr int64_t kSide = 128;

// y = (x · large) + small, where large is an initializer or the output of a Constant
std::string model_file(bool with_constant_node = false) {
  GraphBuilder b;
  std::vector<float> values(kSide * kSide);
  std::iota(values.begin(), values.end(), 0.0f);
  const Shape shape{kSide, kSide};
  const ValueId large =
      with_constant_node
          ? b.node("Constant", "large", {},
                   {{"value", Tensor::of<float>(shape, std::span<const float>(values))}})
          : b.constant("large", shape, values);
  const ValueId product = b.node("MatMul", "product", {b.input("x", {1, kSide}), large});
  b.output(b.node("Add", "y", {product, b.constant("small", {1}, {0.5f})}));
  return text_of(write_onnx(b.graph));
}

std::string error_of_outside(const std::string& bytes) {
  try {
    read_model(outside(bytes));
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}
} // namespace

TEST_CASE("large weights of a file outside of the heap are read when they are needed") {
  const std::string bytes = model_file(GENERATE(false, true));
  const auto file = std::make_shared<const OutsideFile>(bytes);
  const auto graph = read_model(SharedBytes(file, bytes.size()));
  const size_t weight_bytes = kSide * kSide * sizeof(float);
  CHECK(file->take_bytes_read() < weight_bytes / 2);
  CHECK(print(*graph) == print(*read(bytes)));
  CHECK(file->take_bytes_read() < weight_bytes / 2);

  CHECK(text_of(write_onnx(*graph)) == text_of(write_onnx(*read(bytes))));
  CHECK(file->take_bytes_read() == weight_bytes);
  write_onnx(*graph);
  CHECK(file->take_bytes_read() == weight_bytes);
}

TEST_CASE("bytes from outside stay where they are while they are held") {
  const auto file = std::make_shared<const OutsideFile>("0123456789");
  const SharedBytes whole(file, 10), part = whole.part(3, 4);
  CHECK(file->take_bytes_read() == 0);
  CHECK(wire::as_text(part.bytes()) == "3456");
  CHECK(file->take_bytes_read() == 4);
  const SharedBytes copy = part;
  CHECK(copy.data() == part.data());
  {
    const auto held = copy.hold();
    const uint8_t* const address = part.data();
    part.drop();
    CHECK(part.data() == address);
    CHECK(file->take_bytes_read() == 0);
    part.drop();
    CHECK(wire::as_text({address, 4}) == "3456");
  }
  CHECK(wire::as_text(copy.bytes()) == "3456");
  CHECK(file->take_bytes_read() == 4);
  CHECK(copy.identity() == part.identity());
  CHECK(copy.identity() != whole.part(3, 4).identity());
}

TEST_CASE("a file outside of the heap that is broken is reported as one inside") {
  const std::string whole = model_file();
  for (size_t size = 0; size < whole.size(); size += size < 300 ? 1 : 997) {
    const std::string bytes = whole.substr(0, size);
    INFO(size << " bytes");
    CHECK(error_of_outside(bytes) == error_of(bytes));
  }
  for (size_t at = 0; at < 300; ++at) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x55);
    INFO("byte " << at);
    CHECK(error_of_outside(bytes) == error_of(bytes));
  }
}

TEST_CASE("a model in the heap can't refer to its own file") {
  const std::string entry =
      text(onnx::tensor::kExternalData,
           text(onnx::entry::kKey, "location") + text(onnx::entry::kValue, onnx::kThisFile));
  const std::string tensor =
      tensor_fields("w", DType::Float32, {1}) + entry + number(onnx::tensor::kDataLocation, 1);
  const std::string file = model(initializer(tensor) + output("w"));
  CHECK_THAT(error_of(file), Catch::Contains("not a path below the model's folder"));
}

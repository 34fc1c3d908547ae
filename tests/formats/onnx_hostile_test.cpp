// Damaged files: reading ends in an error or in a graph that can be written, never in a crash, and
// never asks for much more memory than the file has bytes.
#include <catch2/catch.hpp>

#include <random>

#include "formats/onnx/onnx_writer.h"
#include "formats/wire/message_reader.h"
#include "tests/formats/onnx_bytes.h"
#include "tests/formats/onnx_files.h"
#include "tests/formats/sanitizer.h"

using namespace octet;
using namespace octet::test;

namespace {
constexpr const char* kRealModel = OCTET_SOURCE_DIR "/tests/fixtures/mnist_cnn.onnx";

// A little of everything that the reader knows.
std::string rich_model() {
  const std::string weights =
      initializer(tensor_fields("w", DType::UInt8, {2, 2}) + raw_data("abcd")) +
      initializer(tensor_fields("i", DType::Int64, {3}) +
                  text(onnx::tensor::kInt64Data, "\x01\x02\x03")) +
      initializer(tensor_fields("s", DType::String, {1}) + text(onnx::tensor::kStringData, "text"));
  const std::string sparse = text(
      onnx::graph::kSparseInitializer,
      text(onnx::sparse_tensor::kValues, tensor_fields("d", DType::UInt8, {1}) + raw_data("x")) +
          text(onnx::sparse_tensor::kIndices,
               tensor_fields("", DType::Int64, {1}) + text(onnx::tensor::kInt64Data, "\x02")) +
          number(onnx::sparse_tensor::kDims, 4));
  const std::string branch = initializer(tensor_fields("w", DType::UInt8, {1}) + raw_data("z")) +
                             node("Add", {"x", "i"}, {"t"}) + node("Mul", {"t", "w"}, {"u"}) +
                             output("u");
  const std::string attributes =
      int_attribute("n", -1) +
      attribute("f", onnx::AttributeKind::Floats, text(onnx::attribute::kFloats, "12345678")) +
      attribute("l", onnx::AttributeKind::Ints, text(onnx::attribute::kInts, "\x01\x02\x03")) +
      attribute(
          "v", onnx::AttributeKind::Tensor,
          text(onnx::attribute::kTensor, tensor_fields("", DType::Bool, {2}) + raw_data("\1\1")));
  const std::string in_f = text(onnx::node::kDomain, "f");
  const std::string graph =
      input("x") + weights + sparse + node("F", {"x", "i"}, {"y"}, in_f + int_attribute("k", 3)) +
      node("If", {"x"}, {"z"},
           graph_attribute("then_branch", branch) + graph_attribute("else_branch", branch)) +
      node("Op", {"y", "", "z"}, {"o"}, attributes + text(6, "doc")) + output("o");
  const std::string call =
      node_fields("G", {"a"}, {"t"}) + in_f +
      attribute("k", onnx::AttributeKind::Int, text(onnx::attribute::kRefName, "k"));
  const auto function = [](std::string_view name, const std::string& body) {
    return text(onnx::model::kFunctions,
                text(onnx::function::kName, name) + text(onnx::function::kDomain, "f") +
                    text(onnx::function::kInput, "a") + text(onnx::function::kInput, "b") +
                    text(onnx::function::kOutput, "r") + body);
  };
  const std::string f =
      function("F", text(onnx::function::kNode, call) +
                        text(onnx::function::kNode, node_fields("Add", {"t", "b"}, {"r"})));
  const std::string g =
      function("G", text(onnx::function::kNode, node_fields("Relu", {"a"}, {"r"})));
  return model(graph) + opset("f", 1) + f + g + text(2, "maker");
}

// Reads, and writes what could be read. Returns whether it could.
bool survives(SharedBytes file) {
  try {
    write_onnx(*read_model(std::move(file)));
    return true;
  } catch (const Error&) {
    return false;
  }
}

// The file loses one byte after the other at its end, where a sanitizer sees whoever reads beyond.
void check_truncations(const std::string& whole) {
  const SharedBytes file = shared(whole);
  REQUIRE(survives(file));
  // What ends where a field of the model does may be a model as well.
  size_t fields = 0;
  for (wire::MessageReader message(file.bytes()); message.next(); message.skip()) ++fields;
  size_t readable = 0;
  for (size_t size = whole.size(); size-- > 0;) {
    forbid_access(file.data() + size, 1);
    readable += survives(file.slice(file.bytes().first(size)));
  }
  allow_access(file.data(), whole.size());
  CHECK(readable < fields);
}

std::string mutated(const std::string& whole, std::mt19937_64& random) {
  std::string out = whole;
  const auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
  for (size_t i = 1 + below(4); i > 0; --i) {
    const size_t at = below(out.size());
    const size_t length = 1 + below(std::min<size_t>(16, out.size() - at));
    switch (below(6)) {
    default:
      out[at] = static_cast<char>(out[at] ^ (1 << below(8)));
      break;
    case 3:
      out[at] = static_cast<char>(random());
      break;
    case 4:
      out.erase(at, length);
      break;
    case 5:
      out.insert(below(out.size()), out.substr(at, length));
      break;
    }
    if (out.empty()) out = "\x08";
  }
  return out;
}

void check_mutations(const std::string& whole, int count, uint64_t seed) {
  std::mt19937_64 random(seed);
  int readable = 0;
  for (int i = 0; i < count; ++i) {
    const std::string bytes = mutated(whole, random);
    AllocationPeak peak;
    readable += survives(shared(bytes));
    INFO("mutation " << i);
    REQUIRE(peak.bytes() < (size_t{4} << 20) + 100 * bytes.size());
  }
  CHECK(readable > 0);
  CHECK(readable < count);
}
} // namespace

TEST_CASE("truncation at every byte ends in an error") {
  check_truncations(rich_model());
  check_truncations(file_bytes(kRealModel));
}

TEST_CASE("random damage never does harm") {
  check_mutations(rich_model(), 30'000, 1);
  check_mutations(file_bytes(kRealModel), 20'000, 2);
}

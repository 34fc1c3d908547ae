// Model functions that Octet writes and knows again.
#include "formats/onnx/own_functions.h"

#include <catch2/catch.hpp>

#include "formats/onnx/onnx_writer.h"
#include "tests/formats/onnx_files.h"
#include "tests/support/graph_builder.h"

using namespace octet;
using namespace octet::test;

namespace {
// x through Log2Quantize and Log2Dequantize with these levels.
std::string file_with(std::vector<float> levels) {
  GraphBuilder b;
  b.graph.model.opsets.push_back({"ai.octet", 1});
  const auto count = static_cast<int64_t>(levels.size());
  const ValueId x = b.input("x", {3});
  const ValueId table = b.constant("levels", {count}, std::move(levels));
  const ValueId zero = b.graph.add_constant("zero", Tensor::scalar<int8_t>(0));
  const ValueId codes = b.node("Log2Quantize", "codes", {x, zero, table});
  b.output(b.node("Log2Dequantize", "y", {codes, zero, table}));
  for (NodeId id : b.graph.nodes()) b.graph.node(id).domain = "ai.octet";
  return text_of(write_onnx(b.graph));
}

std::string operators_of(const std::string& file) {
  const auto graph = read(file);
  std::string out;
  for (NodeId id : graph->nodes())
    out += (graph->node(id).domain.empty() ? "" : "own ") + graph->node(id).op_type + "\n";
  return out;
}

constexpr std::string_view kCalls = "own Log2Quantize\nown Log2Dequantize\n";
} // namespace

TEST_CASE("functions that Octet writes are operators when it reads them") {
  const std::string file = file_with({0, 1, 2, 4});
  CHECK(operators_of(file) == kCalls);
  CHECK(text_of(write_onnx(*read(file))) == file);
}

TEST_CASE("a function with one changed byte is expanded") {
  std::string file = file_with({0, 1, 2, 4});
  const size_t at = file.find("value_float"); // of the first number in the body of a function
  REQUIRE(at != std::string::npos);
  const size_t number = at + std::string_view("value_float").size() + 1;
  file[number] = static_cast<char>(file[number] ^ 1);
  const std::string operators = operators_of(file);
  CHECK(operators != kCalls);
  CHECK(operators.find("DequantizeLinear\n") != std::string::npos);
}

TEST_CASE("a call whose levels no operator takes is expanded") {
  const std::string operators = operators_of(file_with({0, 1, 3, 9}));
  CHECK(operators.find("own") == std::string::npos);
  CHECK(operators.find("GreaterOrEqual\n") != std::string::npos);
}

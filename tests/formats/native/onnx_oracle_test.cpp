// The reader and writer against the official schema with libprotobuf, and the official checker.
#include <catch2/catch.hpp>

#include <filesystem>

#include <onnx/checker.h>

#include "formats/onnx/onnx_writer.h"
#include "tests/formats/native/official_schema.h"
#include "tests/formats/native/random_model.h"
#include "tests/formats/onnx_files.h"

using namespace octet;
using namespace octet::test;

namespace {
onnx::ModelProto round_trip(const std::string& bytes) {
  return parse_official(text_of(write_onnx(*read(bytes))));
}
} // namespace

TEST_CASE("random models survive the round trip") {
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    const onnx::ModelProto model = RandomModel(seed).make();
    INFO("seed " << seed);
    std::string found;
    try {
      found = difference(model, round_trip(serialize_official(model)));
    } catch (const std::exception& error) {
      found = error.what();
    }
    REQUIRE(found == "");
  }
}

TEST_CASE("the models of the ONNX backend tests survive the round trip") {
  int count = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator("/usr/share/libonnx-testdata/data")) {
    if (entry.path().extension() != ".onnx") continue;
    ++count;
    INFO(entry.path().string());
    const std::string bytes = file_bytes(entry.path());
    const onnx::ModelProto model = parse_official(bytes);
    const onnx::ModelProto again = round_trip(bytes);
    REQUIRE(difference(model, again) == "");
    REQUIRE_NOTHROW(onnx::checker::check_model(again));
  }
  CHECK(count > 1000);
}

TEST_CASE("a graph made by hand is read by libprotobuf as it was meant") {
  Graph graph;
  graph.name = "made";
  graph.model.opsets = {{.domain = "", .version = 17}};
  const ValueId x = graph.add_input(
      "x", {.dtype = DType::Float32, .shape = Shape{kDynamicDim, 2}, .symbols = {"N", ""}});
  const ValueId w = graph.add_constant("w", Tensor::of<float>({2}, {1.5f, -2.5f}));
  const ValueId y = graph.add_value("y", {.dtype = DType::Float32});
  auto body = std::make_shared<Graph>();
  body->name = "body";
  // By the name of its outer value, whatever it is called inside; and "x" is taken outside.
  const ValueId inner = body->add_capture("inner", {});
  const ValueId local = body->add_value("x", {.dtype = DType::Float32});
  body->add_node({.op_type = "Relu", .inputs = {inner}, .outputs = {local}});
  body->add_output(local);
  Node node{.name = "node", .op_type = "If", .inputs = {x, ValueId(), w}, .outputs = {y}};
  node.attributes.set("branch", body);
  node.attributes.set("ints", std::vector<int64_t>{1, -1});
  node.attributes.set("text", std::string("hi"));
  node.captures = {w};
  graph.add_node(std::move(node));
  graph.add_output(y);

  const onnx::ModelProto model = parse_official(text_of(write_onnx(graph)));
  CHECK(model.ir_version() == 8);
  REQUIRE(model.opset_import_size() == 1);
  CHECK(model.opset_import(0).version() == 17);
  const onnx::GraphProto& written = model.graph();
  CHECK(written.name() == "made");
  REQUIRE(written.input_size() == 1);
  CHECK(written.input(0).type().tensor_type().shape().dim(0).dim_param() == "N");
  CHECK(written.input(0).type().tensor_type().shape().dim(1).dim_value() == 2);
  REQUIRE(written.initializer_size() == 1);
  CHECK(written.initializer(0).name() == "w");
  CHECK(written.initializer(0).raw_data() == std::string("\0\0\xc0\x3f\0\0\x20\xc0", 8));
  REQUIRE(written.output_size() == 1);
  CHECK(written.output(0).name() == "y");
  REQUIRE(written.node_size() == 1);
  const onnx::NodeProto& if_node = written.node(0);
  REQUIRE(if_node.input_size() == 3);
  CHECK(if_node.input(0) == "x");
  CHECK(if_node.input(1).empty());
  CHECK(if_node.input(2) == "w");
  REQUIRE(if_node.attribute_size() == 3);
  const onnx::GraphProto& branch = if_node.attribute(0).g();
  CHECK(if_node.attribute(0).type() == onnx::AttributeProto::GRAPH);
  CHECK(branch.node(0).input(0) == "w");
  CHECK(branch.node(0).output(0) == "x__1");
  CHECK(branch.output(0).name() == "x__1");
  CHECK(if_node.attribute(1).ints(1) == -1);
  CHECK(if_node.attribute(2).s() == "hi");
}

// What models are refused for before any pass looks at them.
#include <catch2/catch.hpp>

#include "base/error.h"
#include "ops/check_operators.h"
#include "ops/registry.h"
#include "tests/support/graph_builder.h"

namespace octet {
namespace {
using test::GraphBuilder;

std::string complaint(const Graph& graph) {
  try {
    check_operators(graph);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}
} // namespace

TEST_CASE("nodes without required inputs are named") {
  GraphBuilder b;
  const ValueId x = b.input("x", {2});
  SECTION("too few") {
    b.output(b.node("Mul", "y", {x}));
    CHECK(complaint(b.graph) == "Mul 'y': input 1 is missing");
  }
  SECTION("left out") {
    b.output(b.node("Where", "y", {x, ValueId(), x}));
    CHECK(complaint(b.graph) == "Where 'y': input 1 is missing");
  }
  SECTION("of operators on codes, after zero points that may be left out") {
    const auto complaint_of = [&](const char* op_type, std::vector<ValueId> inputs) {
      b.output(b.node(op_type, "y", std::move(inputs)));
      b.graph.node(b.graph.value(b.graph.outputs()[0]).producer).domain = "com.microsoft";
      return complaint(b.graph);
    };
    const ValueId none;
    SECTION("a scale") {
      CHECK(complaint_of("QLinearAdd", {x, x, none, x, x}) == "QLinearAdd 'y': input 6 is missing");
    }
    SECTION("an operand's scale") {
      CHECK(complaint_of("QLinearAdd", {x, x, none, x, none, none, x}) ==
            "QLinearAdd 'y': input 4 is missing");
    }
    SECTION("nothing") {
      CHECK(complaint_of("QLinearAdd", {x, x, none, x, x, none, x}).empty());
    }
  }
  SECTION("none at all") {
    b.output(b.node("Relu", "y", {}));
    CHECK(complaint(b.graph) == "Relu 'y': input 0 is missing");
  }
  SECTION("optional ones may be missing") {
    b.output(b.node("Clip", "y", {x, ValueId(), x}));
    CHECK(complaint(b.graph).empty());
  }
}

TEST_CASE("nodes without outputs, and operators of the lowered stage, are refused") {
  GraphBuilder b;
  const ValueId x = b.input("x", {2});
  b.output(x);
  Node node{.name = "n", .op_type = "Relu", .inputs = {x}};
  SECTION("no output") {
    b.graph.add_node(node);
    CHECK(complaint(b.graph) == "Relu 'n' has no output");
  }
  SECTION("lowered") {
    node.domain = kLoweredDomain;
    node.op_type = "Lookup";
    node.outputs = {b.graph.add_value("y")};
    b.graph.add_node(node);
    CHECK(complaint(b.graph) == "node 'n': operator octet.Lookup is not supported");
  }
}

TEST_CASE("subgraphs are checked as well") {
  GraphBuilder b;
  const ValueId condition = b.input("condition", {}, DType::Bool);
  auto branch = std::make_shared<Graph>();
  const ValueId out = branch->add_value("inner", {.dtype = DType::Float32});
  branch->add_node({.name = "inner", .op_type = "Add", .outputs = {out}});
  branch->add_output(out);
  b.output(b.node("If", "y", {condition}, {{"then_branch", branch}, {"else_branch", branch}}));
  CHECK(complaint(b.graph) == "Add 'inner': input 0 is missing");
}

} // namespace octet

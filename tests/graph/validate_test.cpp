// validate() on graphs that no reader would build.
#include <catch2/catch.hpp>

#include "base/error.h"
#include "base/limits.h"
#include "graph/edit.h"
#include "graph/validate.h"

using namespace octet;
using Catch::Matchers::Contains;

namespace {
std::string error_of(Graph& graph) {
  try {
    validate(graph);
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

// x → Relu → y
struct Small {
  Graph graph;
  ValueId x = graph.add_input("x", {.dtype = DType::Float32, .shape = Shape{2}});
  ValueId y = graph.add_value("y");
  NodeId relu = graph.add_node({.name = "relu", .op_type = "Relu", .inputs = {x}, .outputs = {y}});
  Small() { graph.add_output(y); }
};
} // namespace

TEST_CASE("a sound graph is left alone") {
  Small small;
  CHECK(error_of(small.graph).empty());
  CHECK(small.graph.nodes() == std::vector<NodeId>{small.relu});
}

TEST_CASE("a value has one source") {
  Small small;
  SECTION("two nodes") {
    small.graph.add_node(
        {.name = "abs", .op_type = "Abs", .inputs = {small.x}, .outputs = {small.y}});
    CHECK_THAT(error_of(small.graph), Contains("'relu'") || Contains("'abs'"));
  }
  SECTION("an input with a tensor") {
    small.graph.value(small.x).constant = Tensor::scalar(1.0f);
    CHECK_THAT(error_of(small.graph), Contains("'x'") && Contains("two sources"));
  }
  SECTION("none") {
    const ValueId z = small.graph.add_value("z");
    SECTION("for a node") {
      small.graph.add_node({.name = "abs", .op_type = "Abs", .inputs = {z}, .outputs = {}});
      CHECK_THAT(error_of(small.graph), Contains("'abs'") && Contains("'z'"));
    }
    SECTION("for an output") {
      small.graph.add_output(z);
      CHECK_THAT(error_of(small.graph), Contains("'z'"));
    }
  }
}

TEST_CASE("names are unique") {
  Small small;
  small.graph.value(small.y).name = "x";
  CHECK_THAT(error_of(small.graph), Contains("'x'"));
  small.graph.value(small.y).name = "";
  CHECK_THAT(error_of(small.graph), Contains("no name"));
}

TEST_CASE("types must be possible") {
  Small small;
  TensorType& type = small.graph.value(small.x).type;
  SECTION("rank") {
    type.shape = Shape(std::vector<int64_t>(limits::kMaxRank + 1, 1));
  }
  SECTION("dim") {
    type.shape = Shape{-2};
  }
  SECTION("symbols") {
    type.symbols = {"a", "b"};
  }
  SECTION("scales") {
    type.quant = QuantParams{.scales = {1, 2}, .zero_points = {0, 0}};
  }
  SECTION("zero points") {
    type.quant = QuantParams{.scales = {1}, .zero_points = {}};
  }
  SECTION("axis") {
    type.quant = QuantParams{.scales = {1, 2}, .zero_points = {0, 0}, .axis = 1};
  }
  SECTION("slices") {
    type.quant = QuantParams{.scales = {1, 2, 3}, .zero_points = {0, 0, 0}, .axis = 0};
  }
  CHECK_THAT(error_of(small.graph), Contains("'x'"));
}

TEST_CASE("an initializer has the type of its tensor") {
  Small small;
  const ValueId w = small.graph.add_constant("w", Tensor::scalar(1.0f));
  small.graph.value(w).type.dtype = DType::Int8;
  CHECK_THAT(error_of(small.graph), Contains("'w'"));
}

TEST_CASE("order is restored, as near to the given one as possible") {
  Graph graph;
  const ValueId x = graph.add_input("x", {});
  const ValueId a = graph.add_value("a"), b = graph.add_value("b"), c = graph.add_value("c"),
                d = graph.add_value("d");
  const NodeId makes_d = graph.add_node({.op_type = "D", .inputs = {c, a}, .outputs = {d}});
  const NodeId makes_b = graph.add_node({.op_type = "B", .inputs = {x}, .outputs = {b}});
  const NodeId makes_c = graph.add_node({.op_type = "C", .inputs = {b}, .outputs = {c}});
  const NodeId makes_a = graph.add_node({.op_type = "A", .inputs = {x}, .outputs = {a}});
  graph.add_output(d);
  CHECK(error_of(graph).empty());
  CHECK(graph.nodes() == std::vector<NodeId>{makes_b, makes_c, makes_a, makes_d});
}

TEST_CASE("a cycle is named by a node in it") {
  Graph graph;
  const ValueId a = graph.add_value("a"), b = graph.add_value("b"), c = graph.add_value("c");
  graph.add_node({.name = "after", .op_type = "Op", .inputs = {b}, .outputs = {c}});
  graph.add_node({.name = "one", .op_type = "Op", .inputs = {b}, .outputs = {a}});
  graph.add_node({.name = "two", .op_type = "Op", .inputs = {a}, .outputs = {b}});
  graph.add_output(c);
  CHECK_THAT(error_of(graph), Contains("cycle") && (Contains("'one'") || Contains("'two'")));
}

TEST_CASE("subgraphs have the captures of their node") {
  Small small;
  auto body = std::make_shared<Graph>();
  Node node{.name = "if", .op_type = "If", .inputs = {small.x}};
  node.attributes.set("then_branch", body);
  node.captures = {small.y};
  small.graph.add_node(std::move(node));
  CHECK_THAT(error_of(small.graph), Contains("'if'") && Contains("captures"));
  body->add_capture("y", {});
  CHECK(error_of(small.graph).empty());
  const ValueId z = body->add_value("z");
  body->add_output(z);
  CHECK_THAT(error_of(small.graph), Contains("'z'"));
}

TEST_CASE("uses must have been counted") {
  Small small;
  ++small.graph.value(small.x).uses;
  CHECK_THAT(error_of(small.graph), Contains("'x'") && Contains("uses"));
}

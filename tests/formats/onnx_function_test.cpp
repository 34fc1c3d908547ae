// Model functions, expanded while a model is read.
#include <catch2/catch.hpp>

#include "base/limits.h"
#include "graph/print.h"
#include "tests/formats/onnx_bytes.h"
#include "tests/formats/onnx_files.h"

using namespace octet;
using namespace octet::test;
using Catch::Matchers::Contains;

namespace {
std::string function(std::string_view name, Names inputs, Names outputs, const std::string& more) {
  std::string fields = text(onnx::function::kName, name) + text(onnx::function::kDomain, "f") +
                       text(onnx::function::kOpsetImport, number(onnx::opset::kVersion, 17));
  for (std::string_view input : inputs) fields += text(onnx::function::kInput, input);
  for (std::string_view output : outputs) fields += text(onnx::function::kOutput, output);
  return text(onnx::model::kFunctions, fields + more);
}

std::string body_node(std::string_view op_type, Names inputs, Names outputs,
                      const std::string& more = "") {
  return text(onnx::function::kNode, node_fields(op_type, inputs, outputs) + more);
}

const std::string kInF = text(onnx::node::kDomain, "f");

// Every call is named c.
std::string call(std::string_view function, Names inputs, Names outputs,
                 const std::string& more = "") {
  return node(function, inputs, outputs, kInF + text(onnx::node::kName, "c") + more);
}

std::string reference(std::string_view name, std::string_view to,
                      onnx::AttributeKind kind = onnx::AttributeKind::Int) {
  return attribute(name, kind, text(onnx::attribute::kRefName, to));
}

std::string with(const std::string& functions, const std::string& graph) {
  return model(graph) + opset("f", 1) + functions;
}

const std::string kCallF = input("x") + call("F", {"x"}, {"y"}) + output("y");
} // namespace

TEST_CASE("a call becomes the nodes of the function") {
  const std::string f = function(
      "Twice", {"a"}, {"b"}, body_node("Relu", {"a"}, {"t"}) + body_node("Add", {"t", "t"}, {"b"}));
  const auto graph = read(with(f, input("x") + call("Twice", {"x"}, {"y"}) +
                                      call("Twice", {"y"}, {"z"}) + output("z")));
  CHECK(print(*graph) == R"(input x float32
output z float32
c/t = Relu(x)
y = Add(c/t, c/t)
c/t__1 = Relu(y)
z = Add(c/t__1, c/t__1)
)");
}

TEST_CASE("names of a function are apart from those of the graph") {
  const std::string f = function(
      "F", {"y"}, {"x"}, body_node("Relu", {"y"}, {"c/t"}) + body_node("Abs", {"c/t"}, {"x"}));
  const auto graph = read(with(f, input("x") + node("Neg", {"x"}, {"c/c/t"}) +
                                      call("F", {"c/c/t"}, {"y"}) + output("y")));
  CHECK(print(*graph) == R"(input x float32
output y float32
c/c/t = Neg(x)
c/c/t__1 = Relu(c/c/t)
y = Abs(c/c/t__1)
)");
  const std::string sees_outer = function("F", {"a"}, {"b"}, body_node("Add", {"a", "x"}, {"b"}));
  CHECK_THAT(error_of(with(sees_outer, kCallF)), Contains("'x'") && Contains("nothing produces"));
}

TEST_CASE("functions call functions") {
  const std::string functions =
      function("Inner", {"a"}, {"b"},
               body_node("Relu", {"a"}, {"t"}) + body_node("Abs", {"t"}, {"b"})) +
      function("F", {"a"}, {"b"},
               body_node("Inner", {"a"}, {"t"}, kInF + text(onnx::node::kName, "first")) +
                   body_node("Inner", {"t"}, {"b"}, kInF));
  CHECK(print(*read(with(functions, kCallF))) == R"(input x float32
output y float32
c/first/t = Relu(x)
c/t = Abs(c/first/t)
c/Inner/t = Relu(c/t)
y = Abs(c/Inner/t)
)");
}

TEST_CASE("operands may be left out of a call") {
  const std::string f =
      function("F", {"a", "low"}, {"b", "n"},
               body_node("Clip", {"a", "low"}, {"b"}) + body_node("Neg", {"b"}, {"n"}));
  const auto graph = read(with(f, input("x") + call("F", {"x"}, {"", "y"}) + output("y")));
  CHECK(print(*graph) == R"(input x float32
output y float32
c/b = Clip(x, _)
y = Neg(c/b)
)");
  CHECK_THAT(error_of(with(f, input("x") + call("F", {"x", "x", "x"}, {"y"}) + output("y"))),
             Contains("2 inputs"));
}

TEST_CASE("results that no node of the body produces are copied") {
  const std::string f = function("F", {"a"}, {"a", "b", "b"}, body_node("Neg", {"a"}, {"b"}));
  const auto graph = read(with(f, input("x") + call("F", {"x"}, {"p", "q", "r"}) + output("p") +
                                      output("q") + output("r")));
  CHECK(print(*graph) == R"(input x float32
output p float32
output q float32
output r float32
q = Neg(x)
p = Identity(x)
r = Identity(q)
)");
  const std::string missing = function("F", {"a"}, {"b"}, body_node("Neg", {"a"}, {"c"}));
  CHECK_THAT(error_of(with(missing, kCallF)), Contains("'F'") && Contains("'b'"));
}

TEST_CASE("attributes of a call reach the body") {
  const std::string body =
      body_node("Op", {"a"}, {"b"}, reference("axis", "dim") + reference("keep", "unset"));
  const std::string plain = function("F", {"a"}, {"b"}, body);
  const std::string with_default =
      function("F", {"a"}, {"b"},
               body + text(onnx::function::kDefaultAttribute,
                           text(onnx::attribute::kName, "dim") + number(onnx::attribute::kInt, 4)));
  const auto printed = [](const std::string& functions, const std::string& attributes) {
    return print(
        *read(with(functions, input("x") + call("F", {"x"}, {"y"}, attributes) + output("y"))));
  };
  CHECK_THAT(printed(plain, int_attribute("dim", 2)), Contains("Op(x) {axis=2}"));
  CHECK_THAT(printed(plain, ""), Contains("Op(x)\n"));
  CHECK_THAT(printed(with_default, ""), Contains("Op(x) {axis=4}"));
  CHECK_THAT(printed(with_default, int_attribute("dim", 2)), Contains("Op(x) {axis=2}"));

  // Through a second function, and into a subgraph.
  const std::string branch =
      node("F", {"a"}, {"t"}, kInF + reference("dim", "depth")) + output("t");
  const std::string outer = function(
      "G", {"a"}, {"b"}, body_node("If", {"a"}, {"b"}, graph_attribute("then_branch", branch)));
  const auto graph = read(
      with(plain + outer,
           input("x") + node("G", {"x"}, {"y"}, kInF + int_attribute("depth", 9)) + output("y")));
  CHECK(print(*graph) == R"(input x float32
output y float32
y = If(x) {then_branch=graph}
  graph
    capture x = x
    output t float32
    t = Op(x) {axis=9}
)");
}

TEST_CASE("overloads are different functions") {
  const std::string functions =
      function("F", {"a"}, {"b"}, body_node("Slow", {"a"}, {"b"})) +
      function("F", {"a"}, {"b"},
               body_node("Fast", {"a"}, {"b"}) + text(onnx::function::kOverload, "fast"));
  const std::string fast = text(onnx::node::kOverload, "fast");
  CHECK_THAT(
      print(*read(with(functions, input("x") + call("F", {"x"}, {"y"}, fast) + output("y")))),
      Contains("y = Fast(x)"));
  CHECK_THAT(print(*read(with(functions, kCallF))), Contains("y = Slow(x)"));
  CHECK_THAT(error_of(with(functions + functions, kCallF)), Contains("'F'") && Contains("twice"));
}

TEST_CASE("functions that never end are refused") {
  const std::string self = function("F", {"a"}, {"b"}, body_node("F", {"a"}, {"b"}, kInF));
  CHECK_THAT(error_of(with(self, kCallF)), Contains("calls itself"));
  const std::string mutual = function("F", {"a"}, {"b"}, body_node("G", {"a"}, {"b"}, kInF)) +
                             function("G", {"a"}, {"b"}, body_node("F", {"a"}, {"b"}, kInF));
  CHECK_THAT(error_of(with(mutual, kCallF)), Contains("calls itself"));
}

TEST_CASE("functions that grow too large are refused") {
  // Each of nine levels calls the next ten times.
  std::string tower = function("F9", {"a"}, {"b"}, body_node("Relu", {"a"}, {"b"}));
  for (int level = 8; level >= 0; --level) {
    std::string body;
    for (int i = 0; i < 10; ++i)
      body += body_node(concat("F", level + 1), {i > 0 ? concat("t", i) : "a"},
                        {i < 9 ? concat("t", i + 1) : "b"}, kInF);
    tower += function(concat("F", level), {"a"}, {"b"}, body);
  }
  CHECK_THAT(error_of(with(tower, input("x") + call("F0", {"x"}, {"y"}) + output("y"))),
             Contains("too large") || Contains("nodes"));

  // A long attribute is handed on to many nodes.
  std::string body = body_node("Op", {"a"}, {"b"});
  for (int i = 0; i < 3000; ++i)
    body +=
        body_node("Op", {"a"}, {concat("t", i)}, reference("l", "l", onnx::AttributeKind::Ints));
  const std::string ints = attribute("l", onnx::AttributeKind::Ints,
                                     text(onnx::attribute::kInts, std::string(100'000, '\1')));
  CHECK_THAT(error_of(with(function("F", {"a"}, {"b"}, body),
                           input("x") + call("F", {"x"}, {"y"}, ints) + output("y"))),
             Contains("too large"));
}

TEST_CASE("a function must mean the same under the model's operator sets") {
  const std::string f = function("F", {"a"}, {"b"}, body_node("Relu", {"a"}, {"b"}));
  CHECK_THAT(error_of(ir_version(8) + opset("", 13) + opset("f", 1) + model_graph(kCallF) + f),
             Contains("F") && Contains("version 17") && Contains("version 13"));
}

// What the ONNX reader makes of graphs, valid and not. That it agrees with the official schema is
// tested in native/.
#include <catch2/catch.hpp>

#include "base/limits.h"
#include "formats/onnx/onnx_reader.h"
#include "formats/onnx/onnx_writer.h"
#include "graph/print.h"
#include "tests/formats/onnx_bytes.h"
#include "tests/formats/onnx_files.h"

using namespace octet;
using namespace octet::test;
using Catch::Matchers::Contains;

namespace {
const std::string kRelu = input("x") + node("Relu", {"x"}, {"y"}) + output("y");
const std::string kWeight = tensor_fields("w", DType::UInt8, {1}) + raw_data("a");

std::string read_back(const Graph& graph) {
  return print(*read(text_of(write_onnx(graph))));
}
} // namespace

TEST_CASE("files that are not models are told apart") {
  CHECK_THAT(error_of(""), Contains("empty file"));
  CHECK_THAT(error_of("hello world\n"), Contains("a text"));
  CHECK_THAT(error_of("Before anything else"), Contains("a text"));
  CHECK_THAT(error_of("  <!DOCTYPE html><html>404</html>"), Contains("HTML"));
  CHECK_THAT(error_of("{\"error\": 1}"), Contains("JSON"));
  CHECK_THAT(error_of("version https://git-lfs.github.com/spec/v1\noid"), Contains("Git LFS"));
  CHECK_THAT(error_of(std::string_view("PK\x03\x04\x14\0\0\0", 8)), Contains("zip"));
  CHECK_THAT(error_of(std::string_view("\x1c\0\0\0TFL3\0\0", 10)), Contains("TensorFlow Lite"));
  CHECK_THAT(error_of("\xff\xff\xff\xff"), Contains("does not know"));
}

TEST_CASE("a truncated file says where it breaks off") {
  const std::string whole = model(kRelu);
  CHECK(error_of(whole).empty());
  CHECK_THAT(error_of(whole.substr(0, whole.size() - 3)),
             Contains("truncated") && Contains("at byte 8"));
}

TEST_CASE("a length that looks negative is too long") {
  const std::string huge = ir_version(8) + std::string("\x3a\xfa\xff\xff\xff\x0f", 6) + kRelu;
  CHECK_THAT(error_of(huge), Contains("truncated"));
  CHECK_THAT(error_of(ir_version(8) + std::string("\x12\xfa\xff\xff\xff\x0f", 6)),
             Contains("truncated"));
}

TEST_CASE("a model needs its essentials") {
  CHECK_THAT(error_of(model_graph(kRelu)), Contains("no IR version"));
  CHECK_THAT(error_of(ir_version(8) + opset("", 17)), Contains("no graph"));
  CHECK_THAT(error_of(ir_version(8) + model_graph(kRelu)),
             Contains("Relu") && Contains("ai.onnx operator set"));
  CHECK_THAT(error_of(model(kRelu) + model_graph(kRelu)), Contains("two graphs"));
  CHECK_THAT(error_of(ir_version(8) + opset("", 0) + model_graph(kRelu)), Contains("version 0"));
  std::string many;
  for (size_t i = 0; i < limits::kMaxOpsets; ++i) many += opset(concat("d", i), 1);
  CHECK_THAT(error_of(model(kRelu) + many), Contains("operator sets"));
  // Before IR version 3 there was but one operator set.
  CHECK(read(ir_version(1) + model_graph(kRelu))->model.opset("") == 1);
  // A newer operator set is no reason to refuse a model.
  CHECK(read(ir_version(99) + opset("", 999) + model_graph(kRelu))->model.opset("") == 999);
}

TEST_CASE("the two names of the default domain are one") {
  const std::string relu = node("Relu", {"x"}, {"y"}, text(onnx::node::kDomain, "ai.onnx"));
  const auto graph =
      read(ir_version(8) + opset("ai.onnx", 17) + model_graph(input("x") + relu + output("y")));
  CHECK(graph->model.opset("") == 17);
  CHECK(graph->node(graph->nodes()[0]).domain.empty());
}

TEST_CASE("broken graphs name the node at fault") {
  CHECK_THAT(error_of(model(input("x") + node("Add", {"x", "z"}, {"y"}) + output("y"))),
             Contains("Add") && Contains("'z'"));
  CHECK_THAT(error_of(model(input("x") + node("Relu", {"x"}, {"y"}, text(3, "first")) +
                            node("Abs", {"x"}, {"y"}, text(3, "second")) + output("y"))),
             Contains("'second'") && Contains("'y'") && Contains("twice"));
  CHECK_THAT(error_of(model(input("x") + input("x") + output("x"))), Contains("'x'"));
  CHECK_THAT(error_of(model(kRelu + output("q"))), Contains("output 'q'"));
  CHECK_THAT(error_of(model(input("x") + node("", {"x"}, {"y"}) + output("y"))),
             Contains("'y'") && Contains("no operator"));
  CHECK_THAT(
      error_of(model(node("Add", {"b", "b"}, {"a"}) + node("Relu", {"a"}, {"b"}) + output("a"))),
      Contains("cycle"));
}

TEST_CASE("nodes out of order are put in order") {
  const auto graph = read(
      model(input("x") + node("Abs", {"a"}, {"b"}) + node("Relu", {"x"}, {"a"}) + output("b")));
  CHECK(graph->node(graph->nodes()[0]).op_type == "Relu");
  CHECK(graph->node(graph->nodes()[1]).op_type == "Abs");
}

TEST_CASE("inputs and outputs that are left out keep their places") {
  const auto graph =
      read(model(input("x") + node("Clip", {"x", "", "x"}, {"y", ""}) + output("y")));
  const Node& clip = graph->node(graph->nodes()[0]);
  REQUIRE(clip.inputs.size() == 3);
  CHECK_FALSE(clip.inputs[1]);
  REQUIRE(clip.outputs.size() == 2);
  CHECK_FALSE(clip.outputs[1]);
  CHECK(read_back(*graph) == print(*graph));
}

TEST_CASE("initializers that are inputs too are constants") {
  const std::string graph_fields =
      input("w") + input("x") + initializer(kWeight) + node("Add", {"x", "w"}, {"y"}) + output("y");
  for (int64_t version : {3, 8}) {
    const auto graph = read(model(graph_fields, version));
    REQUIRE(graph->inputs().size() == 1);
    CHECK(graph->value(graph->inputs()[0]).name == "x");
    const std::string written = text_of(write_onnx(*graph));
    CHECK_THAT(written, Contains(text(onnx::graph::kInput, text(1, "w")).substr(2)));
    CHECK(print(*read(written)) == print(*graph));
  }
}

TEST_CASE("values that are not tensors have no type but keep their declaration") {
  const std::string sequence =
      text(onnx::value_info::kType, text(4, text(1, text(1, number(1, 1)))));
  const auto graph = read(model(text(onnx::graph::kInput, text(1, "s") + sequence) +
                                node("SequenceLength", {"s"}, {"y"}) + output("y")));
  CHECK(graph->value(graph->inputs()[0]).type.dtype == DType::Undefined);
  CHECK_THAT(text_of(write_onnx(*graph)), Contains(sequence));
}

TEST_CASE("dims of declared types may be open") {
  const auto dim = [](const std::string& fields) { return text(onnx::shape::kDim, fields); };
  const std::string shape =
      text(onnx::tensor_type::kShape,
           dim(number(1, 3)) + dim(text(2, "batch")) + dim("") + dim(number(1, -7)));
  const std::string type =
      text(onnx::value_info::kType, text(onnx::type::kTensor, number(1, 1) + shape));
  const auto graph = read(model(text(onnx::graph::kInput, text(1, "x") + type) + output("x")));
  const TensorType& x = graph->value(graph->inputs()[0]).type;
  CHECK(*x.shape == Shape{3, kDynamicDim, kDynamicDim, kDynamicDim});
  CHECK(x.symbols == std::vector<std::string>{"", "batch", "", ""});
}

TEST_CASE("subgraphs capture the values of enclosing graphs") {
  const std::string then_graph = node("Add", {"x", "w"}, {"t"}) + output("t");
  const std::string inner = node("Mul", {"z", "x"}, {"i"}) + output("i");
  const std::string else_graph =
      node("If", {"c"}, {"e"},
           graph_attribute("then_branch", inner) + graph_attribute("else_branch", inner)) +
      output("e");
  const auto graph =
      read(model(input("c") + input("x") + initializer(kWeight) + node("Relu", {"x"}, {"z"}) +
                 node("If", {"c"}, {"y"},
                      graph_attribute("then_branch", then_graph) +
                          graph_attribute("else_branch", else_graph)) +
                 output("y")));
  CHECK(print(*graph) == R"(input c float32
input x float32
output y float32
constant w uint8[1]
z = Relu(x)
y = If(c) {then_branch=graph, else_branch=graph}
  graph
    capture x = x
    capture w = w
    capture c = c
    capture z = z
    output t float32
    t = Add(x, w)
  graph
    capture x = x
    capture w = w
    capture c = c
    capture z = z
    output e float32
    e = If(c) {then_branch=graph, else_branch=graph}
      graph
        capture z = z
        capture x = x
        output i float32
        i = Mul(z, x)
      graph
        capture z = z
        capture x = x
        output i float32
        i = Mul(z, x)
)");
  CHECK(read_back(*graph) == print(*graph));
}

TEST_CASE("a name of an inner graph hides that of an outer one") {
  const std::string body = initializer(tensor_fields("w", DType::UInt8, {2}) + raw_data("bb")) +
                           node("Add", {"x", "w"}, {"y"}) + output("y");
  const auto graph =
      read(model(input("x") + initializer(kWeight) +
                 node("If", {"w"}, {"y"},
                      graph_attribute("then_branch", body) + graph_attribute("else_branch", body)) +
                 output("y")));
  const std::string expected = R"(input x float32
output y float32
constant w uint8[1]
y = If(w) {then_branch=graph, else_branch=graph}
  graph
    capture x = x
    output OUT float32
    constant INNER uint8[2]
    OUT = Add(x, INNER)
  graph
    capture x = x
    output OUT float32
    constant INNER uint8[2]
    OUT = Add(x, INNER)
)";
  const auto with = [&](std::string_view out, std::string_view inner) {
    std::string text = expected;
    for (const auto& [from, to] :
         {std::pair<std::string_view, std::string_view>{"OUT", out}, {"INNER", inner}})
      for (size_t at; (at = text.find(from)) != std::string::npos;)
        text.replace(at, from.size(), to);
    return text;
  };
  CHECK(print(*graph) == with("y", "w"));
  // ONNX forbids the same names in both, so they are written as others.
  CHECK(read_back(*graph) == with("y__1", "w__1"));
}

TEST_CASE("a node of a subgraph finds nothing that is not there") {
  const std::string body = node("Abs", {"q"}, {"t"}) + output("t");
  CHECK_THAT(
      error_of(model(input("x") + node("If", {"x"}, {"y"}, graph_attribute("then_branch", body)) +
                     output("y"))),
      Contains("If") && Contains("Abs") && Contains("'q'"));
}

TEST_CASE("subgraphs nest only so deep") {
  const auto nested = [](int depth) {
    std::string graph = node("Relu", {"x"}, {"y"}) + output("y");
    for (int i = 0; i < depth; ++i)
      graph = node("If", {"x"}, {"y"}, graph_attribute("then_branch", graph)) + output("y");
    return model(input("x") + graph);
  };
  CHECK(error_of(nested(limits::kMaxNesting)).empty());
  CHECK_THAT(error_of(nested(limits::kMaxNesting + 1)), Contains("nested"));
  CHECK_THAT(error_of(nested(200)), Contains("nested"));
}

TEST_CASE("many subgraphs of many captures are refused") {
  std::string outer, capturing;
  for (int i = 0; i < 300; ++i) {
    const std::string name = concat("v", i);
    outer += initializer(tensor_fields(name, DType::UInt8, {1}) + raw_data("a"));
    capturing += node("Relu", {name}, {concat("o", i)});
  }
  std::string graphs = text(onnx::attribute::kGraphs, capturing);
  for (int i = 0; i < 5000; ++i) graphs += text(onnx::attribute::kGraphs, text(2, "g"));
  const std::string many =
      node("Many", {"v0"}, {"y"}, attribute("g", onnx::AttributeKind::Graphs, graphs));
  CHECK_THAT(error_of(model(outer + many + output("y"))),
             Contains("subgraphs") && Contains("too large"));
}

TEST_CASE("attributes must be whole") {
  using onnx::AttributeKind;
  const auto with = [](const std::string& attribute) {
    return model(input("x") + node("Op", {"x"}, {"y"}, attribute) + output("y"));
  };
  const auto fields = [](const std::string& fields) {
    return text(onnx::node::kAttribute, fields);
  };
  CHECK_THAT(error_of(with(fields(number(3, 1)))), Contains("Op") && Contains("no name"));
  CHECK_THAT(error_of(with(attribute("a", AttributeKind::Tensor))),
             Contains("'a'") && Contains("no value"));
  CHECK_THAT(error_of(with(attribute("a", AttributeKind::Graph))),
             Contains("'a'") && Contains("no value"));
  const std::string graph = text(onnx::attribute::kGraph, output("x"));
  CHECK_THAT(error_of(with(attribute("a", AttributeKind::Graph, graph + graph))),
             Contains("'a'") && Contains("two values"));
  CHECK_THAT(error_of(with(int_attribute("a", 1) + int_attribute("a", 1))),
             Contains("'a'") && Contains("twice"));
  CHECK_THAT(error_of(with(fields(text(1, "a") + text(onnx::attribute::kRefName, "b")))),
             Contains("'a'") && Contains("function"));
  // Without a type, it follows from the field.
  const auto untyped = read(with(fields(text(1, "a") + number(onnx::attribute::kInt, 5))));
  CHECK(untyped->node(untyped->nodes()[0]).attributes.get_int("a", 0) == 5);
  std::string many;
  for (size_t i = 0; i <= limits::kMaxAttributes; ++i) many += int_attribute(concat(i), 1);
  CHECK_THAT(error_of(with(many)), Contains("attributes"));
}

TEST_CASE("what Octet does not interpret survives") {
  const std::string in_node = text(6, "a doc string") + number(1000, 7);
  const std::string in_graph = text(10, "graph doc");
  const std::string in_model = text(2, "maker") + text(3, "1.2") + number(1001, 5);
  const auto graph = read(
      model(input("x") + node("Relu", {"x"}, {"y"}, in_node) + output("y") + in_graph) + in_model);
  const std::string written = text_of(write_onnx(*graph));
  CHECK_THAT(written, Contains(in_node) && Contains(in_graph) && Contains(in_model));
  CHECK(onnx_producer(graph->model) == "maker 1.2");
}

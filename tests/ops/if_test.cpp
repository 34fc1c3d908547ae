// If with branches that capture values of the enclosing graph, under conditions known early and
// late.
#include <catch2/catch.hpp>

#include "passes/pipeline.h"
#include "runtime/session.h"
#include "tests/ops/run_op.h"

namespace octet {
namespace {
// A branch whose output is `op_type`, a function of one operand, of the captured value.
std::shared_ptr<Graph> branch(const char* op_type, const Attributes& attributes = {}) {
  auto graph = std::make_shared<Graph>();
  graph->model.opsets.push_back({"", 21});
  const ValueId captured = graph->add_capture("x", {.dtype = DType::Float32});
  const ValueId out = graph->add_value(op_type, {.dtype = DType::Float32});
  graph->add_node(
      {.op_type = op_type, .inputs = {captured}, .outputs = {out}, .attributes = attributes});
  graph->add_output(out);
  return graph;
}

// y = condition ? then_branch(x) : else_branch(x); the condition is an input, or a constant.
std::unique_ptr<Graph> conditional(std::shared_ptr<Graph> then_branch,
                                   std::shared_ptr<Graph> else_branch,
                                   std::optional<bool> known = std::nullopt) {
  auto graph = std::make_unique<Graph>();
  graph->model.opsets.push_back({"", 21});
  const ValueId condition = known ? graph->add_constant("condition", Tensor::scalar<bool>(*known))
                                  : graph->add_input("condition", {.dtype = DType::Bool});
  const ValueId x = graph->add_input("x", {.dtype = DType::Float32});
  const ValueId y = graph->add_value("y", {.dtype = DType::Float32});
  Node node{
      .name = "choose", .op_type = "If", .inputs = {condition}, .outputs = {y}, .captures = {x}};
  node.attributes.set("then_branch", std::move(then_branch));
  node.attributes.set("else_branch", std::move(else_branch));
  graph->add_node(std::move(node));
  graph->add_output(y);
  return graph;
}

Tensor run(Session& session, bool condition, const Tensor& x) {
  std::vector<NamedTensor> feeds{{"x", x}};
  if (session.inputs().size() == 2) feeds.push_back({"condition", Tensor::scalar<bool>(condition)});
  return session.run(feeds, {})[0];
}

const Tensor kX = floats({2, 2}, {-1, 2, -3, 4});
} // namespace

TEST_CASE("If decides at the run between branches of one shape") {
  Session session(conditional(branch("Relu"), branch("Neg")), lower, {});
  for (int round = 0; round < 2; ++round) {
    CHECK(values_of<float>(run(session, true, kX)) == std::vector<float>{0, 2, 0, 4});
    CHECK(values_of<float>(run(session, false, kX)) == std::vector<float>{1, -2, 3, -4});
  }
}

TEST_CASE("If decides at the run between branches of different shapes") {
  Attributes flat;
  flat.set("axis", int64_t{0});
  Session session(conditional(branch("Relu"), branch("Flatten", flat)), lower, {});
  CHECK(run(session, true, kX).shape() == Shape{2, 2});
  CHECK(run(session, false, kX).shape() == Shape{1, 4});
  CHECK(values_of<float>(run(session, false, kX)) == std::vector<float>{-1, 2, -3, 4});
}

TEST_CASE("a known condition leaves the other branch alone") {
  // The branch that is not taken could not even be planned.
  Session session(conditional(branch("Neg"), branch("Unheard"), true), lower, {});
  CHECK(values_of<float>(run(session, true, kX)) == std::vector<float>{1, -2, 3, -4});
}

TEST_CASE("a broken If is refused") {
  const auto says = [](std::unique_ptr<Graph> graph, const char* expected) {
    Session session(std::move(graph), lower, {});
    try {
      run(session, true, kX);
      FAIL("no error");
    } catch (const Error& error) {
      INFO(error.message());
      CHECK(error.message().find(expected) != std::string::npos);
      CHECK(error.message().find("choose") != std::string::npos);
    }
  };
  Attributes to_int;
  to_int.set("to", static_cast<int64_t>(DType::Int64));
  says(conditional(branch("Neg"), branch("Cast", to_int)), "float32 in one branch and int64");
  auto two_outputs = branch("Neg");
  two_outputs->add_output(two_outputs->outputs()[0]);
  says(conditional(two_outputs, branch("Neg")), "2 outputs, not 1");
}

} // namespace octet

// Sessions: feeds, plans for several shapes, data-dependent shapes.
#include "api/session.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "tests/support/graph_builder.h"

using namespace octet;
using octet::test::GraphBuilder;

namespace {
std::unique_ptr<Session> session_of(GraphBuilder& b, CreateOptions options = {}) {
  return create_session(std::make_unique<Graph>(std::move(b.graph)), std::move(options));
}

std::vector<float> floats(const Tensor& t) {
  return {t.values<float>().begin(), t.values<float>().end()};
}

std::string error_of(Session& session, std::vector<NamedTensor> feeds,
                     std::vector<std::string> fetches = {}) {
  try {
    session.run(feeds, fetches);
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::InvalidInput);
    return error.message();
  }
  return "no error";
}
} // namespace

TEST_CASE("a session runs for changing shapes and says what is wrong with feeds") {
  GraphBuilder b;
  const ValueId x = b.input("x", {kDynamicDim, 2});
  b.output(b.node("Add", "y", {x, b.constant("c", {2}, {1, 2})}));
  auto session = session_of(b);
  const NamedTensor one{"x", Tensor::of<float>({1, 2}, {10, 20})};
  const NamedTensor two{"x", Tensor::of<float>({2, 2}, {1, 2, 3, 4})};
  CHECK(floats(session->run({{one}}, {})[0]) == std::vector<float>{11, 22});
  CHECK(floats(session->run({{two}}, {})[0]) == std::vector<float>{2, 4, 4, 6});
  CHECK(floats(session->run({{one}}, {})[0]) == std::vector<float>{11, 22});

  CHECK(error_of(*session, {}) == "input 'x' is missing");
  CHECK(error_of(*session, {one, one}) == "input 'x' is fed twice");
  CHECK(error_of(*session, {{"z", one.tensor}}) == "the model has no input 'z'");
  CHECK(error_of(*session, {{"x", Tensor::of<float>({2}, {1, 2})}}) ==
        "input 'x' expects shape [?, 2], not [2]");
  CHECK(error_of(*session, {{"x", Tensor::of<int32_t>({1, 2}, {1, 2})}}) ==
        "input 'x' expects float32, not int32");
  CHECK(error_of(*session, {one}, {"nope"}) == "the model has no output 'nope'");
  CHECK(floats(session->run({{one}}, {})[0]) == std::vector<float>{11, 22});
}

TEST_CASE("shapes that depend on a fed value follow it") {
  GraphBuilder b;
  const ValueId x = b.input("x", {6});
  const ValueId shape = b.input("shape", {2}, DType::Int64);
  b.output(b.node("Reshape", "y", {b.node("Neg", "n", {x}), shape}));
  auto session = session_of(b);
  const Tensor data = Tensor::of<float>({6}, {1, 2, 3, 4, 5, 6});
  for (const Shape& wanted : {Shape{2, 3}, Shape{3, 2}, Shape{6, 1}, Shape{2, 3}}) {
    const NamedTensor feeds[] = {{"x", data}, {"shape", Tensor::of_dims(wanted.dims())}};
    const Tensor y = session->run(feeds, {})[0];
    CHECK(y.shape() == wanted);
    CHECK(floats(y) == std::vector<float>{-1, -2, -3, -4, -5, -6});
  }
}

TEST_CASE("operators work in place without spoiling operands that are read later") {
  GraphBuilder b;
  const ValueId x = b.input("x", {3});
  const ValueId a = b.node("Exp", "a", {x});
  const ValueId n = b.node("Neg", "n", {a});
  const ValueId sum = b.node("Add", "sum", {a, n});
  b.output(b.node("Sub", "y", {sum, n}));
  auto session = session_of(b);
  const NamedTensor feed{"x", Tensor::of<float>({3}, {0, 0, 0})};
  CHECK(floats(session->run({{feed}}, {})[0]) == std::vector<float>{1, 1, 1});
}

TEST_CASE("an operator that does not exist is named before anything runs") {
  GraphBuilder b;
  b.output(b.node("Frobnicate", "y", {b.input("x", {2})}));
  try {
    session_of(b);
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::UnsupportedOperator);
    CHECK(error.message().find("Frobnicate") != std::string::npos);
  }
}

TEST_CASE("images are fed behind the inputs of the model, and may be outputs") {
  GraphBuilder b;
  const ValueId image =
      b.node("ImageDecoder", "image", {b.input("stream", {kDynamicDim}, DType::UInt8)});
  b.output(b.node("Shape", "shape", {image}));
  b.output(image);
  const auto session = session_of(b);
  REQUIRE(session->inputs().size() == 2);
  CHECK(!session->inputs()[0].image);
  REQUIRE(session->inputs()[1].image);
  CHECK(session->inputs()[1].image->node == "image");
  CHECK(!session->outputs()[1].image);
  const NamedTensor feeds[] = {{"stream", Tensor::of<uint8_t>({1}, {0})},
                               {"image", Tensor::of<uint8_t>({1, 2, 3}, {1, 2, 3, 4, 5, 6})}};
  const auto results = session->run(feeds, {});
  CHECK(results[0].values<int64_t>()[1] == 2);
  CHECK(results[1].values<uint8_t>()[5] == 6);
}

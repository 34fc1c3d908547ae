// Two models in one session: the sums that it returns, against loops over what each model computes
// by itself.
#include <catch2/catch.hpp>
#include <cmath>
#include <map>

#include "api/session.h"
#include "base/error.h"
#include "tests/support/graph_builder.h"

using namespace octet;
using octet::test::GraphBuilder;

namespace {
constexpr int64_t kBatch = 2, kChannels = 5, kHeight = 4, kWidth = 6;
const Shape kImage{kBatch, kChannels, kHeight, kWidth};

std::vector<float> waves(size_t count, float step) {
  std::vector<float> out(count);
  for (size_t i = 0; i < count; ++i) out[i] = std::sin(static_cast<float>(i) * step);
  return out;
}

// Convolutions, so that what is compared lies channels-last, and a reader after each value.
std::unique_ptr<Graph> convolutions(float step, bool with_inner_outputs, int64_t opset = 17) {
  GraphBuilder b(opset);
  const ValueId x = b.input("x", kImage);
  const ValueId w = b.constant("w", {kChannels, kChannels, 3, 3},
                               waves(static_cast<size_t>(kChannels * kChannels * 9), step));
  const std::vector<int64_t> pads = {1, 1, 1, 1};
  const ValueId first = b.node("Conv", "first", {x, w}, {{"pads", pads}});
  const ValueId positive = b.node("Relu", "positive", {first});
  b.output(b.node("Conv", "y", {positive, w}, {{"pads", pads}}));
  if (with_inner_outputs) {
    b.output(first);
    b.output(positive);
  }
  return std::make_unique<Graph>(std::move(b.graph));
}

Tensor image() {
  const std::vector<float> values = waves(kImage.elements(), 0.7f);
  return Tensor::of<float>(kImage, std::span<const float>(values));
}

std::map<std::string, std::vector<float>> values_of(std::unique_ptr<Graph> graph) {
  auto session = create_session(std::move(graph), {});
  const NamedTensor feed{"x", image()};
  const auto results = session->run({{feed}}, {});
  std::map<std::string, std::vector<float>> out;
  for (size_t i = 0; i < results.size(); ++i) {
    const auto values = results[i].values<float>();
    out[session->outputs()[i].name].assign(values.begin(), values.end());
  }
  return out;
}

size_t top_of(const float* row) {
  size_t top = 0;
  for (size_t i = 1; i < kWidth; ++i)
    if (row[i] > row[top]) top = i;
  return top;
}

std::vector<double> sums_of(const std::vector<float>& reference,
                            const std::vector<float>& candidate) {
  std::vector<double> out(7);
  for (size_t i = 0; i < reference.size(); ++i) {
    const double r = reference[i], c = candidate[i];
    out[0] += r * r;
    out[1] += c * c;
    out[2] += r * c;
    out[3] += (r - c) * (r - c);
    out[4] = std::max(out[4], std::abs(r - c));
  }
  for (size_t i = 0; i < reference.size(); i += kWidth) {
    out[5] += 1;
    out[6] += top_of(&reference[i]) == top_of(&candidate[i]) ? 1 : 0;
  }
  return out;
}

std::string refusal_of(GraphBuilder& reference, GraphBuilder& candidate) {
  try {
    auto session = create_comparison(std::make_unique<Graph>(std::move(reference.graph)),
                                     std::make_unique<Graph>(std::move(candidate.graph)), true, {});
    const NamedTensor feed{"x", Tensor::of<float>({2}, {1, 2})};
    session->run({{feed}}, {});
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::InvalidInput);
    return error.message();
  }
  return "no error";
}
} // namespace

TEST_CASE("a comparison sums up what its two models compute") {
  const auto reference = values_of(convolutions(0.3f, true));
  const auto candidate = values_of(convolutions(0.31f, true));
  for (const int64_t opset : {17, 12}) {
    auto session =
        create_comparison(convolutions(0.3f, false), convolutions(0.31f, false, opset), true, {});
    const NamedTensor feed{"x", image()};
    const auto results = session->run({{feed}}, {});
    const char* names[] = {"y", "first", "positive"};
    REQUIRE(results.size() == std::size(names));
    for (size_t i = 0; i < results.size(); ++i) {
      CHECK(session->outputs()[i].name == names[i]);
      const auto expected = sums_of(reference.at(names[i]), candidate.at(names[i]));
      const auto sums = results[i].values<double>();
      REQUIRE(sums.size() == expected.size());
      for (size_t k = 0; k < sums.size(); ++k) CHECK(sums[k] == Approx(expected[k]).epsilon(1e-5));
      CHECK(sums[6] < sums[5]);
    }
  }
}

TEST_CASE("without layers, only outputs are compared") {
  auto session =
      create_comparison(convolutions(0.3f, false), convolutions(0.31f, false), false, {});
  REQUIRE(session->outputs().size() == 1);
  CHECK(session->outputs()[0].name == "y");
}

TEST_CASE("values of other types are compared as numbers, strings are not") {
  GraphBuilder models[2];
  for (GraphBuilder& b : models) {
    const ValueId x = b.input("x", {4});
    b.output(b.node("ArgMax", "place", {x}, {{"axis", int64_t{0}}}));
    b.output(b.node("Cast", "half", {x}, {{"to", int64_t{10}}}));
    b.output(b.node("Cast", "text", {x}, {{"to", int64_t{8}}}));
  }
  auto session = create_comparison(std::make_unique<Graph>(std::move(models[0].graph)),
                                   std::make_unique<Graph>(std::move(models[1].graph)), true, {});
  const NamedTensor feed{"x", Tensor::of<float>({4}, {1, 4, NAN, 3})};
  const auto results = session->run({{feed}}, {});
  const auto place = results[0].values<double>(), half = results[1].values<double>();
  CHECK(place[3] == 0);
  CHECK(place[5] == 1);
  CHECK(std::isnan(half[3]));
  CHECK(std::isnan(half[4]));
  CHECK(results[2].values<double>()[5] == 0);
}

TEST_CASE("models that don't fit together are refused, naming what differs") {
  const auto relu = [](GraphBuilder& b, const char* output, ValueId x) {
    b.output(b.node("Relu", output, {x}));
  };
  {
    GraphBuilder a, b;
    relu(a, "y", a.input("x", {2}));
    relu(b, "z", b.input("x", {2}));
    CHECK(refusal_of(a, b) == "only one of the models has an output 'y'");
  }
  {
    GraphBuilder a, b;
    relu(a, "y", a.input("x", {2}));
    relu(b, "y", b.input("x", {2}, DType::Float64));
    CHECK(refusal_of(a, b) == "input 'x' is of float32 in one model and of float64 in the other");
  }
  {
    GraphBuilder a, b;
    relu(a, "y", a.input("x", {2}));
    relu(b, "y", b.node("Reshape", "r", {b.input("x", {2}), b.ints("shape", {1, 2})}));
    CHECK(refusal_of(a, b) == "'y' is [2] and [1, 2]");
  }
}

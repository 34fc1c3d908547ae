// Results of ImageDecoder as inputs behind those of the model.
#include "passes/take_images.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "graph/validate.h"
#include "tests/support/graph_builder.h"

using namespace octet;
using octet::test::GraphBuilder;

TEST_CASE("what ImageDecoder makes is fed, and its stream stays an input") {
  GraphBuilder b;
  const ValueId stream = b.input("stream", {kDynamicDim}, DType::UInt8);
  const ValueId image = b.node("ImageDecoder", "image", {b.node("Identity", "same", {stream})});
  b.output(b.node("Shape", "shape", {image}));
  b.output(image);
  take_images(b.graph);
  validate(b.graph);
  REQUIRE(b.graph.inputs() == std::vector<ValueId>{stream, image});
  CHECK(!b.graph.value(stream).image);
  REQUIRE(b.graph.value(image).image);
  CHECK(b.graph.value(image).image->stream == 0);
  CHECK(b.graph.value(image).image->pixel_format == "RGB");
}

TEST_CASE("streams that are no inputs are refused") {
  GraphBuilder b;
  const ValueId stream = b.input("stream", {kDynamicDim}, DType::UInt8);
  b.output(b.node("ImageDecoder", "image", {b.node("Not", "other", {stream})}));
  try {
    take_images(b.graph);
    FAIL("it was taken");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::UnsupportedOperator);
  }
}

// Sessions of models outside of the heap: weights are packed once, and come back where a plan of
// another kind wants them.
#include <catch2/catch.hpp>

#include <cmath>
#include <string>

#include "api/model.h"
#include "api/session.h"
#include "formats/onnx/onnx_writer.h"
#include "tests/support/graph_builder.h"
#include "tests/support/outside_file.h"

using namespace octet;
using octet::test::GraphBuilder;
using octet::test::OutsideFile;

namespace {
std::vector<float> waves(size_t count, float step) {
  std::vector<float> out(count);
  for (size_t i = 0; i < count; ++i) out[i] = std::sin(step * static_cast<float>(i));
  return out;
}

std::string file_of(GraphBuilder& b) {
  const Buffer file = write_onnx(b.graph);
  return std::string(reinterpret_cast<const char*>(file.data()), file.size());
}

// The same model in the heap and outside of it.
struct Twins {
  explicit Twins(GraphBuilder& b) : file(std::make_shared<const OutsideFile>(file_of(b))) {
    const SharedBytes source(file, file->size());
    outside = create_session(open_model(source), {});
    inside = create_session(open_model(SharedBytes(source.bytes(), source.hold())), {});
    file->take_bytes_read();
  }

  // Bytes that the run outside brings in.
  size_t check_run(const std::vector<NamedTensor>& feeds) {
    const auto expected = inside->run(feeds, {});
    file->take_bytes_read();
    const auto actual = outside->run(feeds, {});
    const size_t bytes_read = file->take_bytes_read();
    CHECK(same_contents(actual[0], expected[0]));
    return bytes_read;
  }

  std::shared_ptr<const OutsideFile> file;
  std::unique_ptr<Session> inside, outside;
};

Tensor wave(Shape shape) {
  const auto values = waves(shape.elements(), 0.37f);
  return Tensor::of<float>(std::move(shape), std::span<const float>(values));
}
} // namespace

TEST_CASE("plans for other shapes share weights that have left the heap") {
  constexpr int64_t kChannels = 64;
  GraphBuilder b;
  const ValueId x = b.input("x", {kDynamicDim, 16, kDynamicDim, kDynamicDim});
  const ValueId w = b.constant("w", {kChannels, 16, 3, 3}, waves(kChannels * 16 * 9, 0.7f));
  const ValueId conv = b.node("Conv", "conv", {x, w}, {{"pads", std::vector<int64_t>{1, 1, 1, 1}}});
  const ValueId normal = b.node("BatchNormalization", "normal",
                                {conv, b.constant("scale", {kChannels}, waves(kChannels, 0.3f)),
                                 b.constant("shift", {kChannels}, waves(kChannels, 0.2f)),
                                 b.constant("mean", {kChannels}, waves(kChannels, 0.1f)),
                                 b.constant("var", {kChannels}, std::vector<float>(kChannels, 2))});
  const ValueId pooled = b.node("GlobalAveragePool", "pooled", {b.node("Relu", "relu", {normal})});
  b.output(b.node("Gemm", "y",
                  {b.node("Flatten", "flat", {pooled}),
                   b.constant("dense", {kChannels, 256}, waves(kChannels * 256, 0.9f))}));
  Twins twins(b);
  const size_t weight_bytes = (kChannels * 16 * 9 + kChannels * 256) * sizeof(float);
  CHECK(twins.check_run({{"x", wave({1, 16, 8, 8})}}) == weight_bytes);
  CHECK(twins.check_run({{"x", wave({1, 16, 8, 8})}}) == 0);
  CHECK(twins.check_run({{"x", wave({2, 16, 5, 9})}}) == 0);
  CHECK(twins.check_run({{"x", wave({1, 16, 8, 8})}}) == 0);
}

TEST_CASE("plans for other ranks bring back what they read") {
  constexpr int64_t kSide = 128;
  GraphBuilder b;
  const ValueId x = b.graph.add_input("x", {.dtype = DType::Float32});
  const ValueId large = b.constant("large", {kSide, kSide}, waves(kSide * kSide, 0.7f));
  // Packed by the product, and read as it is by the sum.
  const ValueId product = b.node("MatMul", "product", {x, large});
  b.output(b.node("Add", "y", {product, large}));
  Twins twins(b);
  const size_t weight_bytes = kSide * kSide * sizeof(float);
  for (const Shape& shape : {Shape{kSide, kSide}, Shape{1, kSide}, Shape{3, 1, kSide},
                             Shape{2, 2, 1, kSide}, Shape{kSide}, Shape{kSide, kSide}})
    CHECK(twins.check_run({{"x", wave(shape)}}) <= 2 * weight_bytes);
}

TEST_CASE("weights that are turned before they are used leave the heap as well") {
  constexpr int64_t kSide = 128;
  GraphBuilder b;
  const ValueId x = b.input("x", {kDynamicDim, kSide});
  const ValueId w = b.constant("w", {kSide, kSide}, waves(kSide * kSide, 0.7f));
  const ValueId turned = b.node("Transpose", "turned", {w});
  const ValueId twice = b.node("Neg", "twice", {turned});
  const ValueId sum = b.node("Add", "sum", {b.node("MatMul", "y1", {x, turned}), x});
  b.output(b.node("Add", "y",
                  {b.node("MatMul", "y2", {sum, turned}), b.node("MatMul", "y3", {x, twice})}));
  Twins twins(b);
  for (const int64_t rows : {1, 5, 1, 9}) twins.check_run({{"x", wave({rows, kSide})}});
}

TEST_CASE("a chain of scales is folded into weights at once") {
  constexpr int64_t kChannels = 32;
  GraphBuilder b;
  ValueId y = b.node("Conv", "conv",
                     {b.input("x", {1, 16, 6, 6}),
                      b.constant("w", {kChannels, 16, 3, 3}, waves(kChannels * 16 * 9, 0.7f))});
  for (int i = 0; i < 3000; ++i) {
    const std::string name = std::to_string(i);
    y = b.node("Mul", ("y" + name).c_str(),
               {y, b.constant(("s" + name).c_str(), {1}, {i % 2 ? 2.0f : 0.5f})});
  }
  b.output(y);
  Twins twins(b);
  twins.check_run({{"x", wave({1, 16, 6, 6})}});
}

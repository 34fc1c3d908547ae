// Sessions give the same bits with any number of threads.
#include <catch2/catch.hpp>

#include <cmath>
#include <string>

#include "api/model.h"
#include "api/quantize.h"
#include "api/session.h"
#include "formats/onnx/onnx_writer.h"
#include "formats/wire/message_writer.h"
#include "runtime/thread_pool.h"
#include "tests/support/graph_builder.h"

using namespace octet;
using octet::test::GraphBuilder;

namespace {
std::vector<float> waves(size_t count, float step) {
  std::vector<float> out(count);
  for (size_t i = 0; i < count; ++i) out[i] = std::sin(step * static_cast<float>(i + 1));
  return out;
}

ValueId weights(GraphBuilder& b, const char* name, Shape shape) {
  const size_t count = shape.elements();
  return b.constant(name, std::move(shape), waves(count, 1.7f));
}

ValueId same_conv(GraphBuilder& b, const char* name, ValueId x, Shape w, int64_t groups = 1) {
  const int64_t pad = w[2] / 2;
  return b.node("Conv", name, {x, weights(b, (std::string(name) + "_w").c_str(), std::move(w))},
                {{"pads", std::vector<int64_t>{pad, pad, pad, pad}}, {"group", groups}});
}

// Convolutions of every kind, pooling, elementwise steps.
Buffer image_net() {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 3, 61, 61});
  ValueId y = same_conv(b, "stem", x, {32, 3, 3, 3});
  y = b.node("Relu", "relu", {y});
  y = same_conv(b, "depthwise", y, {32, 1, 5, 5}, 32);
  y = b.node("HardSwish", "swish", {y});
  const ValueId pointwise = same_conv(b, "pointwise", y, {64, 32, 1, 1});
  y = same_conv(b, "dense", pointwise, {64, 64, 3, 3});
  y = b.node("Sigmoid", "sigmoid", {y});
  y = b.node("Add", "sum", {y, pointwise});
  y = b.node(
      "MaxPool", "pool", {y},
      {{"kernel_shape", std::vector<int64_t>{3, 3}}, {"strides", std::vector<int64_t>{2, 2}}});
  y = same_conv(b, "grouped", y, {64, 16, 3, 3}, 4);
  y = b.node("ConvTranspose", "up", {y, weights(b, "up_w", {64, 24, 3, 3})},
             {{"strides", std::vector<int64_t>{2, 2}}});
  y = same_conv(b, "wide",
                b.node("AveragePool", "shrink", {y},
                       {{"kernel_shape", std::vector<int64_t>{9, 9}},
                        {"strides", std::vector<int64_t>{9, 9}}}),
                {600, 24, 3, 3});
  b.output(y);
  return write_onnx(b.graph);
}

// Matrix products of many and of few rows, attention, normalization.
Buffer token_net(int64_t tokens) {
  GraphBuilder b;
  constexpr int64_t kWidth = 192, kHeads = 3;
  const ValueId x = b.input("x", {1, tokens, kWidth});
  const auto heads = [&](const char* name, std::vector<int64_t> perm) {
    const std::string prefix = name;
    const ValueId y = b.node("MatMul", (prefix + "_p").c_str(),
                             {x, weights(b, (prefix + "_w").c_str(), {kWidth, kWidth})});
    const ValueId split =
        b.node("Reshape", (prefix + "_r").c_str(),
               {y, b.ints((prefix + "_s").c_str(), {1, tokens, kHeads, kWidth / kHeads})});
    return b.node("Transpose", name, {split}, {{"perm", std::move(perm)}});
  };
  ValueId y = b.node("MatMul", "scores", {heads("q", {0, 2, 1, 3}), heads("k", {0, 2, 3, 1})});
  y = b.node("Softmax", "softmax", {y}, {{"axis", int64_t{-1}}});
  y = b.node("MatMul", "mixed", {y, heads("v", {0, 2, 1, 3})});
  y = b.node("Transpose", "joined", {y}, {{"perm", std::vector<int64_t>{0, 2, 1, 3}}});
  y = b.node("Reshape", "rows", {y, b.ints("rows_s", {1, tokens, kWidth})});
  y = b.node("Add", "residual", {y, x});
  y = b.node("LayerNormalization", "norm",
             {y, weights(b, "scale", {kWidth}), weights(b, "bias", {kWidth})});
  y = b.node("MatMul", "wide", {y, weights(b, "wide_w", {kWidth, 4096})});
  y = b.node("Gelu", "gelu", {y});
  b.output(y);
  b.graph.model.opsets = {{"", 20}};
  return write_onnx(b.graph);
}

Buffer quantized(const Buffer& file) {
  QuantizeJob job(open_model(SharedBytes(Bytes(file.data(), file.size()), nullptr)), file.size(),
                  QuantizeMode::Dynamic, {});
  while (job.step()) {
  }
  return wire::join(job.finish().file);
}

// Tensors of a run, kept.
std::vector<std::string> run(const Buffer& file, const Tensor& x, const Workers& workers) {
  CreateOptions options;
  options.session.workers = workers;
  const auto session =
      create_session(open_model(SharedBytes(Bytes(file.data(), file.size()), nullptr)), options);
  const std::vector<NamedTensor> feeds{{"x", x}};
  std::vector<std::string> out;
  for (int again = 0; again < 2; ++again)
    for (const Tensor& t : session->run(feeds, {}))
      out.emplace_back(reinterpret_cast<const char*>(t.bytes()), t.size_bytes());
  return out;
}

void check_threads(const Buffer& file, const Shape& shape) {
  const auto values = waves(shape.elements(), 0.37f);
  const Tensor x = Tensor::of<float>(shape, std::span<const float>(values));
  const auto expected = run(file, x, {});
  for (const size_t count : {2, 3, 5}) {
    std::atomic<int> started{0};
    ThreadPool pool([&](ThreadPool& p, size_t worker) {
      ++started;
      return start_native_thread(p, worker);
    });
    CHECK((run(file, x, {&pool, count}) == expected));
    CHECK(started == static_cast<int>(count) - 1);
  }
}
} // namespace

TEST_CASE("threads do not change the bits of an image net") {
  const Buffer file = image_net();
  check_threads(file, {1, 3, 61, 61});
  check_threads(quantized(file), {1, 3, 61, 61});
}

TEST_CASE("threads do not change the bits of a net over tokens") {
  for (const int64_t tokens : {1, 2, 37, 128}) {
    const Buffer file = token_net(tokens);
    check_threads(file, {1, tokens, 192});
    check_threads(quantized(file), {1, tokens, 192});
  }
}

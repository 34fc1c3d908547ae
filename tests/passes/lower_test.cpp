// Lowering, as printed graphs.
#include <catch2/catch.hpp>

#include "passes/fold_qdq.h"
#include "passes/pipeline.h"
#include "tests/support/graph_builder.h"

using namespace octet;
using octet::test::GraphBuilder;
using octet::test::nodes_of;

namespace {
// No subgraphs occur in these tests.
class NoSubgraphs final : public SubgraphHost {
  std::vector<ValueFact> infer(const Graph&, std::span<const ValueFact* const>) override {
    return {};
  }
  std::unique_ptr<SubgraphPlan> plan(const Graph&, std::span<const ValueFact* const>) override {
    return nullptr;
  }
  std::vector<Tensor> run(const Graph&, std::span<const Tensor>) override { return {}; }
};

std::string lowered(Graph& graph) {
  std::vector<ValueFact> facts;
  for (ValueId id : graph.inputs())
    facts.push_back({.dtype = graph.value(id).type.dtype, .shape = graph.value(id).type.shape});
  std::vector<const ValueFact*> pointers;
  for (const ValueFact& fact : facts) pointers.push_back(&fact);
  NoSubgraphs host;
  lower(graph, pointers, host);
  return nodes_of(graph);
}

size_t count(const std::string& text, const std::string& word) {
  size_t n = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++n;
  return n;
}
} // namespace

TEST_CASE("convolutions run channels-last with their activations, transposed only at the ends") {
  GraphBuilder b;
  const std::vector<float> w(16, 1.0f);
  ValueId x = b.input("x", {1, 4, 8, 8});
  for (const char* name : {"a", "b"}) {
    const ValueId conv =
        b.node("Conv", (std::string(name) + "_conv").c_str(),
               {x, b.constant((std::string(name) + "_w").c_str(), {4, 4, 1, 1}, w)});
    x = b.node("Relu", name, {conv});
  }
  b.output(b.node("Add", "y", {x, b.constant("bias", {4, 1, 1}, {1, 2, 3, 4})}));
  const std::string text = lowered(b.graph);
  INFO(text);
  CHECK(count(text, "octet.Conv(") == 2);
  CHECK(count(text, "Transpose(") == 2);
  CHECK(count(text, "Relu(") == 0);
  CHECK(count(text, "activation=\"Relu\"") == 2);
}

TEST_CASE("a bias that would add a dimension is not taken into the product") {
  for (const bool adds_dim : {false, true}) {
    GraphBuilder b;
    const ValueId w = b.constant("w", {4, 2}, std::vector<float>(8, 1));
    const ValueId product = b.node("MatMul", "product", {b.input("x", {3, 4}), w});
    const Shape shape = adds_dim ? Shape{1, 1, 2} : Shape{2};
    b.output(b.node("Add", "y", {product, b.constant("bias", shape, {1, 2})}));
    CHECK(count(lowered(b.graph), "Add(") == (adds_dim ? 1 : 0));
  }
}

namespace {
// Attention as exporters write it, on [batch, length, heads, depth].
struct AttentionGraph {
  GraphBuilder b;
  ValueId scores;

  explicit AttentionGraph(int64_t opset) : b(opset) {
    const auto heads = [&](const char* name, std::vector<int64_t> perm) {
      const ValueId x = b.input((std::string(name) + "_in").c_str(), {2, 5, 3, 4});
      return b.node("Transpose", name, {x}, {{"perm", std::move(perm)}});
    };
    const ValueId q = heads("q", {0, 2, 1, 3}), k = heads("k", {0, 2, 3, 1});
    v = heads("v", {0, 2, 1, 3});
    scores =
        b.node("Div", "scaled", {b.node("MatMul", "scores", {q, k}), b.constant("root", {}, {2})});
  }

  std::string finish(std::vector<std::pair<const char*, AttributeValue>> softmax) {
    const ValueId weights = b.node("Softmax", "weights", {scores}, std::move(softmax));
    const ValueId context = b.node("MatMul", "context", {weights, v});
    b.output(b.node("Transpose", "y", {context}, {{"perm", std::vector<int64_t>{0, 2, 1, 3}}}));
    return lowered(b.graph);
  }

private:
  ValueId v;
};
} // namespace

TEST_CASE("attention spelled out becomes one step without transposes") {
  for (const bool is_masked : {false, true}) {
    AttentionGraph g(17);
    if (is_masked)
      g.scores = g.b.node("Add", "masked", {g.b.input("mask", {2, 1, 1, 5}), g.scores});
    const std::string text = g.finish({{"axis", int64_t{-1}}});
    INFO(text);
    CHECK(count(text, "octet.Attention(") == 1);
    CHECK(count(text, " = ") == 1);
  }
}

TEST_CASE("what is not attention stays as it is") {
  AttentionGraph over_matrices(12); // from axis 1 on, before opset 13
  CHECK(count(over_matrices.finish({}), "Attention(") == 0);
  AttentionGraph with_scores(17);
  with_scores.b.output(with_scores.scores);
  CHECK(count(with_scores.finish({{"axis", int64_t{-1}}}), "Attention(") == 0);
}

TEST_CASE("GELU through tanh spelled out becomes one step") {
  for (const float exponent : {3.0f, 2.0f}) {
    GraphBuilder b;
    const auto scalar = [&](const char* name, float x) { return b.constant(name, {}, {x}); };
    const ValueId x = b.input("x", {4});
    const ValueId half = b.node("Mul", "half", {x, scalar("h", 0.5f)});
    const ValueId cube = b.node("Pow", "cube", {x, scalar("e", exponent)});
    const ValueId term = b.node("Mul", "term", {cube, scalar("t", 0.044715f)});
    const ValueId sum = b.node("Add", "sum", {x, term});
    const ValueId scaled = b.node("Mul", "scaled", {sum, scalar("s", 0.7978846f)});
    const ValueId tanh = b.node("Tanh", "tanh", {scaled});
    b.output(b.node("Mul", "y", {half, b.node("Add", "shifted", {tanh, scalar("one", 1)})}));
    const std::string text = lowered(b.graph);
    INFO(text);
    CHECK(count(text, "Gelu(") == (exponent == 3 ? 1 : 0));
    CHECK(count(text, "approximate=\"tanh\"") == (exponent == 3 ? 1 : 0));
  }
}

TEST_CASE("HardSwish spelled out becomes one activation") {
  GraphBuilder b;
  const ValueId conv =
      b.node("Conv", "conv", {b.input("x", {1, 1, 4, 4}), b.constant("w", {1, 1, 1, 1}, {2})});
  const ValueId shifted = b.node("Add", "shifted", {conv, b.constant("three", {}, {3})});
  const ValueId clipped =
      b.node("Clip", "clipped", {shifted, b.constant("zero", {}, {0}), b.constant("six", {}, {6})});
  const ValueId product = b.node("Mul", "product", {conv, clipped});
  b.output(b.node("Div", "y", {product, b.constant("six2", {}, {6})}));
  const std::string text = lowered(b.graph);
  INFO(text);
  CHECK(count(text, "activation=\"Relu6Swish\"") == 1);
  CHECK(count(text, "Clip(") + count(text, "Div(") == 0);
}

TEST_CASE("only a HardSwish has a form, whatever a file gives to others") {
  GraphBuilder b;
  const ValueId conv =
      b.node("Conv", "conv", {b.input("x", {1, 1, 4, 4}), b.constant("w", {1, 1, 1, 1}, {2})});
  const ValueId relu = b.node("Relu", "relu", {conv});
  b.graph.node(b.graph.value(relu).producer).attributes.set("form", "relu6");
  b.output(relu);
  const std::string text = lowered(b.graph);
  INFO(text);
  CHECK(count(text, "activation=\"Relu\"") == 1);
}

TEST_CASE("a scale and a shift behind HardSwish join it, a Max with a number is a Clip") {
  GraphBuilder b;
  const ValueId w = b.constant("w", {1, 1, 1, 1}, {2});
  const ValueId first = b.node("Conv", "first", {b.input("x", {1, 1, 4, 4}), w});
  const ValueId swish = b.node("HardSwish", "swish", {first});
  const ValueId scaled = b.node("Mul", "scaled", {b.constant("scale", {1}, {0.5f}), swish});
  const ValueId shifted = b.node("Add", "shifted", {scaled, b.constant("shift", {1}, {3})});
  const ValueId second = b.node("Conv", "second", {shifted, w});
  b.output(b.node("Max", "y", {b.constant("least", {}, {-0.25f}), second}));
  const std::string text = lowered(b.graph);
  INFO(text);
  CHECK(count(text, "activation=\"ScaledHardSwish\"") == 1);
  CHECK(count(text, "activation_params=[0.5, 3]") == 1);
  CHECK(count(text, "activation=\"Clip\"") == 1);
  CHECK(count(text, "Mul(") + count(text, "Add(") + count(text, "Max(") == 0);
}

TEST_CASE("a Max behind LeakyRelu bounds what goes into it") {
  GraphBuilder b;
  const ValueId w = b.constant("w", {1, 1, 1, 1}, {2});
  const ValueId conv = b.node("Conv", "conv", {b.input("x", {1, 1, 4, 4}), w});
  const ValueId leaky = b.node("LeakyRelu", "leaky", {conv}, {{"alpha", 0.5f}});
  b.output(b.node("Max", "y", {leaky, b.constant("least", {}, {-1})}));
  const std::string text = lowered(b.graph);
  INFO(text);
  CHECK(count(text, "activation_params=[0.5, -2]") == 1);
  CHECK(count(text, "Max(") == 0);
}

TEST_CASE("dynamic quantization around a product becomes one operator on int16") {
  GraphBuilder b;
  const ValueId x = b.input("x", {2, 4});
  const ValueId q = b.graph.add_value("q"), s = b.graph.add_value("s"), z = b.graph.add_value("z");
  b.graph.add_node({.op_type = "DynamicQuantizeLinear", .inputs = {x}, .outputs = {q, s, z}});
  const ValueId w = b.graph.add_constant("w", Tensor::of<int8_t>({4, 2}, {1, 2, 3, 4, 5, 6, 7, 8}));
  const ValueId product = b.node("MatMulInteger", "product", {q, w, z});
  const ValueId real = b.node("Cast", "real", {product}, {{"to", int64_t{1}}});
  const ValueId scale = b.node("Mul", "scale", {s, b.constant("w_scale", {2}, {0.1f, 0.2f})});
  const ValueId scaled = b.node("Mul", "scaled", {real, scale});
  const ValueId sum = b.node("Add", "sum", {scaled, b.constant("bias", {2}, {1, 2})});
  b.output(b.node("Relu", "y", {sum}));
  const std::string text = lowered(b.graph);
  INFO(text);
  CHECK(b.graph.nodes().size() == 2);
  CHECK(count(text, "octet.DynamicQuantize(x)") == 1);
  CHECK(count(text, "octet.MatMulIntegerToFloat(") == 1);
  CHECK(count(text, "activation=\"Relu\"") == 1);
}

TEST_CASE("an integer product that something else reads stays as it is") {
  GraphBuilder b;
  const ValueId q = b.input("q", {2, 4}, DType::UInt8);
  const ValueId w = b.graph.add_constant("w", Tensor::of<int8_t>({4, 1}, {1, 2, 3, 4}));
  const ValueId product = b.node("MatMulInteger", "product", {q, w});
  const ValueId real = b.node("Cast", "real", {product}, {{"to", int64_t{1}}});
  b.output(b.node("Mul", "y", {real, b.constant("s", {}, {0.5f})}));
  b.output(product);
  CHECK(count(lowered(b.graph), "MatMulInteger(") == 1);
}

TEST_CASE("products between Q/DQ pairs run on the integers") {
  GraphBuilder b;
  const ValueId codes = b.input("codes", {2, 4}, DType::UInt8);
  const ValueId zero = b.graph.add_constant("zero", Tensor::scalar<uint8_t>(128));
  const ValueId x =
      b.node("DequantizeLinear", "x", {codes, b.constant("x_scale", {}, {0.5f}), zero});
  const ValueId w_codes = b.graph.add_constant(
      "w_codes", Tensor::of<int8_t>({3, 4}, std::span<const int8_t>(std::vector<int8_t>(12, 1))));
  const ValueId w =
      b.node("DequantizeLinear", "w", {w_codes, b.constant("w_scale", {3}, {1, 2, 3})},
             {{"axis", int64_t{0}}});
  b.output(b.node("Gemm", "y", {x, w}, {{"transB", int64_t{1}}}));
  fold_qdq(b.graph);
  const std::string text = nodes_of(b.graph);
  INFO(text);
  CHECK(count(text, "octet.MatMulIntegerToFloat(codes") == 1);
  CHECK(count(text, "DequantizeLinear") == 0);
}

namespace {
// A product of activations of int16 with weights of two columns, folded.
template <class Weight>
std::string folded_wide(std::vector<Weight> weights, std::vector<Weight> w_zeros, int16_t x_zero) {
  GraphBuilder b;
  const ValueId zero = b.graph.add_constant("x_zero", Tensor::scalar<int16_t>(x_zero));
  const ValueId x =
      b.node("DequantizeLinear", "x",
             {b.input("codes", {2, static_cast<int64_t>(weights.size() / 2)}, DType::Int16),
              b.constant("x_scale", {}, {0.5f}), zero});
  const Shape shape{static_cast<int64_t>(weights.size() / 2), 2};
  const Tensor w_zero =
      Tensor::of<Weight>({static_cast<int64_t>(w_zeros.size())}, std::span<const Weight>(w_zeros));
  const ValueId w_codes =
      b.graph.add_constant("w_codes", Tensor::of<Weight>(shape, std::span<const Weight>(weights)));
  const ValueId w =
      b.node("DequantizeLinear", "w",
             {w_codes, b.constant("w_scale", {}, {0.25f}), b.graph.add_constant("w_zero", w_zero)});
  b.output(b.node("MatMul", "y", {x, w}));
  fold_qdq(b.graph);
  return nodes_of(b.graph);
}
} // namespace

TEST_CASE("activations of int16 run on the integers where their sums fit into 32 bits") {
  const auto is_integer = [](const std::string& text) {
    INFO(text);
    return count(text, "octet.MatMulIntegerToFloat(codes") == 1 && count(text, "wide=1") == 1;
  };
  // The second column sums up to 2^16 − 1 in magnitude, or to one more.
  std::vector<int8_t> weights(2 * 1024, 0);
  for (size_t i = 0; i < 1024; ++i) weights[2 * i + 1] = -64;
  CHECK_FALSE(is_integer(folded_wide<int8_t>(weights, {0}, 0)));
  weights[1] = -63;
  CHECK(is_integer(folded_wide<int8_t>(weights, {0}, 0)));
  CHECK_FALSE(is_integer(folded_wide<int8_t>(weights, {1}, 0)));
  CHECK_FALSE(is_integer(folded_wide<int8_t>(weights, {0}, 1)));
  std::vector<uint8_t> bytes(2 * 512, 0);
  CHECK(is_integer(folded_wide<uint8_t>(bytes, {127}, 0)));
  CHECK_FALSE(is_integer(folded_wide<uint8_t>(bytes, {128}, 0)));
  CHECK(is_integer(folded_wide<uint8_t>(bytes, {127, 127}, 0)));
  CHECK_FALSE(is_integer(folded_wide<uint8_t>(bytes, {127, 128}, 0)));
  // Zero points that fit no column.
  CHECK_FALSE(is_integer(folded_wide<uint8_t>(bytes, {}, 0)));
  CHECK_FALSE(is_integer(folded_wide<uint8_t>(bytes, {0, 0, 0}, 0)));
}

TEST_CASE("a number per column that is added to a matrix product is its bias") {
  GraphBuilder b;
  const ValueId codes = b.input("codes", {2, 4}, DType::UInt8);
  const ValueId zero = b.graph.add_constant("zero", Tensor::scalar<uint8_t>(128));
  const ValueId x =
      b.node("DequantizeLinear", "x", {codes, b.constant("x_scale", {}, {0.5f}), zero});
  const ValueId w_codes = b.graph.add_constant(
      "w_codes", Tensor::of<int8_t>({4, 3}, std::span<const int8_t>(std::vector<int8_t>(12, 1))));
  const ValueId w = b.node("DequantizeLinear", "w", {w_codes, b.constant("w_scale", {}, {2})});
  const ValueId product = b.node("MatMul", "product", {x, w});
  b.output(b.node("Add", "y", {b.constant("bias", {3}, {1, 2, 3}), product}));
  fold_qdq(b.graph);
  const std::string text = nodes_of(b.graph);
  INFO(text);
  CHECK(b.graph.nodes().size() == 1);
  CHECK(count(text, "y = octet.MatMulIntegerToFloat(codes") == 1);
}

TEST_CASE("weights with a scale along another axis than the channels stay float") {
  GraphBuilder b;
  const ValueId codes = b.input("codes", {2, 4}, DType::UInt8);
  const ValueId zero = b.graph.add_constant("zero", Tensor::scalar<uint8_t>(128));
  const ValueId x =
      b.node("DequantizeLinear", "x", {codes, b.constant("x_scale", {}, {0.5f}), zero});
  const ValueId w_codes = b.graph.add_constant(
      "w_codes", Tensor::of<int8_t>({4, 4}, std::span<const int8_t>(std::vector<int8_t>(16, 1))));
  const ValueId w =
      b.node("DequantizeLinear", "w", {w_codes, b.constant("w_scale", {4}, {1, 2, 3, 4})},
             {{"axis", int64_t{0}}});
  b.output(b.node("MatMul", "y", {x, w}));
  fold_qdq(b.graph);
  CHECK(count(nodes_of(b.graph), "= MatMul(") == 1);
}

namespace {
// A quantized convolution of `channels` channels, an activation, and a pool of squares of `side`.
std::string lowered_pool(int64_t channels, const char* activation, int64_t side) {
  GraphBuilder b;
  const ValueId scale = b.constant("s", {}, {0.5f});
  const ValueId zero = b.graph.add_constant("z", Tensor::scalar<uint8_t>(0));
  const auto pair = [&](ValueId x, const std::string& name) {
    const ValueId q = b.node("QuantizeLinear", (name + "_q").c_str(), {x, scale, zero});
    return b.node("DequantizeLinear", (name + "_dq").c_str(), {q, scale, zero});
  };
  const ValueId w = b.node(
      "DequantizeLinear", "w",
      {b.graph.add_constant(
           "w_codes", Tensor::of<int8_t>({4, channels, 1, 1}, std::vector<int8_t>(4 * channels))),
       b.constant("w_s", {}, {2})});
  const ValueId conv = b.node("Conv", "conv", {pair(b.input("x", {1, channels, 8, 8}), "x"), w});
  const ValueId pool = b.node("MaxPool", "pool", {b.node(activation, "act", {conv})},
                              {{"kernel_shape", std::vector<int64_t>{side, side}},
                               {"strides", std::vector<int64_t>{2, 2}}});
  b.output(pair(pool, "y"));
  return lowered(b.graph);
}
} // namespace

TEST_CASE("a pool of two by two pixels joins a convolution of odd channels whose result rises") {
  const std::string joined = lowered_pool(3, "Relu", 2);
  INFO(joined);
  CHECK(count(joined, "MaxPool(") == 0);
  CHECK(count(joined, "pool=1") == 1);
  CHECK(count(lowered_pool(3, "Relu", 3), "MaxPool(") == 1);
  CHECK(count(lowered_pool(4, "Relu", 2), "MaxPool(") == 1);
  CHECK(count(lowered_pool(3, "HardSwish", 2), "MaxPool(") == 1);
}

namespace {
// A convolution, codes of scale `inner`, an activation, and codes of scale `outer`.
class RoundedConv : public GraphBuilder {
public:
  RoundedConv(const char* activation, float inner, float outer) {
    const ValueId w_codes =
        graph.add_constant("w_codes", Tensor::of<int8_t>({4, 4, 1, 1}, std::vector<int8_t>(16, 1)));
    const ValueId w = node("DequantizeLinear", "w", {w_codes, constant("w_s", {}, {2})});
    const ValueId x = pair("x", input("in", {1, 4, 8, 8}), 0.5f);
    rounded = pair("a", node("Conv", "conv", {x, w}), inner);
    output(pair("y", node(activation, "act", {rounded}), outer));
  }

  ValueId pair(const std::string& name, ValueId x, float scale) {
    const ValueId s = constant((name + "_s").c_str(), {}, {scale});
    const ValueId z = graph.add_constant(name + "_z", Tensor::scalar<uint8_t>(100));
    const ValueId q = node("QuantizeLinear", (name + "_q").c_str(), {x, s, z});
    return node("DequantizeLinear", (name + "_dq").c_str(), {q, s, z});
  }

  ValueId rounded;
};
} // namespace

TEST_CASE("a product rounds to the codes that its activation reads") {
  for (const char* activation : {"HardSwish", "LeakyRelu"}) {
    RoundedConv conv(activation, 0.0390625f, 0.02734375f);
    const std::string text = lowered(conv.graph);
    INFO(text);
    CHECK(count(text, "octet.ConvIntegerToCodes(") == 1);
    CHECK(count(text, concat("activation=\"", activation, "\"")) == 1);
    CHECK(count(text, "inner_scale=0.0390625") == 1);
    CHECK(count(text, "inner_low=-100") == 1);
    CHECK(count(text, "inner_high=155") == 1);
    CHECK(count(text, "octet.Lookup(") == 0);
  }
}

TEST_CASE(
    "an activation stays a table where others read the codes before it, or no product knows it") {
  RoundedConv shared("HardSwish", 0.0390625f, 0.02734375f);
  shared.output(shared.node("Softmax", "other", {shared.rounded}));
  CHECK(count(lowered(shared.graph), "octet.Lookup(") == 1);
  RoundedConv other("Sigmoid", 0.0390625f, 0.00390625f);
  CHECK(count(lowered(other.graph), "octet.Lookup(") == 1);
}

TEST_CASE("operators on codes run as what they stand for, on codes") {
  GraphBuilder b;
  const auto bytes = [&](const char* name, Shape shape, std::vector<uint8_t> values) {
    return b.graph.add_constant(
        name, Tensor::of<uint8_t>(std::move(shape), std::span<const uint8_t>(values)));
  };
  const ValueId scale = b.constant("scale", {}, {0.1f}), zero = bytes("zero", {}, {128});
  const ValueId w = bytes("w", {1, 1, 1, 1}, {200});
  const auto contrib = [&](const char* op_type, const char* output, std::vector<ValueId> inputs) {
    const ValueId out = b.node(op_type, output, std::move(inputs));
    b.graph.node(b.graph.value(out).producer).domain = "com.microsoft";
    return out;
  };
  const ValueId x = b.node("QuantizeLinear", "x_codes", {b.input("x", {1, 1, 4, 4}), scale, zero});
  const ValueId conv = b.node("QLinearConv", "conv", {x, scale, zero, w, scale, zero, scale, zero});
  const auto pool = [&](const char* name, ValueId in) {
    return b.node("MaxPool", name, {in}, {{"kernel_shape", std::vector<int64_t>{2, 2}}});
  };
  const ValueId sum = contrib(
      "QLinearAdd", "sum", {pool("a", conv), scale, zero, pool("b", x), scale, zero, scale, zero});
  const ValueId leaky = contrib("QLinearLeakyRelu", "leaky", {sum, scale, zero, scale, zero});
  b.output(b.node("DequantizeLinear", "y", {leaky, scale, zero}));
  const std::string text = lowered(b.graph);
  INFO(text);
  CHECK(count(text, "ConvIntegerTo") == 1);
  CHECK(count(text, "octet.Add") == 1);
  CHECK(count(text, "octet.Lookup") == 1);
  CHECK(count(text, "QLinear") == 0);
  CHECK(count(text, "QuantizeLinear") == 0);
}

// Chains of codes, as printed graphs.
#include "passes/chain_codes.h"

#include <catch2/catch.hpp>

#include "ops/registry.h"
#include "passes/fold_qdq.h"
#include "passes/fuse_lookup.h"
#include "tests/support/graph_builder.h"

using namespace octet;
using octet::test::GraphBuilder;
using octet::test::nodes_of;

namespace {
// Graphs in which every value goes through a pair of QuantizeLinear and DequantizeLinear.
class QdqBuilder : public GraphBuilder {
public:
  ValueId pair(const char* name, ValueId x, float scale = 0.5f, uint8_t zero = 128) {
    const std::string base = name;
    const ValueId s = constant((base + "_s").c_str(), {}, {scale});
    const ValueId z = graph.add_constant(base + "_z", Tensor::scalar<uint8_t>(zero));
    const ValueId q = node("QuantizeLinear", (base + "_q").c_str(), {x, s, z});
    return node("DequantizeLinear", (base + "_dq").c_str(), {q, s, z});
  }

  // A convolution of 4 channels to 4.
  ValueId conv(const char* name, ValueId x, std::vector<float> bias = {}) {
    const std::string base = name;
    const ValueId w_codes = graph.add_constant(
        base + "_w", Tensor::of<int8_t>({4, 4, 1, 1}, std::vector<int8_t>(16, 1)));
    const ValueId w = node("DequantizeLinear", (base + "_w_dq").c_str(),
                           {w_codes, constant((base + "_w_s").c_str(), {4}, {1, 2, 3, 4})},
                           {{"axis", int64_t{0}}});
    std::vector<ValueId> inputs{x, w};
    if (!bias.empty()) inputs.push_back(constant((base + "_b").c_str(), {4}, bias));
    return node("Conv", name, inputs);
  }

  std::string chained() {
    std::vector<ValueFact> facts;
    for (ValueId id : graph.inputs())
      facts.push_back({.dtype = graph.value(id).type.dtype, .shape = graph.value(id).type.shape});
    std::vector<const ValueFact*> pointers;
    for (const ValueFact& fact : facts) pointers.push_back(&fact);
    GraphFacts known = propagate(graph, pointers, nullptr);
    fold_qdq(graph);
    chain_codes(graph, known);
    return nodes_of(graph);
  }
};

size_t count(const std::string& text, const std::string& word) {
  size_t n = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++n;
  return n;
}

// No real numbers but at the ends.
void check_ends_only(const std::string& text) {
  CHECK(count(text, "QuantizeLinear(") == 0);
  CHECK(count(text, "octet.Quantize(") == 1);
  CHECK(count(text, "DequantizeLinear(") == 1);
  CHECK(count(text, "ToFloat(") == 0);
}
} // namespace

TEST_CASE("convolutions hand codes to one another, a ReLU between them as bounds") {
  QdqBuilder b;
  const ValueId x = b.pair("x", b.input("in", {1, 4, 3, 3}));
  const ValueId a = b.pair("a", b.node("Relu", "relu", {b.conv("conv_a", x, {1, 2, 3, 4})}));
  b.output(b.pair("y", b.conv("conv_b", a)));
  const std::string text = b.chained();
  INFO(text);
  check_ends_only(text);
  CHECK(count(text, "octet.ConvIntegerToCodes(") == 2);
  CHECK(count(text, "low=0") == 1);
  CHECK(count(text, "low=-128") == 2); // the input's and the last convolution's
  CHECK(count(text, "Relu(") == 0);
}

TEST_CASE("residual sums, means and moved elements stay codes") {
  QdqBuilder b;
  const ValueId x = b.pair("x", b.input("in", {1, 4, 4, 4}));
  const ValueId a = b.pair("a", b.conv("conv", x), 0.25f);
  const ValueId sum = b.pair("sum", b.node("Add", "add", {x, a}));
  const ValueId pooled = b.pair(
      "pooled", b.node("MaxPool", "pool", {sum}, {{"kernel_shape", std::vector<int64_t>{2, 2}}}));
  const ValueId mean = b.pair("mean", b.node("GlobalAveragePool", "average", {pooled}));
  b.output(b.node("Flatten", "y", {mean}));
  const std::string text = b.chained();
  INFO(text);
  check_ends_only(text);
  CHECK(count(text, "octet.Add(") == 1);
  CHECK(count(text, "= MaxPool(") == 1);
  CHECK(count(text, "octet.GlobalAveragePoolCodes(") == 1);
  CHECK(count(text, "octet.Lookup(") == 0);
}

TEST_CASE("HardSwish and an affine function of it are part of the product") {
  QdqBuilder b;
  const ValueId x = b.pair("x", b.input("in", {1, 4, 3, 3}));
  const ValueId swish = b.node("HardSwish", "swish", {b.conv("conv", x)});
  const ValueId scaled = b.node("Mul", "scaled", {b.constant("three", {1}, {3}), swish});
  const ValueId shifted = b.node("Add", "shifted", {scaled, b.constant("two", {}, {2})});
  b.output(b.pair("y", b.node("Mul", "halved", {shifted, b.constant("half", {}, {0.5f})})));
  const std::string text = b.chained();
  INFO(text);
  check_ends_only(text);
  CHECK(b.graph.nodes().size() == 3);
  CHECK(count(text, "activation=\"HardSwish\"") == 1);
  CHECK(count(text, "out_scale=1.5") == 1);
  CHECK(count(text, "out_shift=1") == 1);
}

TEST_CASE("what depends on one tensor alone is one table") {
  QdqBuilder b;
  const ValueId x = b.pair("x", b.input("in", {1, 4, 4, 4}));
  const ValueId gate = b.pair("gate", b.node("Sigmoid", "sigmoid", {x}), 1.0f / 255, 0);
  const ValueId swish = b.node("Mul", "mul", {x, gate});
  b.output(b.pair("y", b.node("Mul", "half", {swish, b.constant("c", {1}, {0.5f})})));
  const std::string text = b.chained();
  INFO(text);
  check_ends_only(text);
  CHECK(count(text, "octet.Lookup(") == 1);
  CHECK(count(text, "Mul(") == 0);
}

TEST_CASE("a table becomes part of a product only where its formula gives every entry") {
  for (const int64_t error : {0, 1}) {
    QdqBuilder b;
    const ValueId x = b.pair("x", b.input("in", {1, 4, 3, 3}));
    const ValueId a = b.pair("a", b.conv("conv", x), 0.0371f);
    b.output(b.pair("y", b.node("HardSwish", "swish", {a}), 0.0262f));
    b.chained();
    for (NodeId id : b.graph.nodes()) {
      Node& node = b.graph.node(id);
      if (node.op_type != "Lookup") continue;
      std::vector<int64_t> table = node.attributes.get_ints("table");
      table[200] += error;
      node.attributes.set("table", std::move(table));
    }
    fuse_lookup(b.graph);
    const std::string text = nodes_of(b.graph);
    INFO(text);
    CHECK(count(text, "octet.Lookup(") == static_cast<size_t>(error));
    CHECK(count(text, "inner_scale") == static_cast<size_t>(1 - error));
  }
}

TEST_CASE("tensors of other scales are converted by a table before they are joined") {
  QdqBuilder b;
  const ValueId x = b.pair("x", b.input("in", {1, 4, 4, 4}));
  const ValueId a = b.pair("a", b.conv("conv", x), 0.25f);
  const ValueId joined = b.node("Concat", "joined", {x, a}, {{"axis", int64_t{1}}});
  b.output(b.pair("y", joined));
  const std::string text = b.chained();
  INFO(text);
  check_ends_only(text);
  CHECK(count(text, "octet.Lookup(") == 1);
  CHECK(count(text, "= Concat(") == 1);
}

TEST_CASE("real numbers stay where something reads them") {
  QdqBuilder b;
  const ValueId x = b.pair("x", b.input("in", {1, 4, 3, 3}));
  const ValueId conv = b.conv("conv", x);
  b.output(b.pair("y", b.node("Softmax", "softmax", {b.pair("a", conv)})));
  b.output(conv);
  const std::string text = b.chained();
  INFO(text);
  CHECK(count(text, "octet.ConvIntegerToFloat(") == 1);
  CHECK(count(text, "octet.Quantize(") == 3);
  CHECK(count(text, "= Softmax(") == 1);
}

TEST_CASE("quantized bytes that are an output stay bytes") {
  QdqBuilder b;
  const ValueId x = b.pair("x", b.input("in", {1, 4, 3, 3}));
  const ValueId s = b.constant("s", {}, {0.5f});
  const ValueId z = b.graph.add_constant("z", Tensor::scalar<int8_t>(3));
  b.output(b.node("QuantizeLinear", "y", {b.conv("conv", x), s, z}));
  const std::string text = b.chained();
  INFO(text);
  CHECK(count(text, "octet.ConvIntegerToCodes(") == 1);
  CHECK(count(text, "y = octet.Shift(") == 1);
}

TEST_CASE("a candidate is compared as codes with a reference of float32 alone") {
  for (const DType dtype : {DType::Float32, DType::Float64}) {
    QdqBuilder b;
    const ValueId x = b.pair("x", b.input("in", {2, 3}));
    const ValueId sums = b.graph.add_value("sums");
    b.graph.add_node({.name = "sums",
                      .op_type = "Compare",
                      .domain = std::string(kLoweredDomain),
                      .inputs = {b.input("reference", {2, 3}, dtype), x},
                      .outputs = {sums}});
    b.output(sums);
    const std::string text = b.chained();
    INFO(text);
    CHECK(count(text, "DequantizeLinear(") == (dtype == DType::Float32 ? 0 : 1));
  }
}

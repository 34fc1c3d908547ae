// Codes of powers of two between a real value and its readers.
#include <catch2/catch.hpp>

#include "ops/propagate.h"
#include "passes/fold_log2.h"
#include "passes/fold_qdq.h"
#include "tests/support/graph_builder.h"

using namespace octet;
using octet::test::GraphBuilder;
using octet::test::nodes_of;

namespace {
struct Levels {
  GraphBuilder b;
  ValueId x = b.input("x", {2, 600});
  ValueId zero = b.graph.add_constant("zero", Tensor::scalar<uint8_t>(0));

  ValueId own(const char* op_type, const char* output, ValueId in, ValueId zero, ValueId levels) {
    const ValueId out = b.node(op_type, output, {in, zero, levels});
    b.graph.node(b.graph.value(out).producer).domain = "ai.octet";
    return out;
  }
  ValueId through(ValueId levels) {
    return own("Log2Dequantize", "real", own("Log2Quantize", "codes", x, zero, levels), zero,
               levels);
  }
  ValueId table(int count) {
    std::vector<float> levels{0};
    for (int i = 0; i < count; ++i) levels.push_back(static_cast<float>(1 << i) / 4);
    const auto length = static_cast<int64_t>(levels.size());
    return b.constant("levels", {length}, std::move(levels));
  }
  ValueId multiply(ValueId real) {
    std::vector<int8_t> weights(600 * 2, 1);
    const ValueId w =
        b.graph.add_constant("w", Tensor::of<int8_t>({600, 2}, std::span<const int8_t>(weights)));
    const ValueId dequantized =
        b.node("DequantizeLinear", "dw", {w, b.constant("w_scale", {}, {0.5f})});
    return b.node("MatMul", "y", {real, dequantized});
  }
};
} // namespace

TEST_CASE("a product reads powers of two as integers where its sums have room") {
  Levels l;
  l.b.output(l.multiply(l.through(l.table(14))));
  fold_log2(l.b.graph);
  fold_qdq(l.b.graph);
  CHECK(nodes_of(l.b.graph) ==
        "x_levels__9 = octet.Log2Levels(x) {first=-2, positive=14, negative=0}\n"
        "y = octet.MatMulIntegerToFloat(x_levels__9, w, smallest_level__10, w_scale, _, _, _) "
        "{wide=1}\n");
}

TEST_CASE("where they have none it multiplies the real numbers") {
  Levels l;
  l.b.output(l.multiply(l.through(l.table(15))));
  fold_log2(l.b.graph);
  fold_qdq(l.b.graph);
  CHECK(nodes_of(l.b.graph) ==
        "x_levels__9 = octet.Log2Levels(x) {first=-2, positive=15, negative=0}\n"
        "real = DequantizeLinear(x_levels__9, smallest_level__10)\n"
        "dw = DequantizeLinear(w, w_scale)\n"
        "y = MatMul(real, dw)\n");
}

TEST_CASE("codes that somebody else reads stay, and other levels are read as they are") {
  Levels l;
  const ValueId levels = l.table(3), others = l.b.constant("others", {4}, {0, 2, 4, 8});
  const ValueId codes = l.own("Log2Quantize", "codes", l.x, l.zero, levels);
  l.b.output(codes);
  l.b.output(l.own("Log2Dequantize", "same", codes, l.zero, levels));
  l.b.output(l.own("Log2Dequantize", "other", codes, l.zero, others));
  fold_log2(l.b.graph);
  CHECK(nodes_of(l.b.graph) ==
        "x_levels__7 = octet.Log2Levels(x) {first=-2, positive=3, negative=0}\n"
        "codes = ai.octet.Log2Quantize(x, zero, levels)\n"
        "same = DequantizeLinear(x_levels__7, smallest_level__8)\n"
        "other = ai.octet.Log2Dequantize(codes, zero, others)\n");
}

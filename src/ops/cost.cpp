#include "ops/cost.h"

namespace octet {

double multiply_adds(const Node& node, const GraphFacts& facts) {
  const auto shape = [&](size_t i) -> const Shape* {
    const ValueFact* fact = i < node.inputs.size() ? facts.find(node.inputs[i]) : nullptr;
    return fact && fact->shape ? &*fact->shape : nullptr;
  };
  const ValueFact* out = node.outputs.empty() ? nullptr : facts.find(node.outputs[0]);
  if (!out || !out->shape) return 0;
  const auto elements = static_cast<double>(out->shape->elements());
  const std::string& op = node.op_type;
  if (op == "Conv" || op == "ConvInteger" || op == "ConvIntegerToFloat" ||
      op == "ConvIntegerToCodes" || op == "QLinearConv") {
    const Shape* w = shape(op == "QLinearConv" ? 3 : 1);
    const double pooled = node.attributes.get_int("pool", 0) != 0 ? 4 : 1;
    return w && w->rank() >= 2 ? elements * pooled * static_cast<double>(w->elements(1, w->rank()))
                               : 0;
  }
  if (op == "ConvTranspose") {
    const Shape *x = shape(0), *w = shape(1);
    return x && w && w->rank() >= 2
               ? static_cast<double>(x->elements()) * static_cast<double>(w->elements(1, w->rank()))
               : 0;
  }
  if (op == "MatMul" || op == "MatMulInteger" || op == "MatMulIntegerToFloat" ||
      op == "MatMulIntegerToCodes" || op == "QLinearMatMul") {
    const Shape* a = shape(0);
    return a && a->rank() ? elements * static_cast<double>(a->back()) : 0;
  }
  if (op == "Gemm") {
    const Shape* a = shape(0);
    const bool transposed = node.attributes.get_int("transA", 0) != 0;
    return a && a->rank() == 2 ? elements * static_cast<double>((*a)[transposed ? 0 : 1]) : 0;
  }
  if (op == "LSTM" || op == "GRU" || op == "RNN" || op == "DynamicQuantizeLSTM") {
    const Shape *x = shape(0), *w = shape(1), *r = shape(2);
    if (!x || !w || !r || x->rank() != 3) return 0;
    return static_cast<double>((*x)[0] * (*x)[1]) *
           static_cast<double>(w->elements() + r->elements());
  }
  return 0;
}

double bytes_moved(const Node& node, const GraphFacts& facts) {
  double bytes = 0;
  for (const auto* list : {&node.inputs, &node.outputs})
    for (ValueId id : *list)
      if (const ValueFact* fact = facts.find(id); fact && fact->shape)
        bytes += static_cast<double>(dtype_bytes(fact->dtype, fact->shape->elements()));
  return bytes;
}

} // namespace octet

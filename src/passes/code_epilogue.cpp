#include "passes/code_epilogue.h"

#include <algorithm>

#include "passes/match.h"

namespace octet {
namespace {
class EpilogueFinder {
public:
  EpilogueFinder(const Graph& graph, const GraphFacts& facts, const CodeParams& params)
      : graph_(graph), facts_(facts), params_(params) {}

  CodeEpilogue find(ValueId x) const {
    CodeEpilogue epilogue{
        .maker = graph_.value(x).producer, .low = params_.low(), .high = params_.high()};
    if (epilogue.maker) clamp(graph_.node(epilogue.maker), epilogue);
    activate(epilogue);
    return epilogue;
  }

private:
  // What makes a value that one node alone reads.
  NodeId inner_maker(ValueId inner) const {
    return graph_.value(inner).uses == 1 ? graph_.value(inner).producer : NodeId();
  }

  // The operand of a node, the other one being a number that adds no dims.
  std::optional<ConstantOperand> beside_number(const Node& node) const {
    const auto operand = constant_operand(graph_, node);
    if (!operand || operand->constant->elements() != 1 ||
        operand->constant->dtype() != DType::Float32)
      return std::nullopt;
    const ValueId out = node.outputs[0];
    const bool known = facts_.covers(out) && facts_.covers(operand->data) && facts_[out].shape;
    const bool keeps_shape = known && facts_[out].shape == facts_[operand->data].shape;
    return keeps_shape || operand->constant->shape().rank() == 0 ? operand : std::nullopt;
  }

  // Takes in Relu, Clip, and Max and Min with a number.
  void clamp(const Node& node, CodeEpilogue& epilogue) const {
    if (is_op(node, "Relu")) {
      epilogue.low = std::max(epilogue.low, 0);
      epilogue.maker = inner_maker(node.inputs[0]);
    } else if (is_op(node, "Clip")) {
      const auto clip = clip_bounds(graph_, node);
      if (!clip) return;
      epilogue.low = params_.code(clip->low);
      epilogue.high = params_.code(clip->high);
      epilogue.maker = inner_maker(node.inputs[0]);
    } else if (is_op(node, "Max") || is_op(node, "Min")) {
      const auto operand = beside_number(node);
      if (!operand) return;
      const int32_t code = params_.code(operand->constant->values<float>()[0]);
      (node.op_type == "Max" ? epilogue.low : epilogue.high) = code;
      epilogue.maker = inner_maker(operand->data);
    }
  }

  static bool is_activation(const Node& node) {
    const float alpha = node.attributes.get_float("alpha", 0.01f);
    return is_op(node, "HardSwish") || (is_op(node, "LeakyRelu") && alpha >= 0 && alpha <= 1);
  }

  // Takes in an activation and the multiplications and additions of numbers behind it.
  void activate(CodeEpilogue& epilogue) const {
    CodeEpilogue found = epilogue;
    while (found.maker) {
      const Node& node = graph_.node(found.maker);
      if (is_activation(node)) {
        found.maker = inner_maker(node.inputs[0]);
        found.activation = node.op_type;
        found.alpha = node.attributes.get_float("alpha", 0.01f);
        if (std::isfinite(found.scale) && found.scale > 0 && std::isfinite(found.shift))
          epilogue = found;
        return;
      }
      const bool multiplies = is_op(node, "Mul");
      const auto operand = multiplies || is_op(node, "Add") ? beside_number(node) : std::nullopt;
      if (!operand) return;
      const float number = operand->constant->values<float>()[0];
      found.shift += multiplies ? 0 : found.scale * number;
      found.scale *= multiplies ? number : 1;
      found.maker = inner_maker(operand->data);
    }
  }

  const Graph& graph_;
  const GraphFacts& facts_;
  const CodeParams& params_;
};
} // namespace

void CodeEpilogue::write_to(Node& lowered) const {
  lowered.attributes.set("low", int64_t{low});
  lowered.attributes.set("high", int64_t{high});
  if (activation.empty()) return;
  lowered.attributes.set("activation", activation);
  lowered.attributes.set("alpha", alpha);
  lowered.attributes.set("out_scale", scale);
  lowered.attributes.set("out_shift", shift);
}

CodeEpilogue find_code_epilogue(const Graph& graph, const GraphFacts& facts, ValueId x,
                                const CodeParams& params) {
  return EpilogueFinder(graph, facts, params).find(x);
}

} // namespace octet

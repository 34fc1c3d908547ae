#include "passes/code_epilogue.h"

#include <algorithm>

#include "passes/match.h"

namespace octet {
namespace {
// What makes a value that one node alone reads.
NodeId inner_maker(const Graph& graph, ValueId inner) {
  return graph.value(inner).uses == 1 ? graph.value(inner).producer : NodeId();
}

bool clamp(const Graph& graph, const Node& node, const CodeParams& params, CodeEpilogue& epilogue) {
  if (is_op(node, "Relu")) {
    epilogue.low = std::max(epilogue.low, 0);
    return true;
  }
  const auto clip = is_op(node, "Clip") ? clip_bounds(graph, node) : std::nullopt;
  if (!clip) return false;
  epilogue.low = params.code(clip->low);
  epilogue.high = params.code(clip->high);
  return true;
}

// The operand of a multiplication with one number or an addition of one.
std::optional<ConstantOperand> affine(const Graph& graph, const Node& node) {
  if (!is_op(node, "Mul") && !is_op(node, "Add")) return std::nullopt;
  const auto operand = constant_operand(graph, node);
  const bool fits = operand && operand->constant->elements() == 1 &&
                    operand->constant->shape().rank() <= 1 &&
                    operand->constant->dtype() == DType::Float32;
  return fits ? operand : std::nullopt;
}

// HardSwish and what may stand behind it.
void find_hard_swish(const Graph& graph, CodeEpilogue& epilogue) {
  CodeEpilogue found = epilogue;
  while (found.maker) {
    const Node& node = graph.node(found.maker);
    if (is_op(node, "HardSwish")) {
      found.maker = inner_maker(graph, node.inputs[0]);
      found.hard_swish = true;
      if (std::isfinite(found.scale) && std::isfinite(found.shift)) epilogue = found;
      return;
    }
    const auto operand = affine(graph, node);
    if (!operand) return;
    const float number = operand->constant->values<float>()[0];
    if (node.op_type == "Mul")
      found.scale *= number;
    else
      found.shift += found.scale * number;
    found.maker = inner_maker(graph, operand->data);
  }
}
} // namespace

void CodeEpilogue::write_to(Node& lowered) const {
  lowered.attributes.set("low", int64_t{low});
  lowered.attributes.set("high", int64_t{high});
  if (!hard_swish) return;
  lowered.attributes.set("activation", std::string("HardSwish"));
  lowered.attributes.set("out_scale", scale);
  lowered.attributes.set("out_shift", shift);
}

CodeEpilogue find_code_epilogue(const Graph& graph, ValueId x, const CodeParams& params) {
  CodeEpilogue epilogue{
      .maker = graph.value(x).producer, .low = params.low(), .high = params.high()};
  if (epilogue.maker) {
    const Node& node = graph.node(epilogue.maker);
    if (clamp(graph, node, params, epilogue)) epilogue.maker = inner_maker(graph, node.inputs[0]);
  }
  find_hard_swish(graph, epilogue);
  return epilogue;
}

} // namespace octet

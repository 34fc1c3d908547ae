// If: runs one of two subgraphs. A condition known while planning leaves one to plan; otherwise
// both are planned, and the outputs' shapes are known when the branches agree.
#include "ops/op_def.h"

namespace octet {
namespace {
const Graph& branch_of(const NodeContext& ctx, const char* name) {
  const auto* graph = ctx.attributes().find_graph(name);
  if (!graph || !*graph) ctx.fail("attribute '", name, "' is missing");
  if ((*graph)->outputs().size() != ctx.node().outputs.size())
    ctx.fail(name, " has ", (*graph)->outputs().size(), " outputs, not ",
             ctx.node().outputs.size());
  return **graph;
}

// Which branch runs, when that is known.
std::optional<bool> known_condition(const NodeContext& ctx) {
  const ValueFact& condition = ctx.input(0);
  if (condition.dtype != DType::Bool || condition.shape->elements() != 1)
    ctx.fail("the condition must be one bool");
  if (!condition.value) return std::nullopt;
  return condition.value->bytes()[0] != 0;
}

const char* branch_name(bool condition) {
  return condition ? "then_branch" : "else_branch";
}

void infer_if(InferContext& ctx) {
  const auto condition = known_condition(ctx);
  if (!ctx.host()) return; // nothing is known without a runtime
  const auto infer_branch = [&](bool which) {
    return ctx.host()->infer(branch_of(ctx, branch_name(which)), ctx.captures());
  };
  ctx.outputs() = infer_branch(condition.value_or(true));
  if (condition) return;
  const std::vector<ValueFact> other = infer_branch(false);
  for (size_t i = 0; i < other.size(); ++i) {
    ValueFact& out = ctx.outputs()[i];
    if (out.dtype != other[i].dtype && out.dtype != DType::Undefined &&
        other[i].dtype != DType::Undefined)
      ctx.fail("output ", i, " is ", dtype_name(out.dtype), " in one branch and ",
               dtype_name(other[i].dtype), " in the other");
    out.value.reset();
    if (out.shape != other[i].shape) out.shape.reset();
  }
}

Kernel prepare_if(PrepareContext& ctx) {
  const auto condition = known_condition(ctx);
  const auto plan_branch = [&](bool which) -> std::shared_ptr<SubgraphPlan> {
    if (condition && *condition != which) return nullptr;
    return ctx.host()->plan(branch_of(ctx, branch_name(which)), ctx.captures());
  };
  return [then_plan = plan_branch(true), else_plan = plan_branch(false),
          captures = ctx.captures().size(), outputs = ctx.output_count()](const RunContext& run) {
    const auto& chosen = *run.input<uint8_t>(0) ? then_plan : else_plan;
    chosen->run({run.captures, captures}, {run.outputs, outputs});
  };
}
} // namespace

extern const OpDef op_if{.infer = infer_if, .prepare = prepare_if};

} // namespace octet

// If: runs one of two subgraphs. A condition known while planning leaves one to plan; otherwise
// both are planned, and the outputs' shapes are known when the branches agree.
#include "ops/op_def.h"
#include "ops/values.h"

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

std::vector<ValueFact> infer_branch(const InferContext& ctx, bool which) {
  return ctx.host()->infer(branch_of(ctx, branch_name(which)), ctx.captures());
}

// A branch that will not be taken need not fit the shapes at hand, so while the condition is open a
// branch that can't be inferred only leaves the shapes open.
std::optional<std::vector<ValueFact>> try_branch(const InferContext& ctx, bool which) {
  try {
    return infer_branch(ctx, which);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::OutOfMemory) throw;
    return std::nullopt;
  }
}

void infer_if(InferContext& ctx) {
  const auto condition = known_condition(ctx);
  if (!ctx.host()) return; // nothing is known without a runtime
  if (condition) {
    ctx.outputs() = infer_branch(ctx, *condition);
    return;
  }
  const auto taken = try_branch(ctx, true), other = try_branch(ctx, false);
  if (!taken || !other) return;
  for (size_t i = 0; i < other->size(); ++i) {
    ValueFact& out = ctx.outputs()[i];
    const ValueFact &a = (*taken)[i], &b = (*other)[i];
    if (a.dtype != b.dtype && a.dtype != DType::Undefined && b.dtype != DType::Undefined)
      ctx.fail("output ", i, " is ", dtype_name(a.dtype), " in one branch and ",
               dtype_name(b.dtype), " in the other");
    out.dtype = a.dtype;
    if (a.shape == b.shape) out.shape = a.shape;
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

std::vector<Tensor> compute_if(const NodeContext& ctx) {
  const Graph& branch = branch_of(ctx, branch_name(*known_condition(ctx)));
  return ctx.host()->run(branch, values_of(ctx.captures()));
}
} // namespace

extern const OpDef op_if{.infer = infer_if, .prepare = prepare_if, .compute = compute_if};

} // namespace octet

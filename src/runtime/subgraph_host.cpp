#include "runtime/subgraph_host.h"

#include <algorithm>
#include <cstring>

namespace octet {
namespace {
constexpr size_t kMaxLowered = 64;

// A subgraph's plan with an arena of its own, run inside a step of the enclosing plan.
class OwnedPlan final : public SubgraphPlan {
public:
  explicit OwnedPlan(std::unique_ptr<Plan> plan)
      : plan_(std::move(plan)), arena_(plan_->arena_bytes()), outputs_(plan_->output_facts()) {}

  const std::vector<ValueFact>& outputs() const override { return outputs_; }

  void run(std::span<const void* const> inputs, std::span<void* const> outputs) override {
    plan_->run(arena_.data(), inputs, nullptr);
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (!outputs[i]) continue;
      const Tensor result = plan_->output(i);
      std::memcpy(outputs[i], result.bytes(), result.size_bytes());
    }
  }

private:
  std::unique_ptr<Plan> plan_;
  Buffer arena_;
  std::vector<ValueFact> outputs_;
};
} // namespace

std::shared_ptr<const Graph> LoweringHost::lowered(const Graph& source,
                                                   std::span<const ValueFact* const> inputs) {
  std::vector<std::pair<DType, size_t>> signature;
  std::vector<Tensor> known;
  for (const ValueFact* fact : inputs) {
    signature.emplace_back(fact->dtype, fact->shape->rank());
    known.push_back(fact->value.value_or(Tensor()));
  }
  for (const Lowered& entry : lowered_)
    if (entry.source == &source && entry.signature == signature &&
        std::equal(known.begin(), known.end(), entry.known.begin(), same_contents))
      return entry.graph;
  auto graph = std::make_shared<Graph>(source);
  lower_(*graph, inputs, *this);
  lowered_.push_front({&source, std::move(signature), std::move(known), std::move(graph)});
  if (lowered_.size() > kMaxLowered) lowered_.pop_back();
  return lowered_.front().graph;
}

std::unique_ptr<Plan> LoweringHost::make_plan(const Graph& graph,
                                              std::span<const ValueFact* const> inputs) {
  return std::make_unique<Plan>(lowered(graph, inputs), inputs, weights_, *this, workers_);
}

std::vector<ValueFact> LoweringHost::infer(const Graph& graph,
                                           std::span<const ValueFact* const> inputs) {
  const GraphFacts facts = propagate(graph, inputs, this);
  std::vector<ValueFact> out;
  for (ValueId id : graph.outputs()) out.push_back(facts[id]);
  return out;
}

std::unique_ptr<SubgraphPlan> LoweringHost::plan(const Graph& graph,
                                                 std::span<const ValueFact* const> inputs) {
  return std::make_unique<OwnedPlan>(make_plan(graph, inputs));
}

} // namespace octet

#include "runtime/subgraph_host.h"

#include <algorithm>
#include <cstring>

namespace octet {
namespace {
constexpr size_t kMaxLowered = 64;
constexpr size_t kMaxKept = 32;
} // namespace

class LoweringHost::OwnedPlan final : public SubgraphPlan {
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

  std::vector<Tensor> run_on_values(std::span<const Tensor> inputs) {
    std::vector<const void*> pointers;
    for (const Tensor& t : inputs)
      pointers.push_back(is_dense(t.dtype()) ? t.aligned_bytes() : nullptr);
    plan_->run(arena_.data(), pointers, nullptr, inputs);
    std::vector<Tensor> results;
    for (size_t i = 0; i < outputs_.size(); ++i) results.push_back(plan_->output(i).kept());
    return results;
  }

private:
  std::unique_ptr<Plan> plan_;
  Buffer arena_;
  std::vector<ValueFact> outputs_;
};

LoweringHost::~LoweringHost() = default;

std::shared_ptr<const Graph> LoweringHost::lowered(const Graph& source,
                                                   std::span<const ValueFact* const> inputs) {
  std::vector<std::pair<DType, size_t>> signature;
  std::vector<Tensor> known;
  for (const ValueFact* fact : inputs) {
    signature.emplace_back(fact->dtype, fact->shape ? fact->shape->rank() : SIZE_MAX);
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

std::unique_ptr<Plan> LoweringHost::begin_plan(const Graph& graph,
                                               std::span<const ValueFact* const> inputs) {
  return std::make_unique<Plan>(lowered(graph, inputs), inputs, weights_, *this, workers_);
}

std::unique_ptr<Plan> LoweringHost::make_plan(const Graph& graph,
                                              std::span<const ValueFact* const> inputs) {
  auto made = begin_plan(graph, inputs);
  made->build(Deadline::never());
  return made;
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

std::shared_ptr<LoweringHost::OwnedPlan> LoweringHost::kept_plan(const Graph& graph,
                                                                 std::span<const Tensor> inputs) {
  std::vector<std::pair<DType, Shape>> signature;
  for (const Tensor& t : inputs) signature.emplace_back(t.dtype(), t.shape());
  const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const KeptPlan& kept) {
    return kept.source == &graph && kept.signature == signature;
  });
  if (found != kept_.end()) {
    std::rotate(kept_.begin(), found, found + 1);
    return kept_.front().plan;
  }
  const std::vector<ValueFact> facts = facts_to_plan(inputs);
  std::vector<const ValueFact*> pointers;
  for (const ValueFact& fact : facts) pointers.push_back(&fact);
  auto plan = std::make_shared<OwnedPlan>(make_plan(graph, pointers));
  kept_.push_front({&graph, std::move(signature), std::move(plan)});
  if (kept_.size() > kMaxKept) kept_.pop_back();
  return kept_.front().plan;
}

std::vector<Tensor> LoweringHost::run(const Graph& graph, std::span<const Tensor> inputs) {
  const std::shared_ptr<OwnedPlan> plan = kept_plan(graph, inputs);
  return plan->run_on_values(inputs);
}

} // namespace octet

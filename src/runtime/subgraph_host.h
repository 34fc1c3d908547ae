// Lowers and plans graphs and, at the request of If, Loop and Scan, their subgraphs.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "ops/op_def.h"
#include "runtime/plan.h"
#include "runtime/session.h"

namespace octet {

// Keeps one lowered copy of each graph per combination of input ranks and types (what lowering may
// depend on), plans of subgraphs that run on whole values, and the packed weights that all plans
// share.
class LoweringHost final : public SubgraphHost {
public:
  LoweringHost(Lowering lower, std::shared_ptr<ValueSink> sink, Workers workers)
      : lower_(std::move(lower)), sink_(std::move(sink)), workers_(workers) {}
  ~LoweringHost() override;

  // A plan that is still to be built.
  std::unique_ptr<Plan> begin_plan(const Graph& graph, std::span<const ValueFact* const> inputs);

  std::vector<ValueFact> infer(const Graph& graph,
                               std::span<const ValueFact* const> inputs) override;
  std::unique_ptr<SubgraphPlan> plan(const Graph& graph,
                                     std::span<const ValueFact* const> inputs) override;
  std::vector<Tensor> run(const Graph& graph, std::span<const Tensor> inputs) override;
  std::shared_ptr<ValueSink> sink() const override { return sink_; }

private:
  struct Lowered {
    const Graph* source;
    std::vector<std::pair<DType, size_t>> signature; // type and rank of each input
    std::vector<Tensor> known;                       // values lowering may have used
    std::shared_ptr<const Graph> graph;
  };
  // A plan with an arena of its own, run inside a step of the enclosing plan.
  class OwnedPlan;
  struct KeptPlan {
    const Graph* source;
    std::vector<std::pair<DType, Shape>> signature;
    std::shared_ptr<OwnedPlan> plan;
  };
  std::unique_ptr<Plan> make_plan(const Graph& graph, std::span<const ValueFact* const> inputs);
  std::shared_ptr<OwnedPlan> kept_plan(const Graph& graph, std::span<const Tensor> inputs);
  std::shared_ptr<const Graph> lowered(const Graph& source,
                                       std::span<const ValueFact* const> inputs);

  Lowering lower_;
  std::shared_ptr<ValueSink> sink_;
  Workers workers_;
  std::deque<Lowered> lowered_; // newest first, a bounded number
  std::deque<KeptPlan> kept_;   // most recently used first, a bounded number
  PackedWeights weights_;
};

} // namespace octet

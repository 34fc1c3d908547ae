// A model ready to run: lowered at the first run, planned for each set of input shapes.
//
// Not thread-safe: one run at a time. Plans for recent input shapes are kept and share packed
// weights.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/deadline.h"
#include "base/tensor.h"
#include "graph/graph.h"
#include "ops/propagate.h"
#include "runtime/profiler.h"

namespace octet {

// Rewrites a copy of the canonical graph into its executable form, given the facts of its values.
using Lowering =
    std::function<void(Graph& graph, std::span<const ValueFact* const> inputs, SubgraphHost&)>;

struct SessionOptions {
  // Values for symbolic input dimensions, by symbol ("batch" → 1).
  std::vector<std::pair<std::string, int64_t>> free_dimensions;
  bool profile = false;
  // Gets what the graph's Observe nodes read.
  std::shared_ptr<ValueSink> sink = nullptr;
  Workers workers = {}; // their threads outlive the session
};

// An input or output as the model declares it.
struct Port {
  std::string name;
  TensorType type;
  // Of an input that the model does not have: the caller feeds it with pixels, of the type's shape.
  std::optional<EncodedImage> image = {};
};

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

class Session {
public:
  // Takes a canonical graph.
  Session(std::unique_ptr<Graph> graph, Lowering lower, SessionOptions options);
  ~Session();

  // Those of the model, then those that images are fed to.
  const std::vector<Port>& inputs() const;
  const std::vector<Port>& outputs() const;

  // Runs once. Feeds must name every input exactly once, with its type and a shape that fits
  // (InvalidInput names the culprit otherwise). `fetches` empty: all outputs, in order. The tensors
  // returned point into the session's memory or, where an output is an input under another shape,
  // into that feed's, and are valid until the next run.
  std::vector<Tensor> run(std::span<const NamedTensor> feeds, std::span<const std::string> fetches);
  // The same without names: as many feeds as there are inputs(), in their order, which the caller
  // keeps while it reads results; outputs by their numbers.
  std::vector<Tensor> run_ordered(std::span<const Tensor> feeds, std::span<const size_t> fetches);

  // The same in pieces, for callers that want to attend to others in between: `begin`, then
  // `prepare` and `advance`, each until it returns false, then `results`. One that is given up is
  // forgotten at the next `begin`. The caller keeps feeds and fetches.
  void begin(std::span<const Tensor> feeds, std::span<const size_t> fetches);
  // Makes the plan, unless there is one for these shapes.
  bool prepare(Deadline deadline);
  bool advance(Deadline deadline);
  std::vector<Tensor> results() const;

  // Gives back the memory that runs work in, and results with it, until the next run takes it anew:
  // for callers that are about to allocate what is larger than before, so that it finds room there.
  void give_back_arena();

  // Of the last run, when SessionOptions::profile was set.
  const std::vector<StepTime>& profile() const;

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace octet

// A model ready to run: canonicalized once, lowered at the first run, planned for each set of input shapes.
//
// Not thread-safe: one run at a time. Plans for recent input shapes are kept and share packed weights.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/tensor.h"
#include "graph/graph.h"

namespace octet {

struct SessionOptions {
  // False runs the graph as it was read, without canonicalizing (lowering still happens: it is how graphs run).
  bool optimize = true;
  // Values for symbolic input dimensions, by symbol ("batch" → 1).
  std::vector<std::pair<std::string, int64_t>> free_dimensions;
  // Names of inner values to return as if they were graph outputs (for comparing layer by layer).
  std::vector<std::string> extra_outputs;
  bool profile = false;
};

// An input or output as the model declares it.
struct Port {
  std::string name;
  TensorType type;
};

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

// One executed step of the last profiled run.
struct StepTime {
  std::string node, op_type;
  double milliseconds = 0;
};

class Session {
public:
  // Takes the graph as a reader built it. Throws InvalidModel, UnsupportedOperator.
  Session(std::unique_ptr<Graph> graph, SessionOptions options);
  ~Session();

  const std::vector<Port>& inputs() const;
  const std::vector<Port>& outputs() const;

  // Runs once. Feeds must name every input exactly once, with its type and a shape that fits (InvalidInput
  // names the culprit otherwise). `fetches` empty: all outputs, in order. The tensors returned point into
  // the session's memory and are valid until the next run.
  std::vector<Tensor> run(std::span<const NamedTensor> feeds, std::span<const std::string> fetches);

  // Of the last run, when SessionOptions::profile was set.
  const std::vector<StepTime>& profile() const;
  // The lowered graph's text form, after the first run (for tests and bug reports).
  std::string lowered_text() const;
  // Bytes held: arenas, packed weights, constants of our own.
  size_t memory_bytes() const;

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace octet

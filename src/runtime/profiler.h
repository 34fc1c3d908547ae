// Times the steps of a run.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "ops/cost.h"

namespace octet {

// One executed step.
struct StepTime {
  std::string node, op_type;
  std::optional<Shape> shape; // of the first output
  double macs = 0, bytes = 0; // see ops/cost.h
  double milliseconds = 0;
};

class Profiler {
public:
  void begin() { start_ = Clock::now(); }
  void end(const Node& node, const GraphFacts& facts) {
    const std::chrono::duration<double, std::milli> elapsed = Clock::now() - start_;
    const ValueFact* out = node.outputs.empty() ? nullptr : facts.find(node.outputs[0]);
    steps_.push_back({.node = node.name,
                      .op_type = node.op_type,
                      .shape = out ? out->shape : std::nullopt,
                      .macs = multiply_adds(node, facts),
                      .bytes = bytes_moved(node, facts),
                      .milliseconds = elapsed.count()});
  }
  void clear() { steps_.clear(); }
  const std::vector<StepTime>& steps() const { return steps_; }

private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_;
  std::vector<StepTime> steps_;
};

} // namespace octet

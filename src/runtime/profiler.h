// Times the steps of a run.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace octet {

// One executed step.
struct StepTime {
  std::string node, op_type;
  double milliseconds = 0;
};

class Profiler {
public:
  void begin() { start_ = Clock::now(); }
  void end(const Node& node) {
    const std::chrono::duration<double, std::milli> elapsed = Clock::now() - start_;
    steps_.push_back({.node = node.name, .op_type = node.op_type, .milliseconds = elapsed.count()});
  }
  void clear() { steps_.clear(); }
  const std::vector<StepTime>& steps() const { return steps_; }

private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_;
  std::vector<StepTime> steps_;
};

} // namespace octet

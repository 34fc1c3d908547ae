// Puts nodes before products that observe what these multiply their weights with.
#pragma once

#include <map>
#include <optional>
#include <tuple>

#include "quant/gram.h"
#include "quant/scopes.h"

namespace octet {

class ReductionTaps {
public:
  explicit ReductionTaps(ReductionSink& sink) : sink_(sink) {}

  // Observes what `node`, whose weights have `columns` each in `groups` of rows, multiplies: the
  // first of `groups` taps of the sink. Nothing for windows of more than two dimensions.
  std::optional<size_t> place(const GraphScope& scope, NodeId node, size_t columns, size_t groups);
  // Takes the observing nodes out again, wherever they are.
  void take_out();

private:
  ReductionSink& sink_;
  std::map<Graph*, std::vector<NodeId>> observers_;
  // Of operands that several matrix products may share, by their columns.
  std::map<std::tuple<Graph*, ValueId, size_t>, size_t> shared_;
};

} // namespace octet

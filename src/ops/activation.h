// The activation that a lowering pass moved into the operator that feeds it: attributes
// `activation` (the ONNX operator's name) and `activation_params`.
#pragma once

#include <limits>

#include "ops/elementwise.h"

namespace octet {

struct FusedActivation {
  // Applied by the producer's own output step.
  float lo = -std::numeric_limits<float>::infinity();
  float hi = std::numeric_limits<float>::infinity();
  // What a clamp can't do, applied to finished rows while they are in the cache; null when there is
  // none.
  UnaryFn function = nullptr;
  std::array<float, kMaxUnaryParams> params{};

  void apply(float* values, size_t count) const noexcept {
    if (function) function(values, values, count, params.data());
  }
};

// Throws InvalidModel for an activation that does not exist.
FusedActivation fused_activation(const NodeContext& ctx);

// Runs `rows(begin, end)` over [first, last) in pieces whose output, `row_floats` floats a row at
// `output`, fits a second-level cache, and applies the activation to each piece. Smaller pieces
// would make products read their weights more often. Pieces are multiples of `grain`.
template <class Rows>
void run_activated(const FusedActivation& activation, float* output, size_t row_floats,
                   size_t first, size_t last, size_t grain, const Rows& rows) {
  if (!activation.function) return rows(first, last);
  constexpr size_t kPieceFloats = 65536;
  const size_t step =
      std::max<size_t>(kPieceFloats / std::max<size_t>(row_floats, 1) / grain, 1) * grain;
  for (size_t begin = first; begin < last; begin += step) {
    const size_t end = std::min(last, begin + step);
    rows(begin, end);
    activation.apply(output + begin * row_floats, (end - begin) * row_floats);
  }
}

// The same over [0, count) by several threads: `rows(begin, end, worker)`, each of `row_cost`
// (see Workers::split).
template <class Rows>
void run_activated(const Workers& workers, const FusedActivation& activation, float* output,
                   size_t row_floats, size_t count, size_t row_cost, const Rows& rows,
                   size_t grain = 4) {
  workers.split(count, grain, row_cost, [&](size_t first, size_t last, size_t worker) {
    run_activated(activation, output, row_floats, first, last, grain,
                  [&](size_t begin, size_t end) { rows(begin, end, worker); });
  });
}

} // namespace octet

// Runs operators that only move elements on numbers that stand for elements kernels can't be
// handed: strings, and those narrower than a byte.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "ops/op_def.h"

namespace octet {

// Whether one of the operands (null: absent) has elements that need something to stand for them.
bool needs_substitutes(std::span<const Tensor* const> operands);

using Evaluate =
    std::function<std::optional<std::vector<Tensor>>(std::span<const Tensor* const> operands)>;

// What `evaluate` makes of the operands' substitutes, translated back. `outputs` tells the types of
// the results. A zero, which operators may fill in, stands for an empty string.
std::optional<std::vector<Tensor>> move_substitutes(std::span<const Tensor* const> operands,
                                                    std::span<const ValueFact> outputs,
                                                    const Evaluate& evaluate);

} // namespace octet

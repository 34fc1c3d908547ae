// A float operand in the form that a kernel wants: made once and shared between plans when it is
// constant, made anew in scratch by each run otherwise.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "ops/op_def.h"
#include "ops/scratch_layout.h"

namespace octet {

class PackedOperand {
public:
  // Must not allocate: it may be called during a run.
  using Pack = std::function<void(const float* source, float* packed)>;

  // An absent operand.
  PackedOperand() = default;
  // `how` names the form, with every parameter that changes the result (see PackedWeights).
  PackedOperand(PrepareContext& ctx, size_t input, std::string_view how, size_t floats,
                ScratchLayout& scratch, Pack pack);

  // To be called once a run before `get`: packs an operand that is not constant.
  void prepare(const RunContext& run) const;
  // Null when absent.
  const float* get(const RunContext& run) const;

private:
  std::shared_ptr<const Buffer> packed_;
  size_t input_ = 0, scratch_ = 0;
  Pack pack_; // set when runs pack
};

// A bias of `columns` floats, followed by zeros up to what float kernels read; absent when the node
// has no such input.
PackedOperand padded_bias(PrepareContext& ctx, size_t input, size_t columns, ScratchLayout& scratch,
                          float factor = 1);

} // namespace octet

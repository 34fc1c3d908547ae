#include "ops/packed_operand.h"

#include <algorithm>

#include "kernels/gemm_f32/tile.h"

namespace octet {

PackedOperand::PackedOperand(PrepareContext& ctx, size_t input, std::string_view how, size_t floats,
                             ScratchLayout& scratch, Pack pack)
    : input_(input) {
  if (ctx.dtype(input) != DType::Float32)
    ctx.unsupported("input ", input, " of type ", dtype_name(ctx.dtype(input)));
  const Tensor* constant = ctx.constant(input);
  if (!constant) {
    scratch_ = scratch.reserve_floats(floats);
    pack_ = std::move(pack);
    return;
  }
  packed_ = ctx.packed(input, how, [&] {
    Buffer out(checked_mul(floats, sizeof(float)));
    pack(constant->values<float>().data(), reinterpret_cast<float*>(out.data()));
    return out;
  });
}

void PackedOperand::prepare(const RunContext& run) const {
  if (pack_) pack_(run.input<float>(input_), reinterpret_cast<float*>(run.scratch + scratch_));
}

const float* PackedOperand::get(const RunContext& run) const {
  if (pack_) return reinterpret_cast<const float*>(run.scratch + scratch_);
  return packed_ ? reinterpret_cast<const float*>(packed_->data()) : nullptr;
}

PackedOperand padded_bias(PrepareContext& ctx, size_t input, size_t columns, ScratchLayout& scratch,
                          float factor) {
  if (!ctx.has_input(input)) return {};
  const size_t padded = checked_add(columns, kernels::kFPanelWidth);
  return PackedOperand(
      ctx, input, concat("bias/", factor), padded, scratch, [=](const float* from, float* to) {
        std::fill(to + columns, to + padded, 0.0f);
        std::transform(from, from + columns, to, [=](float value) { return value * factor; });
      });
}

} // namespace octet

#include "ops/head_products.h"

#include <algorithm>

#include "kernels/gemm_f32/gemm_f32.h"
#include "kernels/rows_f32/rows_f32.h"

namespace octet {

ScoreOperand::ScoreOperand(const NodeContext& ctx, size_t i) : input(i) {
  const Shape& shape = ctx.shape(i);
  const auto dense = dense_strides(shape);
  const size_t lead = kHeadRank - shape.rank();
  for (size_t d = 0; d < shape.rank(); ++d) strides[lead + d] = shape[d] == 1 ? 0 : dense[d];
}

HeadProducts::HeadProducts(const HeadSizes& sizes, ScratchLayout& scratch) : s_(sizes) {
  constexpr size_t kBlockFloats = 4096;
  block_rows_ = std::max<size_t>(kBlockFloats / std::max<size_t>(s_.columns, 1) / 4, 1) * 4;
  block_rows_ = std::min(block_rows_, s_.rows);
  if (!reads_in_place()) {
    keys_at_ = scratch.reserve_floats(kernels::packed_f32_elements(s_.columns, 1, s_.depth));
    values_at_ =
        scratch.reserve_floats(kernels::packed_f32_elements(s_.value_depth, 1, s_.columns));
  }
  scores_at_ = scratch.reserve_floats(checked_mul(block_rows_, s_.columns));
}

void HeadProducts::run_weighed(const HeadOperands& head, uint8_t* scratch, const void* context,
                               Weigh weigh) const noexcept {
  if (!reads_in_place()) return run_blocks(head, scratch, context, weigh);
  auto* scores = reinterpret_cast<float*>(scratch + scores_at_);
  kernels::dot_rows_f32({.rows = head.columns,
                         .columns = s_.depth,
                         .matrix = head.k,
                         .stride = s_.k_column,
                         .x = head.q,
                         .y = scores});
  weigh(context, 0, 1, scores);
  kernels::sum_rows_f32({.rows = head.columns,
                         .columns = s_.value_depth,
                         .matrix = head.v,
                         .stride = s_.v_row,
                         .x = scores,
                         .y = head.y});
}

void HeadProducts::run_blocks(const HeadOperands& head, uint8_t* scratch, const void* context,
                              Weigh weigh) const noexcept {
  auto* keys = reinterpret_cast<float*>(scratch + keys_at_);
  auto* values = reinterpret_cast<float*>(scratch + values_at_);
  auto* scores = reinterpret_cast<float*>(scratch + scores_at_);
  kernels::pack_f32({.data = head.k,
                     .n = head.columns,
                     .k = s_.depth,
                     .n_stride = static_cast<ptrdiff_t>(s_.k_column),
                     .k_stride = s_.k_depth},
                    keys);
  kernels::pack_f32({.data = head.v,
                     .n = s_.value_depth,
                     .k = head.columns,
                     .n_stride = 1,
                     .k_stride = static_cast<ptrdiff_t>(s_.v_row)},
                    values);
  for (size_t row = 0; row < s_.rows; row += block_rows_) {
    const size_t rows = std::min(block_rows_, s_.rows - row);
    kernels::gemm_f32({.m = rows,
                       .n = head.columns,
                       .k = s_.depth,
                       .a = head.q + row * s_.q_row,
                       .a_stride = s_.q_row,
                       .b = keys,
                       .c = scores,
                       .c_stride = head.columns},
                      0, rows);
    weigh(context, row, rows, scores);
    kernels::gemm_f32({.m = rows,
                       .n = s_.value_depth,
                       .k = head.columns,
                       .a = scores,
                       .a_stride = head.columns,
                       .b = values,
                       .c = head.y + row * s_.y_row,
                       .c_stride = s_.y_row},
                      0, rows);
  }
}

} // namespace octet

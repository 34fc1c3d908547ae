// What attention operators share below their masks: how heads lie in memory, and the two products
// of one head, scores = Q · Kᵀ and Y = weights · V, a block of rows at a time.
//
// A block of rows stays in the first-level cache from its scores to its result. A lone row, as a
// decoder has, reads keys and values where they lie.
#pragma once

#include <array>

#include "ops/element.h"
#include "ops/scratch_layout.h"

namespace octet {

inline constexpr size_t kHeadRank = 4;

// A tensor seen as [batch, head, row, column].
struct HeadView {
  std::array<size_t, kHeadRank> dims{};
  std::array<ptrdiff_t, kHeadRank> strides{}; // 0 where a length of 1 broadcasts

  ptrdiff_t offset(size_t batch, size_t head) const {
    return static_cast<ptrdiff_t>(batch) * strides[0] + static_cast<ptrdiff_t>(head) * strides[1];
  }
};

// An operand of rank 4 or less that broadcasts to scores [batch, head, row, column].
struct ScoreOperand {
  size_t input = 0;
  std::array<ptrdiff_t, kHeadRank> strides{};

  ScoreOperand(const NodeContext& ctx, size_t i);

  ptrdiff_t offset(size_t batch, size_t head, size_t row) const {
    return static_cast<ptrdiff_t>(batch) * strides[0] + static_cast<ptrdiff_t>(head) * strides[1] +
           static_cast<ptrdiff_t>(row) * strides[2];
  }
  template <class T>
  const T* row(const RunContext& run, size_t batch, size_t head, size_t row) const {
    return run.input<T>(input) + offset(batch, head, row);
  }
};

// The matrices of one head: q [rows, depth], k [columns, depth], v [columns, value_depth],
// y [rows, value_depth]. Columns of q, v and y lie side by side.
struct HeadSizes {
  size_t rows = 0, columns = 0, depth = 0, value_depth = 0;
  size_t q_row = 0, k_column = 0, v_row = 0, y_row = 0; // elements between rows; of k: columns
  ptrdiff_t k_depth = 1;                                // between the depths of a key

  size_t products() const { return rows * columns * (depth + value_depth); }
};

struct HeadOperands {
  const float *q, *k, *v;
  float* y;
  size_t columns; // the first of the keys and values; at most HeadSizes::columns
};

class HeadProducts {
public:
  // Turns scores, dense rows of `columns` from row `first` on, into weights.
  using Weigh = void (*)(const void* context, size_t first, size_t rows, float* scores) noexcept;

  HeadProducts() = default;
  // Reserves what one worker needs.
  HeadProducts(const HeadSizes& sizes, ScratchLayout& scratch);

  template <class F>
  void run(const HeadOperands& head, uint8_t* scratch, const F& weigh) const noexcept {
    run_weighed(head, scratch, &weigh,
                [](const void* context, size_t first, size_t rows, float* scores) noexcept {
                  (*static_cast<const F*>(context))(first, rows, scores);
                });
  }

private:
  // A lone row of queries, and keys whose depths lie side by side.
  bool reads_in_place() const { return s_.rows == 1 && (s_.depth == 1 || s_.k_depth == 1); }
  void run_weighed(const HeadOperands& head, uint8_t* scratch, const void* context,
                   Weigh weigh) const noexcept;
  void run_blocks(const HeadOperands& head, uint8_t* scratch, const void* context,
                  Weigh weigh) const noexcept;

  HeadSizes s_;
  size_t block_rows_ = 0;
  size_t keys_at_ = 0, values_at_ = 0, scores_at_ = 0;
};

} // namespace octet

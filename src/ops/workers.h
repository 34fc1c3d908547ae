// How operators split work among threads, whoever provides them (runtime/thread_pool).
//
// A body gets a range and the number of the worker that runs it: 0 is the caller, so memory that a
// body needs for itself is indexed by it. Bodies write to places of their own, never throw, never
// allocate, and don't split again.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace octet {

class Threads {
public:
  using Body = void (*)(const void* context, size_t begin, size_t end, size_t worker) noexcept;
  struct Loop {
    size_t count, step;
    uint64_t cost;  // of all, see Workers::split
    size_t workers; // how many threads may take part, with the caller
    Body body;
    const void* context;
  };

  virtual ~Threads() = default;
  // Covers [0, count) in ranges of `step` (the last one may be shorter), each exactly once. Returns
  // when all are done.
  virtual void run(const Loop& loop) noexcept = 0;
};

// Rows [row_begin, row_end) of some columns of a matrix.
struct MatrixBlock {
  size_t row_begin, row_end, column_begin, column_end;

  size_t rows() const { return row_end - row_begin; }
  size_t columns() const { return column_end - column_begin; }
};

// How a matrix of independent outputs may be split.
struct MatrixSplit {
  size_t rows, columns;
  size_t cost; // of an element, see Workers::split
  size_t row_grain = 4;
  size_t column_grain = 0; // 0: rows stay whole

  // So few that it is columns that are split, as every range of rows reads all weights.
  static constexpr size_t few_rows() { return 256; }

  void keep_rows(size_t grain) {
    row_grain = grain;
    column_grain = 0;
  }
};

// What elementwise work is split by: whole cache lines of any type, and a cost that stands for
// moving an element through the cache. Functions that compute more cost more.
inline constexpr size_t kElementGrain = 64, kElementCost = 16, kFunctionCost = 32;

// Those that a session may use; by default the caller alone.
struct Workers {
  static constexpr size_t kMaxCount = 64; // with the caller

  Threads* threads = nullptr;
  size_t count = 1;

  // Calls body(begin, end, worker) over [0, items). Ranges begin at multiples of `grain`. `cost` is
  // the time of one item in multiply-adds of an integer product: what takes less time than handing
  // it over runs in one piece. `most_ranges` is for each worker.
  template <class F>
  void split(size_t items, size_t grain, size_t cost, const F& body,
             size_t most_ranges = kMostRanges) const noexcept {
    const size_t step = count > 1 ? step_of(items, grain, cost, most_ranges) : items;
    if (step >= items) return body(size_t{0}, items, size_t{0});
    threads->run({.count = items,
                  .step = step,
                  .cost = uint64_t{items} * cost,
                  .workers = count,
                  .body =
                      [](const void* context, size_t begin, size_t end, size_t worker) noexcept {
                        (*static_cast<const F*>(context))(begin, end, worker);
                      },
                  .context = &body});
  }

  // Calls body(MatrixBlock, worker).
  template <class F>
  void split(const MatrixSplit& matrix, const F& body) const noexcept {
    const bool by_columns = matrix.column_grain != 0 && matrix.rows <= matrix.few_rows() &&
                            matrix.columns >= 2 * matrix.column_grain * count;
    if (by_columns)
      split(
          matrix.columns, matrix.column_grain, matrix.rows * matrix.cost,
          [&](size_t begin, size_t end, size_t worker) {
            body(MatrixBlock{0, matrix.rows, begin, end}, worker);
          },
          matrix.rows < 4 ? kMostStreams : kMostRanges);
    else
      split(matrix.rows, matrix.row_grain, matrix.columns * matrix.cost,
            [&](size_t begin, size_t end, size_t worker) {
              body(MatrixBlock{begin, end, 0, matrix.columns}, worker);
            });
  }

private:
  // The last ranges of a loop keep the others waiting, so large loops have many; but products of
  // few rows read weights from memory, which is faster in long pieces.
  static constexpr size_t kMostRanges = 12, kMostStreams = 4;

  // As many ranges for each worker, each worth a hand-over.
  size_t step_of(size_t items, size_t grain, size_t cost, size_t most_ranges) const noexcept {
    constexpr size_t kMinRangeCost = size_t{1} << 17;
    const uint64_t worth = uint64_t{items} * cost / kMinRangeCost / count;
    const size_t ranges = static_cast<size_t>(std::min<uint64_t>(worth, most_ranges)) * count;
    if (ranges == 0) return items;
    return ((items + ranges - 1) / ranges + grain - 1) / grain * grain;
  }
};

} // namespace octet

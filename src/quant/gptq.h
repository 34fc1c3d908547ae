// GPTQ: rounds the weights of a product so that its results change least on given samples.
//
// Frantar, Ashkboos, Hoefler, Alistarh: GPTQ, arXiv 2210.17323. With H = Σ x xᵀ over the vectors x
// that a row w of weights is multiplied with, the squared error of the results is (w − q) H (w −
// q)ᵀ. With H = L Lᵀ, the columns in the reverse of their order of rounding, it is the sum over j
// of
//   ((w_j − q_j) L_jj + Σ_{i > j} (w_i − q_i) L_ij)²
// where i > j were rounded before: each q_j is the code nearest to what makes its term 0. These are
// the steps of GPTQ, without the inverse of H (Chen et al., arXiv 2507.18553).
#pragma once

#include <memory>
#include <string>

#include "ops/op_def.h"
#include "quant/block_weights.h"

namespace octet {

// Σ x xᵀ of one product, and its factor L. A sum of nothing has no factor.
class Gram {
public:
  explicit Gram(size_t columns) : columns_(columns) {}

  // Rows of `columns` values.
  void add(std::span<const float> rows);

  // Factors a part of the matrix, with 1 % of its mean diagonal added; true when there is none
  // left. All calls get the same layout.
  bool factor(const BlockLayout& blocks);

  bool is_empty() const { return mean_diagonal() == 0; }
  size_t columns() const { return columns_; }
  // Row i of L has i + 1 elements; column order()[i] is its place in a row of weights.
  const float* row(size_t i) const { return &matrix_[i * columns_]; }
  const std::vector<size_t>& order() const { return order_; }
  // What was added to the diagonal.
  float damping() const { return damping_; }

private:
  float mean_diagonal() const;
  void put_in_order(const BlockLayout& blocks);

  size_t columns_;
  std::vector<float> matrix_; // the lower triangle, in full rows; none before the first vector
  std::vector<size_t> order_;
  size_t factored_ = 0;
  float damping_ = 0;
};

// The Grams of all products under observation. It keeps what a sample shows until `digest` has
// added it up, so that a run takes no longer for being observed.
class GramSink final : public ValueSink {
public:
  // The first of `count` consecutive taps on what the value `name` is multiplied as.
  size_t add_taps(const std::string& name, size_t columns, size_t count);
  // Throws InvalidInput naming the value when an element is not finite.
  void observe(size_t tap, std::span<const float> values) override;
  // Adds up a part of what was observed; true when there is more.
  bool digest();
  Gram& gram(size_t tap) { return taps_[tap].gram; }

private:
  struct Tap {
    std::string name;
    Gram gram;
    std::vector<float> seen; // not added up yet
  };
  std::vector<Tap> taps_;
  size_t next_ = 0; // the first tap that may have something to add
};

// Rows that are worked on together.
inline constexpr size_t kGptqRows = 16;

// Rounds rows [begin, end), at most kGptqRows; `gram` is factored.
void gptq_rows(const WeightMatrix& matrix, const BlockRule& rule, const Gram& gram, size_t begin,
               size_t end, BlockWeights& out);

struct OutputError {
  double signal = 0, noise = 0; // Σ over samples of results squared, and of their errors squared
};
// Adds what rounding rows [begin, end), at most kGptqRows, does to the results.
void measure_rows(const WeightMatrix& matrix, const BlockWeights& weights, DType type,
                  const Gram& gram, size_t begin, size_t end, OutputError& out);

} // namespace octet

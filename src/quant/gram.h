// What samples tell of the vectors x that a product multiplies its weights with: the mean and the
// largest magnitude of each element, and their Gram matrix H = Σ x xᵀ, with which the squared error
// of the results of a row of weights w that is stored as q is (w − q) H (w − q)ᵀ.
#pragma once

#include <memory>
#include <string>

#include "ops/op_def.h"
#include "quant/block_weights.h"

namespace octet {

// A Gram of more columns takes too much memory: 256 MB.
inline constexpr size_t kMaxGramColumns = 8192;

// Σ x xᵀ of one product, or, in its place, its factor L, H = L Lᵀ. A sum of nothing has no factor.
class Gram {
public:
  explicit Gram(size_t columns) : columns_(columns) {}

  // Rows of `columns` values.
  void add(std::span<const float> rows);
  // Makes up the upper triangle: row(i) is row i of H from then on, in full.
  void mirror();
  // Of a mirrored one: the largest magnitude in row i beside the diagonal.
  float coupling(size_t i) const { return couplings_[i]; }

  // Factors a part of the matrix, with 1 % of its mean diagonal added; true when there is none
  // left. All calls get the same layout.
  bool factor(const BlockLayout& blocks);

  bool is_factored() const { return !order_.empty() && factored_ == columns_; }

  bool is_empty() const { return mean_diagonal() == 0; }
  size_t columns() const { return columns_; }
  float mean_diagonal() const;
  // Of H, and of the factor, the first i + 1 elements are good; of the factor, column order()[i] is
  // the place of i in a row of weights.
  const float* row(size_t i) const { return &matrix_[i * columns_]; }
  const std::vector<size_t>& order() const { return order_; }
  // What the factor has added to the diagonal.
  float damping() const { return damping_; }

private:
  void put_in_order(const BlockLayout& blocks);

  size_t columns_;
  std::vector<float> matrix_; // the lower triangle, in full rows; none before the first vector
  std::vector<float> couplings_;
  std::vector<size_t> order_;
  size_t factored_ = 0;
  float damping_ = 0;
};

// Watches the operands of products. It keeps what a sample shows until `digest` has added it up, so
// that a run takes no longer for being observed.
class ReductionSink final : public ValueSink {
public:
  // Grams take memory and time; means don't.
  explicit ReductionSink(bool with_grams) : with_grams_(with_grams) {}

  // The first of `count` consecutive taps on what the value `name` is multiplied as.
  size_t add_taps(const std::string& name, size_t columns, size_t count);
  // Throws InvalidInput naming the value when an element is not finite.
  void observe_reductions(size_t tap, std::span<const float> rows) override;
  // Adds up a part of what was observed; true when there is more.
  bool digest();

  Gram& gram(size_t tap) { return taps_[tap].gram; }
  // Empty when no sample has reached the tap.
  std::vector<float> mean(size_t tap) const;
  // max |x| by column; 0 when no sample has reached the tap.
  const std::vector<float>& largest(size_t tap) const { return taps_.at(tap).largest; }

private:
  struct Tap {
    std::string name;
    Gram gram;
    std::vector<double> sums; // by column, as all of these
    std::vector<float> largest;
    size_t rows = 0;         // in the sums
    std::vector<float> seen; // not added up yet
  };
  static void add_columns(Tap& tap, std::span<const float> rows);

  bool with_grams_;
  std::vector<Tap> taps_;
  size_t next_ = 0; // the first tap that may have something to add
};

} // namespace octet

#include "quant/gram.h"

#include <algorithm>
#include <cmath>

#include "quant/rows.h"
#include "quant/sample.h"

namespace octet {
namespace {
// Multiplications between two chances to stop, in a matrix of products and in its factor.
constexpr size_t kEnoughProducts = 100'000'000, kEnoughFactoring = 20'000'000;
} // namespace

void Gram::add(std::span<const float> rows) {
  matrix_.resize(columns_ * columns_);
  add_outer_products(rows, columns_, matrix_.data());
}

void Gram::mirror() {
  couplings_.assign(columns_, 0);
  for (size_t i = 0; i < columns_; ++i)
    for (size_t j = 0; j < i; ++j) {
      const float h = matrix_[i * columns_ + j];
      matrix_[j * columns_ + i] = h;
      couplings_[i] = std::max(couplings_[i], std::abs(h));
      couplings_[j] = std::max(couplings_[j], std::abs(h));
    }
}

float Gram::mean_diagonal() const {
  double sum = 0;
  if (!matrix_.empty())
    for (size_t i = 0; i < columns_; ++i) sum += matrix_[i * columns_ + i];
  return columns_ ? static_cast<float>(sum / static_cast<double>(columns_)) : 0;
}

void Gram::put_in_order(const BlockLayout& blocks) {
  for (size_t b = blocks.count(); b-- > 0;) {
    const std::vector<size_t> members = blocks.columns_of(b);
    order_.insert(order_.end(), members.rbegin(), members.rend());
  }
  constexpr float kDamping = 0.01f;
  damping_ = kDamping * mean_diagonal();
  std::vector<float> ordered(matrix_.size());
  for (size_t i = 0; i < columns_; ++i)
    for (size_t j = 0; j <= i; ++j) {
      const size_t a = std::max(order_[i], order_[j]), b = std::min(order_[i], order_[j]);
      ordered[i * columns_ + j] = matrix_[a * columns_ + b];
    }
  for (size_t i = 0; i < columns_; ++i) ordered[i * columns_ + i] += damping_;
  matrix_ = std::move(ordered);
}

bool Gram::factor(const BlockLayout& blocks) {
  if (order_.empty()) put_in_order(blocks);
  for (size_t work = 0; factored_ < columns_ && work < kEnoughFactoring; ++factored_) {
    const size_t i = factored_;
    float* l = &matrix_[i * columns_];
    for (size_t j = 0; j < i; ++j) l[j] = (l[j] - dot(l, row(j), j)) / row(j)[j];
    l[i] = std::sqrt(std::max(l[i] - dot(l, l, i), damping_));
    work += i * i / 2;
  }
  return factored_ == columns_;
}

size_t ReductionSink::add_taps(const std::string& name, size_t columns, size_t count) {
  taps_.insert(taps_.end(), count,
               {.name = name,
                .gram = Gram(columns),
                .sums = std::vector<double>(columns),
                .largest = std::vector<float>(columns)});
  return taps_.size() - count;
}

void ReductionSink::observe_reductions(size_t tap, std::span<const float> rows) {
  Tap& tapped = taps_.at(tap);
  check_sample(tapped.name, rows);
  add_columns(tapped, rows);
  if (!with_grams_) return;
  tapped.seen.insert(tapped.seen.end(), rows.begin(), rows.end());
  next_ = std::min(next_, tap);
}

void ReductionSink::add_columns(Tap& tap, std::span<const float> rows) {
  const size_t columns = tap.sums.size();
  for (size_t i = 0; i < rows.size(); i += columns, ++tap.rows)
    for (size_t j = 0; j < columns; ++j) {
      tap.sums[j] += rows[i + j];
      tap.largest[j] = std::max(tap.largest[j], std::abs(rows[i + j]));
    }
}

std::vector<float> ReductionSink::mean(size_t tap) const {
  const Tap& tapped = taps_.at(tap);
  std::vector<float> mean;
  if (tapped.rows != 0)
    for (const double sum : tapped.sums)
      mean.push_back(static_cast<float>(sum / static_cast<double>(tapped.rows)));
  return mean;
}

bool ReductionSink::digest() {
  for (size_t work = 0; next_ < taps_.size() && work < kEnoughProducts;) {
    auto& [name, gram, sums, largest, rows_summed, seen] = taps_[next_];
    const size_t columns = gram.columns(), row_work = columns * columns / 2 + 1;
    const size_t rows = std::min(kEnoughProducts / row_work + 1, seen.size() / columns);
    gram.add(std::span(seen).last(rows * columns));
    seen.resize(seen.size() - rows * columns);
    work += rows * row_work;
    if (!seen.empty()) continue;
    seen.shrink_to_fit();
    ++next_;
  }
  return next_ < taps_.size();
}

} // namespace octet

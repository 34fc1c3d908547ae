#include "quant/gram.h"

#include <algorithm>
#include <cmath>

#include "quant/sample.h"

namespace octet {
namespace {
constexpr size_t kEnoughProducts = 20'000'000; // between two chances to stop

// h[0 … count) += Σ a[r] · x[r][0 … count) for four rows x.
void add_products(const float* const* x, const float* a, size_t count, float* __restrict h) {
  const float* __restrict x0 = x[0], * __restrict x1 = x[1];
  const float* __restrict x2 = x[2], * __restrict x3 = x[3];
  const float a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3];
  for (size_t j = 0; j < count; ++j) h[j] += (a0 * x0[j] + a1 * x1[j]) + (a2 * x2[j] + a3 * x3[j]);
}
} // namespace

float dot(const float* a, const float* b, size_t count) {
  float sums[8] = {};
  size_t i = 0;
  for (; i + 8 <= count; i += 8)
    for (size_t lane = 0; lane < 8; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  float sum = 0;
  for (const float lane : sums) sum += lane;
  for (; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

void Gram::add(std::span<const float> rows) {
  constexpr size_t kChunk = 32, kTogether = 4;
  matrix_.resize(columns_ * columns_);
  const std::vector<float> zeros(columns_);
  const size_t count = rows.size() / columns_;
  for (size_t begin = 0; begin < count; begin += kChunk) {
    const size_t end = std::min(begin + kChunk, count);
    for (size_t i = 0; i < columns_; ++i) {
      for (size_t r = begin; r < end; r += kTogether) {
        const float* x[kTogether];
        float a[kTogether];
        for (size_t j = 0; j < kTogether; ++j) {
          x[j] = r + j < end ? rows.data() + (r + j) * columns_ : zeros.data();
          a[j] = x[j][i];
        }
        add_products(x, a, i + 1, &matrix_[i * columns_]);
      }
    }
  }
}

void Gram::mirror() {
  for (size_t i = 0; i < columns_; ++i)
    for (size_t j = 0; j < i; ++j) matrix_[j * columns_ + i] = matrix_[i * columns_ + j];
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
  for (size_t work = 0; factored_ < columns_ && work < kEnoughProducts; ++factored_) {
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

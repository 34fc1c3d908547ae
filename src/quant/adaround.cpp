#include "quant/adaround.h"

#include <bit>
#include <cmath>
#include <tuple>
#include <vector>

#include "quant/rows.h"

namespace octet {
namespace {
constexpr int kMostSweeps = 10; // of either kind
// Of weights in a row (a depthwise convolution's have 9), all roundings of which are tried.
constexpr size_t kFewWeights = 12;
// Of the mean diagonal of H, added to it: samples are few, and weights that they hardly use should
// not move far for noise (as in GPTQ).
constexpr float kDamping = 0.01f;

// x H xᵀ; `row`, if it is wanted, becomes x H.
double energy(const Gram& gram, std::span<const float> x, std::vector<float>* row = nullptr) {
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const float along = dot(gram.row(i), x.data(), x.size());
    if (row) row->push_back(along);
    sum += double{along} * x[i];
  }
  return sum;
}

// The descent for one row of weights. The cost of a weight is what its other code adds to the error
// of the results, the damped one.
class RowDescent {
public:
  RowDescent(std::span<const float> w, ScaleAndZero params, QuantRange range, const Gram& gram,
             std::span<int32_t> codes)
      : w_(w), params_(params), range_(range), gram_(gram), codes_(codes),
        damping_(kDamping * gram.mean_diagonal()) {
    for (size_t j = 0; j < w_.size(); ++j) errors_.push_back(error_of(j, codes_[j]));
    std::vector<float> through;
    nearest_ = energy(gram_, errors_, &through);
    for (size_t j = 0; j < w_.size(); ++j) {
      steps_.push_back(step_of(j));
      const float slope = through[j] + damping_ * errors_[j];
      costs_.push_back(steps_[j] * (2 * slope + steps_[j] * diagonal(j)));
    }
  }

  void run() {
    if (w_.size() <= kFewWeights) return try_all();
    sweep(&RowDescent::improve_alone);
    sweep(&RowDescent::improve);
  }

  // Of the nearest codes.
  double nearest() const { return nearest_; }
  std::span<const float> errors() const { return errors_; }

private:
  // Walks through all choices, one change at a time, and back to the best.
  void try_all() {
    std::vector<size_t> free;
    for (size_t j = 0; j < w_.size(); ++j)
      if (steps_[j] != 0) free.push_back(j);
    double sum = 0, least = 0;
    size_t moved = 0, best = 0; // sets of free weights
    for (size_t i = 1; i < size_t{1} << free.size(); ++i) {
      const auto bit = static_cast<size_t>(std::countr_zero(i));
      sum += costs_[free[bit]];
      move(free[bit]);
      moved ^= size_t{1} << bit;
      if (sum >= least) continue;
      least = sum;
      best = moved;
    }
    for (size_t bit = 0; bit < free.size(); ++bit)
      if ((moved ^ best) >> bit & 1) move(free[bit]);
  }

  float error_of(size_t j, int32_t code) const { return w_[j] - dequantize_value(code, params_); }
  int32_t other_code(size_t j) const { return codes_[j] + (errors_[j] > 0 ? 1 : -1); }
  float diagonal(size_t j) const { return gram_.row(j)[j] + damping_; }

  // How the error of a weight changes with its other code; 0 when it has none.
  float step_of(size_t j) const {
    const int32_t other = other_code(j);
    const float error = error_of(j, other);
    const bool allowed =
        other >= range_.min && other <= range_.max && std::abs(error) < params_.scale;
    return allowed ? error - errors_[j] : 0;
  }

  void move(size_t j) {
    const float cost = costs_[j];
    codes_[j] = other_code(j);
    add_products(costs_.data(), steps_.data(), gram_.row(j), 2 * steps_[j], w_.size());
    costs_[j] = -cost;
    errors_[j] += steps_[j];
    steps_[j] = -steps_[j];
  }

  void sweep(bool (RowDescent::*improve)(size_t)) {
    bool moved = true;
    for (int i = 0; moved && i < kMostSweeps; ++i) {
      moved = false;
      for (size_t j = 0; j < w_.size(); ++j) moved |= (this->*improve)(j);
    }
  }

  bool improve_alone(size_t j) {
    if (!(costs_[j] < 0)) return false;
    move(j);
    return true;
  }

  // Takes the other code of a weight, if need be together with that of the one that goes best with
  // it. Where no cost is negative, a pair gains no more than its coupling.
  bool improve(size_t j) {
    if (improve_alone(j)) return true;
    const float factor = 2 * steps_[j];
    if (costs_[j] >= std::abs(factor) * params_.scale * gram_.coupling(j)) return false;
    const float* h = gram_.row(j);
    const float gain = least_sum(costs_.data(), steps_.data(), h, factor, w_.size());
    if (!(costs_[j] + gain < 0)) return false;
    move(best_partner(factor, h));
    move(j);
    return true;
  }

  size_t best_partner(float factor, const float* h) const {
    size_t best = 0;
    float least = INFINITY;
    for (size_t k = 0; k < w_.size(); ++k) {
      const float sum = costs_[k] + factor * steps_[k] * h[k];
      if (sum < least) std::tie(least, best) = std::pair(sum, k);
    }
    return best;
  }

  std::span<const float> w_;
  ScaleAndZero params_;
  QuantRange range_;
  const Gram& gram_;
  std::span<int32_t> codes_;
  float damping_;
  double nearest_ = 0;
  std::vector<float> errors_, steps_, costs_;
};
} // namespace

void adaround_row(std::span<const float> w, ScaleAndZero params, QuantRange range, const Gram& gram,
                  std::span<int32_t> codes, OutputError& nearest, OutputError& chosen) {
  const double signal = energy(gram, w);
  RowDescent descent(w, params, range, gram, codes);
  nearest.signal += signal;
  nearest.noise += descent.nearest();
  descent.run();
  chosen.signal += signal;
  chosen.noise += energy(gram, descent.errors());
}

} // namespace octet

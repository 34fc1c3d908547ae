#include "quant/adaround.h"

#include <bit>
#include <cmath>
#include <vector>

namespace octet {
namespace {
constexpr int kMostSweeps = 10;
// Of weights in a row (a depthwise convolution's have 9), all roundings of which are tried.
constexpr size_t kFewWeights = 12;
// Of the mean diagonal of H, added to it: samples are few, and weights that they hardly use should
// not move far for noise (as in GPTQ).
constexpr float kDamping = 0.01f;

void add_scaled(float* __restrict to, const float* __restrict from, float factor, size_t count) {
  for (size_t i = 0; i < count; ++i) to[i] += factor * from[i];
}

// x H, and its product with x.
struct Through {
  std::vector<float> row;
  double energy = 0;

  Through(const Gram& gram, const float* x) : row(gram.columns()) {
    for (size_t i = 0; i < row.size(); ++i) {
      row[i] = dot(gram.row(i), x, row.size());
      energy += double{row[i]} * x[i];
    }
  }
};

// The descent for one row of weights.
class RowDescent {
public:
  RowDescent(std::span<const float> w, ScaleAndZero params, QuantRange range, const Gram& gram,
             std::span<int32_t> codes)
      : w_(w), params_(params), range_(range), gram_(gram), codes_(codes),
        damping_(kDamping * gram.mean_diagonal()), errors_(w.size()), steps_(w.size()),
        diagonal_(w.size()) {
    for (size_t j = 0; j < w_.size(); ++j) {
      errors_[j] = error_of(j, codes_[j]);
      diagonal_[j] = gram_.row(j)[j] + damping_;
    }
    through_ = Through(gram_, errors_.data()).row;
    for (size_t j = 0; j < w_.size(); ++j) find_step(j);
  }

  void run() {
    if (w_.size() <= kFewWeights)
      try_all();
    else
      descend();
  }

  const float* errors() const { return errors_.data(); }

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
      sum += cost(free[bit]);
      move(free[bit]);
      moved ^= size_t{1} << bit;
      if (sum >= least) continue;
      least = sum;
      best = moved;
    }
    for (size_t bit = 0; bit < free.size(); ++bit)
      if ((moved ^ best) >> bit & 1) move(free[bit]);
  }

  void descend() {
    bool moved = true;
    for (int sweep = 0; moved && sweep < kMostSweeps; ++sweep) {
      moved = false;
      for (size_t j = 0; j < w_.size(); ++j) moved |= improve(j);
    }
  }

  float error_of(size_t j, int32_t code) const { return w_[j] - dequantize_value(code, params_); }
  int32_t other_code(size_t j) const { return codes_[j] + (errors_[j] > 0 ? 1 : -1); }

  // How the error of a weight changes with its other code; 0 when it has none.
  void find_step(size_t j) {
    const int32_t other = other_code(j);
    const float error = error_of(j, other);
    const bool allowed =
        other >= range_.min && other <= range_.max && std::abs(error) < params_.scale;
    steps_[j] = allowed ? error - errors_[j] : 0;
  }

  // What the other code of a weight adds to the error of the results.
  float cost(size_t j) const {
    const float slope = through_[j] + damping_ * errors_[j];
    return steps_[j] * (2 * slope + steps_[j] * diagonal_[j]);
  }

  void move(size_t j) {
    codes_[j] = other_code(j);
    add_scaled(through_.data(), gram_.row(j), steps_[j], w_.size());
    errors_[j] += steps_[j];
    steps_[j] = -steps_[j];
  }

  // Takes the other code of a weight, together with that of the one that goes best with it.
  bool improve(size_t j) {
    if (steps_[j] == 0) return false;
    const float* h = gram_.row(j);
    size_t partner = j;
    float best = 0;
    for (size_t k = 0; k < w_.size(); ++k) {
      const float with = cost(k) + 2 * steps_[j] * steps_[k] * h[k];
      if (k == j || !(with < best)) continue;
      best = with;
      partner = k;
    }
    if (!(cost(j) + best < 0)) return false;
    if (partner != j) move(partner);
    move(j);
    return true;
  }

  std::span<const float> w_;
  ScaleAndZero params_;
  QuantRange range_;
  const Gram& gram_;
  std::span<int32_t> codes_;
  float damping_;
  std::vector<float> errors_, through_, steps_, diagonal_; // of H, damped
};
} // namespace

void adaround_row(std::span<const float> w, ScaleAndZero params, QuantRange range, const Gram& gram,
                  std::span<int32_t> codes, OutputError& nearest, OutputError& chosen) {
  const double signal = Through(gram, w.data()).energy;
  RowDescent descent(w, params, range, gram, codes);
  nearest.signal += signal;
  nearest.noise += Through(gram, descent.errors()).energy;
  descent.run();
  chosen.signal += signal;
  chosen.noise += Through(gram, descent.errors()).energy;
}

} // namespace octet

#include "quant/observers/clipping.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "quant/arithmetic.h"

namespace octet {
namespace {
ObservedRange within(ObservedRange range, double min, double max) {
  return {static_cast<float>(std::clamp(min, double{range.min}, 0.0)),
          static_cast<float>(std::clamp(max, 0.0, double{range.max}))};
}

// KL(P ‖ Q) of the bins [begin, end), where P has the values outside in its end bins and Q is the
// histogram as `levels` codes keep it: each the mean of its bins that are not empty.
double divergence(const std::vector<uint64_t>& counts, size_t begin, size_t end, size_t levels) {
  std::vector<double> p(counts.begin() + static_cast<ptrdiff_t>(begin),
                        counts.begin() + static_cast<ptrdiff_t>(end));
  for (size_t i = 0; i < begin; ++i) p.front() += static_cast<double>(counts[i]);
  for (size_t i = end; i < counts.size(); ++i) p.back() += static_cast<double>(counts[i]);
  std::vector<double> q(p.size(), 0);
  double q_total = 0;
  for (size_t level = 0; level < levels; ++level) {
    const size_t from = level * p.size() / levels, to = (level + 1) * p.size() / levels;
    double sum = 0;
    size_t occupied = 0;
    for (size_t i = from; i < to; ++i) {
      sum += static_cast<double>(counts[begin + i]);
      occupied += p[i] > 0;
    }
    for (size_t i = from; i < to; ++i)
      if (p[i] > 0) q[i] = sum / static_cast<double>(occupied);
    q_total += sum;
  }
  const double p_total = std::accumulate(p.begin(), p.end(), 0.0);
  double result = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    if (p[i] == 0) continue;
    // A bin that only outliers fill has no counterpart: nearly nothing stands for it.
    const double share = std::max(q_total > 0 ? q[i] / q_total : 0, 1e-12);
    result += p[i] / p_total * std::log(p[i] / p_total / share);
  }
  return result;
}

// Zeros, of which functions like Relu make very many, have a code of their own and lose nothing;
// counted, they would make every range that keeps others apart from them look bad.
std::vector<uint64_t> counts_without_zeros(const Histogram& histogram) {
  std::vector<uint64_t> counts = histogram.counts();
  const size_t zero = histogram.zero_bin(), last = counts.size() - 1;
  const uint64_t before = zero > 0 ? counts[zero - 1] : 0,
                 after = zero < last ? counts[zero + 1] : 0;
  counts[zero] = std::min(counts[zero], std::max(before, after));
  return counts;
}
} // namespace

ObservedRange clip_percentile(const Histogram& histogram, const ObserverOptions& options) {
  const double beyond = (100 - options.percentile) / 200 * static_cast<double>(histogram.total());
  const auto& counts = histogram.counts();
  size_t low = 0, high = counts.size();
  for (double cut = static_cast<double>(counts[low]); cut <= beyond && low + 1 < high;)
    cut += static_cast<double>(counts[++low]);
  for (double cut = static_cast<double>(counts[high - 1]); cut <= beyond && high - 1 > low;)
    cut += static_cast<double>(counts[--high - 1]);
  return within(histogram.range(), histogram.edge(low), histogram.edge(high));
}

ObservedRange clip_entropy(const Histogram& histogram, const ObserverOptions& options) {
  const QuantRange codes = quant_range(options.type, options.symmetric);
  const auto levels = static_cast<size_t>(codes.max - codes.min) + 1;
  const size_t bins = histogram.counts().size(), zero = histogram.zero_bin();
  const size_t above = bins - zero, below = zero, reach = std::max(above, below);
  const size_t step = std::max<size_t>(reach / 128, 1);
  const std::vector<uint64_t> counts = counts_without_zeros(histogram);
  ObservedRange best = histogram.range();
  double least = std::numeric_limits<double>::infinity();
  for (size_t t = step; t < reach + step; t += step) {
    const size_t begin = zero - std::min(t, below), end = zero + std::min(t, above);
    if (end - begin < levels) continue;
    const double found = divergence(counts, begin, end, levels);
    if (found >= least) continue;
    least = found;
    best = within(histogram.range(), histogram.edge(begin), histogram.edge(end));
  }
  return best;
}

ObservedRange clip_mse(const Histogram& histogram, const ObserverOptions& options) {
  const QuantRange codes = quant_range(options.type, options.symmetric);
  const ObservedRange full = histogram.range();
  ObservedRange best = full;
  double least = std::numeric_limits<double>::infinity();
  for (int percent = 100; percent >= 10; --percent) {
    const float part = static_cast<float>(percent) / 100;
    const ObservedRange range{full.min * part, full.max * part};
    const ScaleAndZero params =
        choose_quant_params(range.min, range.max, options.type, options.symmetric);
    double error = 0;
    for (size_t i = 0; i < histogram.counts().size(); ++i) {
      if (histogram.counts()[i] == 0) continue;
      const auto value = static_cast<float>(histogram.centre(i));
      const double off = value - dequantize_value(quantize_value(value, params, codes), params);
      error += static_cast<double>(histogram.counts()[i]) * off * off;
    }
    if (error >= least) continue;
    least = error;
    best = range;
  }
  return best;
}

} // namespace octet

#include "quant/weights.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "quant/arithmetic.h"

namespace octet {
namespace {
struct Range {
  float min = 0, max = 0;
  void add(float v) {
    min = std::min(min, v);
    max = std::max(max, v);
  }
};

// Calls visit(channel, begin, end) for each stretch of elements of one channel.
template <class Visit>
void for_each_stretch(size_t elements, WeightLayout layout, const Visit& visit) {
  for (size_t begin = 0, stretch = 0; begin < elements; begin += layout.inner, ++stretch)
    visit(stretch % layout.channels, begin, std::min(elements, begin + layout.inner));
}

// The smallest scale under which [min, max] fits the codes around a given zero point.
float scale_for_zero(Range range, int32_t zero_point, QuantRange codes) {
  const auto above = static_cast<float>(codes.max - zero_point),
             below = static_cast<float>(zero_point - codes.min);
  const float up = above > 0 ? range.max / above : 0, down = below > 0 ? -range.min / below : 0;
  const float scale = std::max(up, down);
  return scale > 0 ? scale : 1.0f;
}
} // namespace

QuantizedWeights quantize_weights(std::span<const float> weights, WeightLayout layout,
                                  const WeightOptions& options, bool shared_zero_point) {
  for (const float w : weights)
    if (!std::isfinite(w)) fail(ErrorCode::InvalidInput, "a weight is not finite");
  if (!options.per_channel) layout = {.channels = 1, .inner = std::max<size_t>(weights.size(), 1)};
  std::vector<Range> ranges(layout.channels);
  Range whole;
  for_each_stretch(weights.size(), layout, [&](size_t channel, size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) ranges[channel].add(weights[i]);
  });
  for (const Range& range : ranges) {
    whole.add(range.min);
    whole.add(range.max);
  }
  const QuantRange codes = quant_range(options.type, options.symmetric);
  const int32_t common_zero =
      choose_quant_params(whole.min, whole.max, options.type, options.symmetric).zero_point;
  QuantizedWeights out{.codes = std::vector<uint8_t>(weights.size())};
  for (const Range& range : ranges) {
    ScaleAndZero params =
        choose_quant_params(range.min, range.max, options.type, options.symmetric);
    if (shared_zero_point) params = {scale_for_zero(range, common_zero, codes), common_zero};
    out.scales.push_back(params.scale);
    out.zero_points.push_back(params.zero_point);
  }
  double signal = 0, noise = 0;
  std::vector<int32_t> stretch_codes(layout.inner);
  std::vector<float> restored(layout.inner);
  for_each_stretch(weights.size(), layout, [&](size_t channel, size_t begin, size_t end) {
    const ScaleAndZero params{out.scales[channel], out.zero_points[channel]};
    const std::span<int32_t> q(stretch_codes.data(), end - begin);
    const std::span<float> back(restored.data(), end - begin);
    quantize_values(weights.subspan(begin, end - begin), params, codes, q);
    dequantize_values(q, params, back);
    for (size_t i = 0; i < q.size(); ++i) {
      out.codes[begin + i] = static_cast<uint8_t>(q[i]);
      const double w = weights[begin + i], error = w - back[i];
      signal += w * w;
      noise += error * error;
    }
  });
  out.sqnr_db = noise > 0 ? 10 * std::log10(signal / noise) : INFINITY;
  return out;
}

} // namespace octet

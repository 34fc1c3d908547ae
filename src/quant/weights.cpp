#include "quant/weights.h"

#include <algorithm>
#include <cfloat>
#include <cmath>

#include "base/error.h"
#include "base/pieces.h"
#include "quant/arithmetic.h"

namespace octet {
namespace {
struct Range {
  float min = 0, max = 0;
  [[gnu::always_inline]] void add(float v) {
    if (v < min) min = v;
    if (v > max) max = v;
  }
};

// The channel of an element, and of the ones after it.
class ChannelWalk {
public:
  ChannelWalk(WeightLayout layout, size_t element)
      : layout_(layout), channel_(element / layout.inner % layout.channels),
        left_(layout.inner - element % layout.inner) {}

  [[gnu::always_inline]] size_t channel() const { return channel_; }
  [[gnu::always_inline]] void next() {
    if (--left_ != 0) return;
    left_ = layout_.inner;
    if (++channel_ == layout_.channels) channel_ = 0;
  }

private:
  WeightLayout layout_;
  size_t channel_, left_;
};

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
  const float* const from = weights.data();
  if (!options.per_channel) layout = {.channels = 1, .inner = std::max<size_t>(weights.size(), 1)};
  std::vector<Range> ranges(layout.channels);
  Range whole;
  in_pieces(weights.size(), [&, to = ranges.data()](size_t begin, size_t end) {
    ChannelWalk walk(layout, begin);
    for (size_t i = begin; i < end; ++i, walk.next()) {
      if (!(std::abs(from[i]) <= FLT_MAX)) fail(ErrorCode::InvalidInput, "a weight is not finite");
      to[walk.channel()].add(from[i]);
    }
  });
  for (const Range& range : ranges) {
    whole.add(range.min);
    whole.add(range.max);
  }
  const QuantRange codes = quant_range(options.type, options.symmetric);
  const int32_t common_zero =
      choose_quant_params(whole.min, whole.max, options.type, options.symmetric).zero_point;
  ClipCounter clips(codes);
  QuantizedWeights out{.codes = std::vector<uint8_t>(weights.size())};
  for (const Range& range : ranges) {
    ScaleAndZero params =
        choose_quant_params(range.min, range.max, options.type, options.symmetric);
    if (shared_zero_point) params = {scale_for_zero(range, common_zero, codes), common_zero};
    out.scales.push_back(params.scale);
    out.zero_points.push_back(params.zero_point);
    clips.add_params(params);
  }
  double signal = 0, noise = 0;
  in_pieces(weights.size(), [&, scales = out.scales.data(), zeros = out.zero_points.data(),
                             to = out.codes.data()](size_t begin, size_t end) {
    ChannelWalk walk(layout, begin);
    double piece_signal = 0, piece_noise = 0;
    size_t clipped = 0;
    for (size_t i = begin; i < end; ++i, walk.next()) {
      const ScaleAndZero params{scales[walk.channel()], zeros[walk.channel()]};
      const int32_t code = quantize_value(from[i], params, codes);
      to[i] = static_cast<uint8_t>(code);
      const double w = from[i], error = w - dequantize_value(code, params);
      piece_signal += w * w;
      piece_noise += error * error;
      clipped += ClipCounter::is_clipped(error, params.scale);
    }
    signal += piece_signal;
    noise += piece_noise;
    clips.add_values(clipped, end - begin);
  });
  Histogram histogram;
  histogram.add(weights);
  out.histogram = histogram.coarse();
  out.clipping = clips.result();
  out.sqnr_db = noise > 0 ? 10 * std::log10(signal / noise) : INFINITY;
  return out;
}

Tensor tensor_of_codes(std::span<const uint8_t> codes, DType type, Shape shape) {
  Buffer buffer(dtype_bytes(type, codes.size()));
  if (dtype_bits(type) == 4) {
    std::fill_n(buffer.data(), buffer.size(), uint8_t{0});
    for (size_t i = 0; i < codes.size(); ++i)
      buffer.data()[i / 2] |= static_cast<uint8_t>((codes[i] & 15) << (i % 2 * 4));
  } else {
    std::copy(codes.begin(), codes.end(), buffer.data());
  }
  return Tensor(type, std::move(shape), SharedBytes(std::move(buffer)));
}

QuantizedTensor describe_weights(std::string name, std::string node, const WeightOptions& options,
                                 const QuantizedWeights& weights) {
  const auto [low, high] = std::minmax_element(weights.scales.begin(), weights.scales.end());
  return {.name = std::move(name),
          .node = std::move(node),
          .type = options.type,
          .scale_min = *low,
          .scale_max = *high,
          .granularity = options.per_channel ? "per-channel" : "per-tensor",
          .method = "minmax",
          .sqnr_db = weights.sqnr_db,
          .histogram = weights.histogram,
          .clipping = weights.clipping};
}

} // namespace octet

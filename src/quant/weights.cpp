#include "quant/weights.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/pieces.h"
#include "ops/statistics.h"
#include "quant/arithmetic.h"

namespace octet {
namespace {
constexpr size_t kEnoughWeights = 1'000'000; // between two chances to stop

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

// Of finite values.
void widen(ObservedRange& range, std::span<const float> run) {
  constexpr size_t kLongRun = 32; // worth vectors
  if (run.size() >= kLongRun) {
    range = merge(range, finite_extremes(run).value());
    return;
  }
  for (const float w : run) range = {std::min(range.min, w), std::max(range.max, w)};
}
} // namespace

WeightRounding::WeightRounding(std::span<const float> weights, WeightLayout layout,
                               const WeightOptions& options, bool shared_zero_point)
    : weights_(weights), layout_(layout),
      rule_(range_method(options), options.type, options.symmetric, options.reduce_range),
      shared_zero_point_(shared_zero_point), clips_(rule_.codes()) {
  if (!options.per_channel) layout_ = {.channels = 1, .inner = std::max<size_t>(weights.size(), 1)};
  ranges_.resize(layout_.channels);
}

bool WeightRounding::advance() {
  const size_t end = std::min(at_ + kEnoughWeights, weights_.size());
  if (!measured_)
    measure(at_, end);
  else if (pass_ < rule_.passes())
    search(at_, end);
  else
    round(at_, end);
  at_ = end;
  return at_ < weights_.size() || next_pass();
}

// False behind the last one.
bool WeightRounding::next_pass() {
  at_ = 0;
  if (!measured_) {
    measured_ = true;
    searches_.resize(rule_.passes() == 0 ? 0 : ranges_.size(),
                     {.count = weights_.size() / std::max<size_t>(ranges_.size(), 1)});
    for (size_t c = 0; c < searches_.size(); ++c) searches_[c].full = ranges_[c];
  } else if (pass_ < rule_.passes()) {
    for (RangeSearch& search : searches_) rule_.end_pass(search, pass_);
    ++pass_;
  } else {
    return false;
  }
  if (pass_ < rule_.passes())
    for (RangeSearch& search : searches_) rule_.begin_pass(search, pass_);
  else
    choose_params();
  return true;
}

// Elements that follow one another, a piece at most at once: of one channel, or, where each channel
// has a single one, of this channel and the next ones.
template <class Body>
void WeightRounding::for_each_run(size_t begin, size_t end, const Body& body) const {
  const auto [channels, inner] = layout_;
  in_pieces(end - begin, [&](size_t first, size_t last) {
    for (size_t from = begin + first, next; from < begin + last; from = next) {
      const size_t channel = from / inner % channels;
      const size_t left = inner == 1 ? channels - channel : inner - from % inner;
      next = from + std::min(left, begin + last - from);
      body(channel, inner == 1 ? next - from : 1, weights_.subspan(from, next - from));
    }
  });
}

void WeightRounding::measure(size_t begin, size_t end) {
  if (!finite_extremes(weights_.subspan(begin, end - begin)))
    fail(ErrorCode::InvalidInput, "a weight is not finite");
  for_each_run(begin, end, [this](size_t channel, size_t count, std::span<const float> run) {
    if (count == 1) return widen(ranges_[channel], run);
    const float* from = run.data();
    ObservedRange* to = &ranges_[channel];
    for (size_t i = 0; i < count; ++i)
      to[i] = {std::min(to[i].min, from[i]), std::max(to[i].max, from[i])};
  });
}

void WeightRounding::search(size_t begin, size_t end) {
  in_pieces(end - begin,
            [&, from = weights_.data(), to = searches_.data()](size_t first, size_t last) {
              ChannelWalk walk(layout_, begin + first);
              for (size_t i = begin + first; i < begin + last; ++i, walk.next())
                rule_.add(to[walk.channel()], from[i]);
            });
}

// The smallest scale under which the range fits the codes around a given zero point.
ScaleAndZero WeightRounding::params_in_common(ObservedRange range, int32_t zero_point) const {
  const auto above = static_cast<float>(rule_.codes().max - zero_point),
             below = static_cast<float>(zero_point - rule_.codes().min);
  const float up = above > 0 ? range.max / above : 0, down = below > 0 ? -range.min / below : 0;
  const float scale = std::max(up, down);
  return {scale > 0 ? scale : 1.0f, zero_point};
}

void WeightRounding::choose_params() {
  for (size_t c = 0; c < searches_.size(); ++c) ranges_[c] = searches_[c].chosen;
  ObservedRange whole;
  for (const ObservedRange& range : ranges_) whole = merge(whole, range);
  const int32_t common_zero = rule_.within(whole).zero_point;
  out_.codes = Buffer(weights_.size());
  for (size_t c = 0; c < ranges_.size(); ++c) {
    const ObservedRange range = ranges_[c];
    ScaleAndZero params =
        shared_zero_point_ ? params_in_common(range, common_zero) : rule_.within(range);
    if (!least_scales_.empty()) params.scale = std::max(params.scale, least_scales_[c]);
    out_.scales.push_back(params.scale);
    out_.zero_points.push_back(params.zero_point);
    clips_.add_params(params);
  }
  out_.sqnr_db = INFINITY;
}

void WeightRounding::round(size_t begin, size_t end) {
  RoundingLoss loss;
  for_each_run(begin, end, [this, &loss](size_t channel, size_t count, std::span<const float> run) {
    const auto [min, max] = rule_.codes();
    uint8_t* codes = out_.codes.data() + (run.data() - weights_.data());
    round_to_codes(run, std::span(out_.scales).subspan(channel, count),
                   std::span(out_.zero_points).subspan(channel, count), min, max, codes, loss);
  });
  signal_ += loss.signal;
  noise_ += loss.noise;
  clips_.add_values(loss.clipped, end - begin);
  histogram_.add(weights_.subspan(begin, end - begin));
  if (noise_ > 0) out_.sqnr_db = 10 * std::log10(signal_ / noise_);
}

QuantizedWeights WeightRounding::take() {
  out_.histogram = histogram_.coarse();
  out_.clipping = clips_.result();
  return std::move(out_);
}

QuantizedWeights quantize_weights(std::span<const float> weights, WeightLayout layout,
                                  const WeightOptions& options, bool shared_zero_point) {
  WeightRounding rounding(weights, layout, options, shared_zero_point);
  while (rounding.advance()) {
  }
  return rounding.take();
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

Tensor scalar_code(int32_t code, DType type) {
  if (type == DType::UInt16) return Tensor::scalar<uint16_t>(static_cast<uint16_t>(code));
  if (type == DType::Int16) return Tensor::scalar<int16_t>(static_cast<int16_t>(code));
  const uint8_t byte[] = {static_cast<uint8_t>(code)};
  return tensor_of_codes(byte, type, {});
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
          .method = range_method(options),
          .sqnr_db = weights.sqnr_db,
          .histogram = weights.histogram,
          .clipping = weights.clipping};
}

} // namespace octet

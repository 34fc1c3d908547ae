#include "quant/calibrator.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "quant/sample.h"

namespace octet {
namespace {
constexpr std::string_view kWideReason =
    "a logarithm of its spectrum follows, for which 8 bits are too few";

ObserverOptions observer_options(const ActivationOptions& options, DType type, bool symmetric) {
  return {.method = options.method,
          .percentile = options.percentile,
          .type = type,
          .symmetric = symmetric};
}
} // namespace

Calibrator::Calibrator(const ActivationOptions& options) : options_(options) {
  constexpr DType kTypes[] = {DType::UInt8, DType::Int8, DType::UInt16, DType::Int16};
  if (std::find(std::begin(kTypes), std::end(kTypes), options.type) == std::end(kTypes))
    fail(ErrorCode::InvalidOption, "activations.type: uint8, int8, uint16 or int16 expected, not ",
         dtype_name(options.type));
  if (!(options.percentile > 0 && options.percentile <= 100))
    fail(ErrorCode::InvalidOption, "activations.percentile: a number above 0, up to 100 expected");
  if (is_log2() && (options.method == "entropy" || options.method == "mse"))
    fail(ErrorCode::InvalidOption, "activations.method: '", options.method,
         "' chooses ranges for evenly spaced levels; with scheme log2 minmax, moving-average or "
         "percentile expected");
  make_observer(observer_options(options, options.type, options.symmetric));
}

size_t Calibrator::add_observer(bool is_wide) {
  const Codes codes =
      is_wide ? Codes{DType::Int16, true} : Codes{options_.type, options_.symmetric};
  codes_.push_back(codes);
  observers_.push_back(make_observer(observer_options(options_, codes.type, codes.symmetric)));
  spans_.emplace_back();
  if (is_log2()) log2_.emplace_back();
  return observers_.size() - 1;
}

size_t Calibrator::add_tap(size_t observer, std::string name) {
  taps_.push_back({observer, std::move(name)});
  return taps_.size() - 1;
}

void Calibrator::observe(size_t tap, std::span<const float> values) {
  const Tap& tapped = taps_.at(tap);
  const auto range = observers_[tapped.observer]->add(values);
  if (!range) refuse_sample(tapped.name);
  spans_[tapped.observer].push_back(range->max - range->min);
  if (is_log2()) log2_[tapped.observer].errors.add(values);
}

void Calibrator::limit_levels(size_t observer, int32_t most) {
  int32_t& limit = log2_[observer].most_levels;
  limit = std::min(limit, most);
}

kernels::Log2Levels Calibrator::log2_levels(size_t observer) const {
  return choose_log2_levels(*observers_[observer]->range(), log2_[observer].most_levels);
}

double Calibrator::log2_sqnr_db(size_t observer) const {
  return log2_[observer].errors.sqnr_db(log2_levels(observer));
}

bool Calibrator::choose_next() {
  if (params_.size() == observers_.size()) return false;
  params_.push_back(choose(params_.size()));
  return true;
}

std::optional<ScaleAndZero> Calibrator::choose(size_t observer) const {
  const auto range = observers_[observer]->range();
  if (!range) return std::nullopt;
  if (!is_log2())
    return choose_quant_params(range->min, range->max, codes_[observer].type,
                               codes_[observer].symmetric);
  const bool has_negative = range->min < 0 || options_.symmetric;
  return ScaleAndZero{.scale = std::ldexp(1.0f, log2_levels(observer).first),
                      .zero_point = options_.type == DType::UInt8 && has_negative ? 128 : 0};
}

bool Calibrator::saw_only_zero(size_t observer) const {
  const std::vector<float>& spans = spans_[observer];
  return !spans.empty() && *std::max_element(spans.begin(), spans.end()) == 0;
}

Calibrator::Scales Calibrator::scales_of_samples(size_t observer) const {
  const QuantRange codes = quant_range(codes_[observer].type, codes_[observer].symmetric);
  const auto steps = static_cast<float>(codes.max - codes.min);
  const auto [least, most] = std::minmax_element(spans_[observer].begin(), spans_[observer].end());
  return {*least / steps, *most / steps};
}

double Calibrator::drift(size_t observer) const {
  std::vector<float> spans = spans_[observer];
  if (spans.empty()) return 0;
  const auto middle = spans.begin() + static_cast<ptrdiff_t>(spans.size() / 2);
  std::nth_element(spans.begin(), middle, spans.end());
  const float widest = *std::max_element(spans.begin(), spans.end());
  return widest > 0 ? double{widest} / double{*middle} : 1;
}

ClipRange Calibrator::clipping(size_t observer, ScaleAndZero params) const {
  if (is_log2()) return log2_clipping(observer);
  ClipCounter counter(quant_range(codes_[observer].type, codes_[observer].symmetric));
  counter.add_params(params);
  ClipRange range = counter.result();
  const double half = double{params.scale} / 2;
  range.share = observers_[observer]->histogram().share_outside(double{range.min} - half,
                                                                double{range.max} + half);
  return range;
}

ClipRange Calibrator::log2_clipping(size_t observer) const {
  const kernels::Log2Levels levels = log2_levels(observer);
  const double largest = std::ldexp(1.0, levels.first + levels.positive - 1);
  const double smallest =
      levels.negative ? -std::ldexp(1.0, levels.first + levels.negative - 1) : 0;
  // The next level, if there were one, would begin half an octave further.
  return {.min = static_cast<float>(smallest),
          .max = static_cast<float>(largest),
          .share = observers_[observer]->histogram().share_outside(smallest * std::numbers::sqrt2,
                                                                   largest * std::numbers::sqrt2)};
}

QuantizedTensor Calibrator::describe(size_t observer, std::string name, std::string node,
                                     bool is_dynamic) const {
  QuantizedTensor out{.role = TensorRole::Activations,
                      .name = std::move(name),
                      .node = std::move(node),
                      .granularity = "per-tensor",
                      .sqnr_db = NAN,
                      .histogram = observers_[observer]->histogram().coarse(),
                      .drift = drift(observer)};
  if (is_dynamic) {
    const Scales scales = scales_of_samples(observer);
    out.type = DType::UInt8;
    out.method = "dynamic";
    out.scale_min = scales.min;
    out.scale_max = scales.max;
  } else if (const auto chosen = params(observer)) {
    out.type = type(observer);
    if (out.type != options_.type) out.reason = kWideReason;
    out.method = saw_only_zero(observer) ? "constant" : options_.method;
    out.scale_min = out.scale_max = chosen->scale;
    out.clipping = clipping(observer, *chosen);
    if (is_log2()) {
      out.sqnr_db = log2_sqnr_db(observer);
      out.log2_levels = static_cast<size_t>(log2_levels(observer).positive);
    }
  }
  return out;
}

} // namespace octet

#include "quant/log2.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "ops/log2_ops.h"
#include "quant/scopes.h"

namespace octet {
namespace {
constexpr int32_t kBias = 127, kMantissaBits = 23;
constexpr int32_t kFirstExponent = -125, kLastExponent = 127;

// The exponent, biased, of the power of two that is nearest to a magnitude; halves go up.
size_t nearest_octave(float magnitude) {
  constexpr uint32_t kHalf = uint32_t{1} << (kMantissaBits - 1);
  return (std::bit_cast<uint32_t>(magnitude) + kHalf) >> kMantissaBits;
}
} // namespace

kernels::Log2Levels choose_log2_levels(ObservedRange range, int32_t most) {
  const auto nearest =
      static_cast<int32_t>(nearest_octave(std::max(std::abs(range.min), range.max)));
  const int32_t last = std::clamp(nearest - kBias, kFirstExponent, kLastExponent);
  const int32_t count = std::clamp(last - kFirstExponent + 1, 1, std::max(most, 1));
  return {.first = last - count + 1, .positive = count, .negative = count};
}

Tensor log2_level_table(const kernels::Log2Levels& levels) {
  std::vector<float> table{0};
  for (int32_t i = 0; i < levels.positive; ++i) table.push_back(std::ldexp(1.0f, levels.first + i));
  return Tensor::of<float>({static_cast<int64_t>(table.size())}, table);
}

void import_own_functions(Graph& graph) {
  constexpr int64_t kFirstIrWithFunctions = 8;
  import_opset(graph, kFunctionDomain, 1);
  graph.model.ir_version = std::max(graph.model.ir_version, kFirstIrWithFunctions);
}

void Log2Errors::add(std::span<const float> values) {
  for (const float value : values) {
    const float magnitude = std::abs(value);
    Octave& octave = octaves_[nearest_octave(magnitude)];
    octave.count += 1;
    octave.sum += magnitude;
    octave.energy += double{magnitude} * magnitude;
  }
}

double Log2Errors::sqnr_db(const kernels::Log2Levels& levels) const {
  double energy = 0, noise = 0;
  for (size_t i = 0; i < octaves_.size(); ++i) {
    const Octave& octave = octaves_[i];
    const int32_t exponent = static_cast<int32_t>(i) - kBias;
    const int32_t last = levels.first + levels.positive - 1;
    const double level = exponent < levels.first ? 0 : std::ldexp(1.0, std::min(exponent, last));
    energy += octave.energy;
    noise += octave.energy - level * (2 * octave.sum - octave.count * level);
  }
  return 10 * std::log10(energy / std::max(noise, 0.0));
}

} // namespace octet

#include "ops/batch_norm.h"

#include <cmath>

#include "ops/numbers.h"

namespace octet {
namespace {
struct Statistics {
  double mean, variance;
};

// Of one channel; the variance is that of the population.
Statistics measure(const RealView& x, const ChannelShape& shape, size_t channel) {
  const auto sum_over = [&](auto&& f) {
    double sum = 0;
    for (size_t n = 0; n < shape.batch; ++n) {
      const size_t first = (n * shape.channels + channel) * shape.plane;
      for (size_t i = first; i < first + shape.plane; ++i) sum += f(x.load(i));
    }
    return sum / static_cast<double>(shape.batch * shape.plane);
  };
  const double mean = sum_over([](double value) { return value; });
  return {mean, sum_over([&](double value) { return (value - mean) * (value - mean); })};
}
} // namespace

bool trains(const NodeContext& ctx) {
  if (ctx.opset() >= 14) return ctx.attributes().get_int("training_mode", 0) != 0;
  const auto& outputs = ctx.node().outputs;
  for (size_t i = 1; i < outputs.size(); ++i)
    if (outputs[i]) return true;
  return false;
}

Kernel general_batch_norm(PrepareContext& ctx, const ChannelShape& shape) {
  constexpr size_t kInputs = 5, kOutputs = 5;
  std::array<const WideType*, kInputs> in;
  std::array<const WideType*, kOutputs> out{};
  for (size_t i = 0; i < kInputs; ++i) in[i] = &wide_type(ctx, ctx.dtype(i));
  for (size_t i = 0; i < kOutputs; ++i)
    if (ctx.has_output(i)) out[i] = &wide_type(ctx, ctx.output(i).dtype);
  return [=, is_training = trains(ctx), epsilon = ctx.attributes().get_float("epsilon", 1e-5f),
          momentum = ctx.attributes().get_float("momentum", 0.9f)](const RunContext& run) {
    std::array<RealView, kInputs> x;
    for (size_t i = 0; i < kInputs; ++i) x[i] = {in[i], run.inputs[i]};
    for (size_t c = 0; c < shape.channels; ++c) {
      const Statistics given{x[3].load(c), x[4].load(c)};
      const Statistics used = is_training ? measure(x[0], shape, c) : given;
      const auto running = [&](double before, double now) {
        return before * momentum + now * (1 - momentum);
      };
      const double results[] = {0, running(given.mean, used.mean),
                                running(given.variance, used.variance), used.mean, used.variance};
      for (size_t i = 1; i < kOutputs; ++i)
        if (out[i]) store_real(*out[i], run.outputs[i], c, results[i]);
      const double scale = x[1].load(c) / std::sqrt(used.variance + epsilon);
      const double shift = x[2].load(c) - used.mean * scale;
      for (size_t n = 0; n < shape.batch; ++n) {
        const size_t first = (n * shape.channels + c) * shape.plane;
        for (size_t i = first; i < first + shape.plane; ++i)
          store_real(*out[0], run.outputs[0], i, x[0].load(i) * scale + shift);
      }
    }
  };
}

} // namespace octet

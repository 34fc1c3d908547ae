// Random numbers: RandomNormal(Like), RandomUniform(Like), Bernoulli, Multinomial, and Dropout's
// mask.
//
// The generator is the Mersenne Twister MT19937 (Matsumoto and Nishimura 1998), seeded and read as
// numpy's RandomState is, which ONNX's reference implementation uses: a seed gives its numbers. The
// attribute `seed` starts a node's generator anew at each run; without it each run differs.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <random>

#include "ops/numbers.h"

namespace octet {
namespace {
uint32_t fresh_seed() {
  static std::atomic<uint64_t> draws{0};
  const auto now =
      static_cast<uint64_t>(std::chrono::high_resolution_clock::now().time_since_epoch().count());
  uint64_t bits = now + ++draws * 0x9e3779b97f4a7c15u; // mixed as in SplitMix64
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
  return static_cast<uint32_t>(bits >> 32);
}

class RandomState {
public:
  explicit RandomState(uint32_t seed) : twister_(seed) {}

  // In [0, 1), of 53 random bits.
  double uniform() {
    const auto high = static_cast<double>(twister_() >> 5);
    const auto low = static_cast<double>(twister_() >> 6);
    return (high * 0x1p26 + low) / 0x1p53;
  }

  // By the polar method (Marsaglia 1962), which yields two numbers at a time.
  double normal() {
    if (has_spare_) {
      has_spare_ = false;
      return spare_;
    }
    double x, y, square;
    do {
      x = 2 * uniform() - 1;
      y = 2 * uniform() - 1;
      square = x * x + y * y;
    } while (square >= 1 || square == 0);
    const double factor = std::sqrt(-2 * std::log(square) / square);
    spare_ = factor * x;
    has_spare_ = true;
    return factor * y;
  }

private:
  std::mt19937 twister_;
  double spare_ = 0;
  bool has_spare_ = false;
};

// The seed of a node: a float, of which the whole part counts, or Dropout's int.
std::optional<uint32_t> seed_of(const NodeContext& ctx) {
  const AttributeValue* seed = ctx.attributes().find("seed");
  if (!seed) return std::nullopt;
  if (const int64_t* integer = std::get_if<int64_t>(seed)) return static_cast<uint32_t>(*integer);
  const double value = ctx.attributes().get_float("seed", 0);
  if (!(std::abs(value) < 0x1p63)) return std::nullopt;
  return static_cast<uint32_t>(static_cast<int64_t>(value));
}

RandomState make_state(const NodeContext& ctx) {
  const auto seed = seed_of(ctx);
  return RandomState(seed ? *seed : fresh_seed());
}

// --- RandomNormal, RandomUniform: of a shape given as an attribute, or of the input's
Shape given_shape(const NodeContext& ctx) {
  if (ctx.has_input(0)) return ctx.shape(0);
  const Shape shape(ctx.attributes().get_ints("shape"));
  for (const int64_t size : shape)
    if (size < 0) ctx.fail("a shape of ", to_string(shape));
  return shape;
}

DType given_dtype(const NodeContext& ctx) {
  return dtype_attribute(ctx, "dtype", ctx.has_input(0) ? ctx.dtype(0) : DType::Float32);
}

void infer_random(InferContext& ctx) {
  ctx.set_output(0, given_dtype(ctx), given_shape(ctx));
}

template <bool is_normal>
std::vector<Tensor> draw(const NodeContext& ctx) {
  const Shape shape = given_shape(ctx);
  check_room(ctx, DType::Float64, shape);
  const Attributes& attributes = ctx.attributes();
  const double first = attributes.get_float(is_normal ? "mean" : "low", 0);
  const double second = attributes.get_float(is_normal ? "scale" : "high", 1);
  RandomState state = make_state(ctx);
  std::vector<double> out(shape.elements());
  for (double& x : out)
    x = is_normal ? first + second * state.normal() : first + (second - first) * state.uniform();
  return {make_tensor(ctx, given_dtype(ctx), shape, out)};
}

// --- Bernoulli: 1 with the probability that an element is
std::vector<Tensor> bernoulli(const NodeContext& ctx) {
  RandomState state = make_state(ctx);
  std::vector<double> x = *ctx.float_values(0);
  for (double& p : x) p = state.uniform() < p;
  return {make_tensor(ctx, given_dtype(ctx), ctx.shape(0), x)};
}

// --- Multinomial: classes of rows of logarithms of probabilities, which need not add up to 1
int64_t sample_size(const NodeContext& ctx) {
  const int64_t size = ctx.attributes().get_int("sample_size", 1);
  if (size < 1) ctx.fail("sample_size is ", size);
  return size;
}

void infer_multinomial(InferContext& ctx) {
  const Shape& x = ctx.shape(0);
  if (x.rank() != 2 || x[1] == 0) ctx.fail("rows of probabilities expected, not ", to_string(x));
  ctx.set_output(0, dtype_attribute(ctx, "dtype", DType::Int32), {x[0], sample_size(ctx)});
}

std::vector<Tensor> multinomial(const NodeContext& ctx) {
  const Shape& x = ctx.shape(0);
  if (x.rank() != 2 || x[1] == 0) ctx.fail("rows of probabilities expected, not ", to_string(x));
  const Shape shape{x[0], sample_size(ctx)};
  check_room(ctx, DType::Float64, shape);
  const auto logits = *ctx.float_values(0);
  const size_t classes = dim(x, 1);
  RandomState state = make_state(ctx);
  std::vector<int64_t> out;
  out.reserve(shape.elements());
  std::vector<double> sums(classes); // cumulative
  for (size_t row = 0; row < dim(x, 0); ++row) {
    const double* first = logits.data() + row * classes;
    const double largest = *std::max_element(first, first + classes);
    double sum = 0;
    for (size_t c = 0; c < classes; ++c) sums[c] = sum += std::exp(first[c] - largest);
    for (int64_t i = 0; i < shape[1]; ++i) {
      const auto at = std::upper_bound(sums.begin(), sums.end() - 1, state.uniform() * sum);
      out.push_back(at - sums.begin());
    }
  }
  return {make_tensor(ctx, dtype_attribute(ctx, "dtype", DType::Int32), shape, out)};
}

// --- Dropout: passes its input on unless it trains; the mask tells what is left. Since operator
// set 12 the ratio and whether it trains are inputs; before, it never trains.
void infer_dropout(InferContext& ctx) {
  ctx.set_output(0, ctx.dtype(0), ctx.shape(0));
  ctx.set_output(1, ctx.opset() < 10 ? ctx.dtype(0) : DType::Bool, ctx.shape(0));
}

Kernel prepare_dropout(PrepareContext& ctx) {
  const size_t count = ctx.shape(0).elements(), bytes = dtype_bytes(ctx.dtype(0), count);
  const DType mask_dtype = ctx.opset() < 10 ? ctx.dtype(0) : DType::Bool;
  const WideType* data = find_wide(ctx.dtype(0));
  const WideType* mask_type = ctx.has_output(1) ? &wide_type(ctx, mask_dtype) : nullptr;
  const WideType* ratio_type = ctx.has_input(1) ? &wide_type(ctx, ctx.dtype(1)) : nullptr;
  const bool has_mode = ctx.has_input(2);
  return [=, seed = seed_of(ctx), node = ctx.describe_node()](const RunContext& run) {
    const bool trains = has_mode && *run.input<uint8_t>(2) != 0;
    const double given = ratio_type ? RealView{ratio_type, run.inputs[1]}.load(0) : 0.5;
    const double ratio = trains ? given : 0;
    if (!(ratio >= 0 && ratio < 1))
      fail(ErrorCode::InvalidInput, node, ": a ratio of ", ratio, " is not in [0, 1)");
    if (ratio != 0 && !data) fail(ErrorCode::UnsupportedOperator, node, ": training of this type");
    auto* to = run.output<uint8_t>(0);
    if (to && to != run.input<uint8_t>(0) && ratio == 0) std::memcpy(to, run.inputs[0], bytes);
    RandomState state(seed ? *seed : fresh_seed());
    for (size_t i = 0; i < count && (mask_type || ratio != 0); ++i) {
      const bool keeps = ratio == 0 || state.uniform() >= ratio;
      if (mask_type) store_real(*mask_type, run.outputs[1], i, keeps);
      if (!to || ratio == 0) continue;
      const double x = RealView{data, run.inputs[0]}.load(i);
      store_real(*data, to, i, keeps ? x / (1 - ratio) : 0);
    }
  };
}
} // namespace

extern const OpDef op_random_normal{
    .infer = infer_random, .compute = draw<true>, .deterministic = false};
extern const OpDef op_random_uniform{
    .infer = infer_random, .compute = draw<false>, .deterministic = false};
extern const OpDef op_bernoulli{
    .infer = infer_random, .compute = bernoulli, .deterministic = false};
extern const OpDef op_multinomial{
    .infer = infer_multinomial, .compute = multinomial, .deterministic = false};
extern const OpDef op_dropout{.infer = infer_dropout,
                              .prepare = prepare_dropout,
                              .aliasing = Aliasing::InPlace,
                              .layout = LayoutRule::Elementwise,
                              .deterministic = false};

} // namespace octet

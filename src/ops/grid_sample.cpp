// GridSample: elements of an input at the places that a grid names, on any number of spatial axes.
//
// Places run from −1 to 1 across the input, from the middles of its outer elements (align_corners)
// or from their edges. What lies outside is moved inside first (border, reflection) or zero.
#include <algorithm>
#include <array>
#include <cmath>

#include "ops/element.h"
#include "ops/op_def.h"

namespace octet {
namespace {
enum class Mode : uint8_t { Nearest, Linear, Cubic };
enum class Padding : uint8_t { Zeros, Border, Reflection };

constexpr size_t kMaxSpatial = 6;

Mode mode_of(const NodeContext& ctx) {
  const std::string mode =
      ctx.attributes().get_string("mode", ctx.opset() < 20 ? "bilinear" : "linear");
  if (mode == "nearest") return Mode::Nearest;
  if (mode == "linear" || mode == "bilinear") return Mode::Linear;
  if (mode == "cubic" || mode == "bicubic") return Mode::Cubic;
  ctx.fail("mode '", mode, "' is not known");
}

Padding padding_of(const NodeContext& ctx) {
  const std::string mode = ctx.attributes().get_string("padding_mode", "zeros");
  if (mode == "zeros") return Padding::Zeros;
  if (mode == "border") return Padding::Border;
  if (mode == "reflection") return Padding::Reflection;
  ctx.fail("padding_mode '", mode, "' is not known");
}

void infer_grid_sample(InferContext& ctx) {
  const Shape &x = ctx.shape(0), &grid = ctx.shape(1);
  if (x.rank() < 3 || x.rank() > kMaxSpatial + 2 || grid.rank() != x.rank() || grid[0] != x[0] ||
      grid.back() != static_cast<int64_t>(x.rank()) - 2)
    ctx.fail("a grid of shape ", to_string(grid), " does not fit data of shape ", to_string(x));
  Shape out{x[0], x[1]};
  for (size_t i = 1; i + 1 < grid.rank(); ++i) out.push_back(grid[i]);
  ctx.set_output(0, ctx.dtype(0), std::move(out));
}

// Moves a place back and forth between two walls until it is between them.
double reflect(double at, double low, double high) {
  const double span = high - low;
  if (!(span > 0)) return low;
  const double from_low = std::fmod(std::abs(at - low), 2 * span);
  return low + (from_low > span ? 2 * span - from_low : from_low);
}

// One spatial axis.
struct Axis {
  double size;
  double low, high; // where reflections happen
  Padding padding;
  bool align_corners;

  double last() const { return size - 1; }

  // The place of a grid coordinate, moved inside where padding says so.
  double place(double grid, bool whole) const {
    double at = align_corners ? (grid + 1) / 2 * last() : ((grid + 1) * size - 1) / 2;
    if (whole) at = std::nearbyint(at);
    if (at >= low && at <= high) return at;
    if (padding == Padding::Border) return std::clamp(at, 0.0, last());
    return padding == Padding::Reflection ? reflect(at, low, high) : at;
  }

  // The element at a whole place, or −1 for zero.
  ptrdiff_t element(double at) const {
    if (padding == Padding::Border) at = std::clamp(at, 0.0, last());
    if (padding == Padding::Reflection && !(at >= 0 && at <= last())) at = reflect(at, low, high);
    return at >= 0 && at <= last() ? static_cast<ptrdiff_t>(at) : -1;
  }
};

// Elements of one axis that make up a place, and their weights.
struct Taps {
  std::array<ptrdiff_t, 4> elements;
  std::array<float, 4> weights;
  size_t count;
};

Taps taps_of(const Axis& axis, Mode mode, double at) {
  if (mode == Mode::Nearest) return {{axis.element(at)}, {1}, 1};
  const double whole = std::floor(at), part = at - whole;
  if (mode == Mode::Linear)
    return {{axis.element(whole), axis.element(whole + 1)},
            {static_cast<float>(1 - part), static_cast<float>(part)},
            2};
  // R. Keys, 1981, with a = −0.75.
  constexpr double a = -0.75;
  const auto near = [](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  const auto far = [](double d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  Taps taps{.elements = {}, .weights = {}, .count = 4};
  const double weights[] = {far(1 + part), near(part), near(1 - part), far(2 - part)};
  for (size_t i = 0; i < 4; ++i) {
    taps.elements[i] = axis.element(whole - 1 + static_cast<double>(i));
    taps.weights[i] = static_cast<float>(weights[i]);
  }
  return taps;
}

// Σ over all combinations of the axes' taps.
float combine(const float* plane, std::span<const Taps> taps, std::span<const size_t> strides) {
  if (taps.empty()) return *plane;
  float sum = 0;
  for (size_t i = 0; i < taps[0].count; ++i)
    if (taps[0].elements[i] >= 0)
      sum += taps[0].weights[i] *
             combine(plane + static_cast<size_t>(taps[0].elements[i]) * strides[0], taps.subspan(1),
                     strides.subspan(1));
  return sum;
}

Kernel prepare_grid_sample(PrepareContext& ctx) {
  const Shape &x = ctx.shape(0), &y = ctx.output_shape(0);
  if (y.elements() == 0) return do_nothing();
  if (x.elements() == 0) ctx.fail("there is nothing to sample in ", to_string(x));
  if (ctx.dtype(1) != DType::Float32) ctx.unsupported("a grid of type ", dtype_name(ctx.dtype(1)));
  std::vector<Axis> axes;
  std::vector<size_t> strides;
  for (size_t i = 2; i < x.rank(); ++i) {
    const auto size = static_cast<double>(x[i]);
    const bool align = ctx.attributes().get_int("align_corners", 0) != 0;
    axes.push_back({.size = size,
                    .low = align ? 0 : -0.5,
                    .high = align ? size - 1 : size - 0.5,
                    .padding = padding_of(ctx),
                    .align_corners = align});
    strides.push_back(x.elements(i + 1, x.rank()));
  }
  return [=, axes = std::move(axes), strides = std::move(strides), mode = mode_of(ctx),
          batches = dim(x, 0), channels = dim(x, 1), plane = x.elements(2, x.rank()),
          points = y.elements(2, y.rank())](const RunContext& run) {
    const size_t rank = axes.size();
    std::array<Taps, kMaxSpatial> taps;
    for (size_t n = 0; n < batches; ++n)
      for (size_t p = 0; p < points; ++p) {
        const float* grid = run.input<float>(1) + (n * points + p) * rank;
        for (size_t i = 0; i < rank; ++i)
          taps[i] =
              taps_of(axes[i], mode, axes[i].place(grid[rank - 1 - i], mode == Mode::Nearest));
        for (size_t c = 0; c < channels; ++c) {
          const size_t map = n * channels + c;
          run.output<float>(0)[map * points + p] =
              combine(run.input<float>(0) + map * plane, {taps.data(), rank}, strides);
        }
      }
  };
}
} // namespace

extern const OpDef op_grid_sample{
    .infer = infer_grid_sample, .prepare = prepare_grid_sample, .float32 = true};

} // namespace octet

#include "ops/resize_any.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "ops/element.h"
#include "ops/resize_axes.h"
#include "ops/scratch_layout.h"

namespace octet {
namespace {
// Along one axis: output i is the sum of weights[k] times input positions[k], for k from ends[i −
// 1] up to ends[i].
struct Resampling {
  size_t outer = 1, in = 1, out = 1, inner = 1;
  std::vector<uint32_t> ends, positions;
  std::vector<float> weights;
  std::vector<bool> outside; // by output; of tf_crop_and_resize
};

// A filter that interpolates: its value at a distance, 0 beyond `reach`.
struct Filter {
  double reach = 1;
  double cubic = 0; // the coefficient a, for reach 2

  double operator()(double distance) const {
    const double d = std::abs(distance);
    if (reach == 1) return std::max(0.0, 1 - d);
    // R. Keys, "Cubic convolution interpolation for digital image processing", 1981.
    if (d <= 1) return ((cubic + 2) * d - (cubic + 3)) * d * d + 1;
    return d < 2 ? ((cubic * d - 5 * cubic) * d + 8 * cubic) * d - 4 * cubic : 0;
  }
};

class TableMaker {
public:
  explicit TableMaker(const NodeContext& ctx)
      : ctx_(ctx), mode_(ctx.attributes().get_string("mode", "nearest")),
        exclude_outside_(ctx.attributes().get_int("exclude_outside", 0) != 0),
        antialias_(ctx.attributes().get_int("antialias", 0) != 0) {
    if (mode_ != "nearest" && mode_ != "linear" && mode_ != "cubic")
      ctx.fail("mode '", mode_, "' is not known");
    if (mode_ == "cubic")
      filter_ = {.reach = 2, .cubic = ctx.attributes().get_float("cubic_coeff_a", -0.75f)};
  }

  bool is_nearest() const { return mode_ == "nearest"; }

  void fill(Resampling& table, const ResizeAxis& axis, int64_t in_size) const {
    const Rounding round = is_nearest() ? rounding_function(ctx_) : nullptr;
    for (const double at : source_positions(ctx_, axis, in_size)) {
      const double last = static_cast<double>(in_size - 1);
      table.outside.push_back(crops(ctx_) && (at < 0 || at > last));
      if (is_nearest())
        add(table, round(at), 1, in_size);
      else
        add_filtered(table, std::clamp(at, -1e6, 1e9), axis.scale, in_size);
      table.ends.push_back(static_cast<uint32_t>(table.positions.size()));
    }
  }

private:
  static void add(Resampling& table, double position, double weight, int64_t in_size) {
    const double inside = position > 0 ? std::min(position, static_cast<double>(in_size - 1)) : 0;
    table.positions.push_back(static_cast<uint32_t>(inside));
    table.weights.push_back(static_cast<float>(weight));
  }

  void add_filtered(Resampling& table, double at, double scale, int64_t in_size) const {
    const double stretch = antialias_ && scale < 1 ? scale : 1;
    const double reach = filter_.reach / stretch, last = static_cast<double>(in_size - 1);
    // Linear interpolation clamps the position itself.
    if (filter_.reach == 1 && !antialias_) at = std::clamp(at, 0.0, last);
    const double first = std::floor(at - reach) + 1, end = std::ceil(at + reach);
    const auto weight_of = [&](double i) {
      return exclude_outside_ && (i < 0 || i > last) ? 0 : filter_((i - at) * stretch);
    };
    double total = 0;
    for (double i = first; i < end; ++i) total += weight_of(i);
    const double scaling = (exclude_outside_ || antialias_) && total != 0 ? total : 1;
    for (double i = first; i < end; ++i)
      if (const double weight = weight_of(i); weight != 0) add(table, i, weight / scaling, in_size);
  }

  const NodeContext& ctx_;
  std::string mode_;
  bool exclude_outside_, antialias_;
  Filter filter_;
};

// A table for every axis that changes, in order; each one's input is the output of the one before.
std::vector<Resampling> resamplings_of(const PrepareContext& ctx, const TableMaker& tables) {
  const std::vector<ResizeAxis> axes = *resize_axes(ctx);
  Shape shape = ctx.shape(0);
  std::vector<Resampling> out;
  for (size_t i = 0; i < axes.size(); ++i) {
    const bool is_same = axes[i].size == shape[i] && axes[i].scale == 1 && !crops(ctx);
    if (is_same) continue;
    Resampling made{.outer = shape.elements(0, i),
                    .in = dim(shape, i),
                    .out = static_cast<size_t>(axes[i].size),
                    .inner = shape.elements(i + 1, shape.rank())};
    tables.fill(made, axes[i], shape[i]);
    out.push_back(std::move(made));
    shape[i] = axes[i].size;
  }
  return out;
}

void gather(const Resampling& r, const uint8_t* x, size_t bytes, uint8_t* y) {
  const size_t row = r.inner * bytes;
  for (size_t o = 0; o < r.outer; ++o, x += r.in * row)
    for (size_t i = 0; i < r.out; ++i, y += row) std::memcpy(y, x + r.positions[i] * row, row);
}

void interpolate(const Resampling& r, const float* x, float* y) {
  for (size_t o = 0; o < r.outer; ++o, x += r.in * r.inner)
    for (size_t i = 0; i < r.out; ++i, y += r.inner) {
      std::fill_n(y, r.inner, 0.0f);
      for (size_t k = i == 0 ? 0 : r.ends[i - 1]; k < r.ends[i]; ++k) {
        const float* row = x + r.positions[k] * r.inner;
        for (size_t c = 0; c < r.inner; ++c) y[c] += r.weights[k] * row[c];
      }
    }
}

// Puts the value where one of the axes was outside.
void extrapolate(const std::vector<Resampling>& steps, float value, const Shape& shape, float* y) {
  const size_t elements = shape.elements();
  for (const Resampling& r : steps) {
    // Axes after this one may have changed since: what follows it in the output.
    const size_t inner = elements / (r.outer * r.out);
    for (size_t o = 0; o < r.outer; ++o)
      for (size_t i = 0; i < r.out; ++i)
        if (r.outside[i]) std::fill_n(y + (o * r.out + i) * inner, inner, value);
  }
}
} // namespace

Kernel prepare_resize_any(PrepareContext& ctx) {
  const Shape &x = ctx.shape(0), &y = ctx.output_shape(0);
  if (y.elements() == 0) return do_nothing();
  if (x.elements() == 0) ctx.fail("an empty tensor cannot grow");
  const TableMaker tables(ctx);
  std::vector<Resampling> steps = resamplings_of(ctx, tables);
  const bool nearest = tables.is_nearest(), crop = crops(ctx);
  const size_t bytes = element_bytes(ctx, ctx.dtype(0));
  if ((!nearest || crop) && ctx.dtype(0) != DType::Float32)
    ctx.unsupported("data of type ", dtype_name(ctx.dtype(0)), " in this mode");
  size_t largest = 0;
  for (const Resampling& r : steps)
    largest = std::max(largest, checked_mul(checked_mul(r.outer, r.out), r.inner));
  ScratchLayout scratch;
  const size_t buffer_bytes = checked_mul(largest, bytes);
  const size_t buffers[] = {scratch.reserve(buffer_bytes), scratch.reserve(buffer_bytes)};
  ctx.request_scratch(scratch.bytes());
  const float outside = ctx.attributes().get_float("extrapolation_value", 0);
  return [=, first = buffers[0], second = buffers[1], shape = y, total = y.elements() * bytes,
          steps = std::move(steps)](const RunContext& run) {
    const void* from = run.inputs[0];
    for (size_t i = 0; i < steps.size(); ++i) {
      void* to = i + 1 == steps.size() ? run.outputs[0] : run.scratch + (i % 2 ? second : first);
      if (nearest)
        gather(steps[i], static_cast<const uint8_t*>(from), bytes, static_cast<uint8_t*>(to));
      else
        interpolate(steps[i], static_cast<const float*>(from), static_cast<float*>(to));
      from = to;
    }
    if (steps.empty()) std::memcpy(run.outputs[0], from, total);
    if (crop) extrapolate(steps, outside, shape, run.output<float>(0));
  };
}

} // namespace octet

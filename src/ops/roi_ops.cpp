// RoiAlign and MaxRoiPool: regions of feature maps, divided into a grid of bins.
#include <algorithm>
#include <cmath>

#include "ops/element.h"
#include "ops/indices.h"
#include "ops/op_def.h"

namespace octet {
namespace {
struct RoiShape {
  size_t rois, channels, height, width, out_height, out_width;
};

void check_map(const NodeContext& ctx) {
  if (ctx.shape(0).rank() != 4)
    ctx.fail("data of shape ", to_string(ctx.shape(0)), " is not [N, C, H, W]");
}

RoiShape roi_shape(const NodeContext& ctx, const Shape& out) {
  const Shape& x = ctx.shape(0);
  return {dim(out, 0), dim(x, 1), dim(x, 2), dim(x, 3), dim(out, 2), dim(out, 3)};
}

void infer_rois(InferContext& ctx, size_t numbers, int64_t height, int64_t width) {
  check_map(ctx);
  const Shape& rois = ctx.shape(1);
  if (rois.rank() != 2 || rois[1] != static_cast<int64_t>(numbers))
    ctx.fail("regions of shape ", to_string(rois), ", not [count, ", numbers, "]");
  if (height < 1 || width < 1) ctx.fail("an output of ", height, " by ", width, " bins");
  ctx.set_output(0, ctx.dtype(0), {rois[0], ctx.shape(0)[1], height, width});
}

// --- RoiAlign: K. He et al., "Mask R-CNN" (arXiv 1703.06870): the mean or the largest of samples
// that are spread evenly in each bin, each interpolated between four elements.
void infer_roi_align(InferContext& ctx) {
  infer_rois(ctx, 4, ctx.attributes().get_int("output_height", 1),
             ctx.attributes().get_int("output_width", 1));
  if (ctx.shape(2) != Shape{ctx.shape(1)[0]})
    ctx.fail("batch_indices of shape ", to_string(ctx.shape(2)), " for ", ctx.shape(1)[0],
             " regions");
}

struct Sample {
  size_t low, high;
  float weight; // of `high`
};

// Where a coordinate lies between elements; nothing outside of the map.
std::optional<Sample> sample_at(float at, size_t size) {
  if (!(at >= -1 && at <= static_cast<float>(size))) return std::nullopt;
  at = std::max(at, 0.0f);
  const size_t low = std::min(static_cast<size_t>(at), size - 1);
  if (low + 1 >= size) return Sample{low, low, 0};
  return Sample{low, low + 1, at - static_cast<float>(low)};
}

float interpolate(const float* plane, size_t width, const Sample& y, const Sample& x) {
  const float* top = plane + y.low * width;
  const float* bottom = plane + y.high * width;
  const float above = top[x.low] * (1 - x.weight) + top[x.high] * x.weight;
  const float below = bottom[x.low] * (1 - x.weight) + bottom[x.high] * x.weight;
  return above * (1 - y.weight) + below * y.weight;
}

// The largest of the four terms that interpolation adds up; so is mode "max" defined.
float largest_term(const float* plane, size_t width, const Sample& y, const Sample& x) {
  const float* top = plane + y.low * width;
  const float* bottom = plane + y.high * width;
  return std::max(
      std::max(top[x.low] * (1 - y.weight) * (1 - x.weight),
               top[x.high] * (1 - y.weight) * x.weight),
      std::max(bottom[x.low] * y.weight * (1 - x.weight), bottom[x.high] * y.weight * x.weight));
}

// One axis of a region.
struct RoiAxis {
  float start, bin;
  size_t samples; // by bin

  float at(size_t index, size_t sample) const {
    return start + static_cast<float>(index) * bin +
           (static_cast<float>(sample) + 0.5f) * bin / static_cast<float>(samples);
  }
};

struct RoiAlign {
  RoiShape shape;
  size_t batches, sampling;
  float scale, offset;
  bool is_max, at_least_one;

  RoiAxis axis(float from, float to, size_t bins, size_t most) const {
    const float start = from * scale - offset;
    float length = to * scale - offset - start;
    if (at_least_one) length = std::max(length, 1.0f);
    const float bin = length / static_cast<float>(bins);
    // More samples than elements say nothing new; a region may be of any size.
    const float wanted = std::min(std::ceil(bin), static_cast<float>(most));
    const size_t samples = sampling ? sampling : wanted >= 1 ? static_cast<size_t>(wanted) : 0;
    return {start, bin, samples};
  }

  float pool(const float* plane, const RoiAxis& rows, size_t i, const RoiAxis& columns,
             size_t k) const {
    float sum = 0, largest = 0;
    bool is_first = true;
    for (size_t a = 0; a < rows.samples; ++a)
      for (size_t b = 0; b < columns.samples; ++b) {
        const auto y = sample_at(rows.at(i, a), shape.height);
        const auto x = sample_at(columns.at(k, b), shape.width);
        const bool inside = y && x;
        if (is_max) {
          const float term = inside ? largest_term(plane, shape.width, *y, *x) : 0;
          largest = is_first ? term : std::max(largest, term);
          is_first = false;
        } else if (inside) {
          sum += interpolate(plane, shape.width, *y, *x);
        }
      }
    if (is_max) return largest;
    return sum / static_cast<float>(std::max<size_t>(rows.samples * columns.samples, 1));
  }
};

Kernel prepare_roi_align(PrepareContext& ctx) {
  constexpr size_t kMostSamples = 1024;
  const std::string mode = ctx.attributes().get_string("mode", "avg");
  if (mode != "avg" && mode != "max") ctx.fail("mode '", mode, "' is not known");
  const std::string coordinates = ctx.attributes().get_string(
      "coordinate_transformation_mode", ctx.opset() < 16 ? "output_half_pixel" : "half_pixel");
  if (coordinates != "half_pixel" && coordinates != "output_half_pixel")
    ctx.fail("coordinate_transformation_mode '", coordinates, "' is not known");
  const int64_t sampling = ctx.attributes().get_int("sampling_ratio", 0);
  if (sampling < 0 || sampling > static_cast<int64_t>(kMostSamples))
    ctx.fail("sampling_ratio is ", sampling);
  if (ctx.output_shape(0).elements() == 0) return do_nothing();
  if (ctx.shape(0).elements() == 0) ctx.fail("there is nothing to sample");
  const bool half = coordinates == "half_pixel";
  const RoiAlign align{.shape = roi_shape(ctx, ctx.output_shape(0)),
                       .batches = dim(ctx.shape(0), 0),
                       .sampling = static_cast<size_t>(sampling),
                       .scale = ctx.attributes().get_float("spatial_scale", 1),
                       .offset = half ? 0.5f : 0.0f,
                       .is_max = mode == "max",
                       .at_least_one = !half};
  return [align, indices = Indices(ctx, 2)](const RunContext& run) {
    const RoiShape& s = align.shape;
    auto* y = run.output<float>(0);
    for (size_t r = 0; r < s.rois; ++r) {
      const float* roi = run.input<float>(1) + 4 * r; // x1, y1, x2, y2
      const size_t batch = indices.at(run, r, align.batches);
      const RoiAxis rows = align.axis(roi[1], roi[3], s.out_height, kMostSamples);
      const RoiAxis columns = align.axis(roi[0], roi[2], s.out_width, kMostSamples);
      for (size_t c = 0; c < s.channels; ++c) {
        const float* plane = run.input<float>(0) + (batch * s.channels + c) * s.height * s.width;
        for (size_t i = 0; i < s.out_height; ++i)
          for (size_t k = 0; k < s.out_width; ++k) *y++ = align.pool(plane, rows, i, columns, k);
      }
    }
  };
}

// --- MaxRoiPool: R. Girshick, "Fast R-CNN" (arXiv 1504.08083): regions in whole elements
void infer_max_roi_pool(InferContext& ctx) {
  const auto bins = ctx.attributes().get_ints("pooled_shape");
  if (bins.size() != 2) ctx.fail("pooled_shape has ", bins.size(), " numbers, not 2");
  infer_rois(ctx, 5, bins[0], bins[1]);
}

struct Span {
  size_t begin, end;
};

// Bin i of a region that starts at `start` and is `length` elements long.
Span bin_of(size_t i, size_t bins, float start, float length, size_t size) {
  const float bin = length / static_cast<float>(bins);
  const auto clamped = [&](float at) {
    return static_cast<size_t>(at > 0 ? std::min(at, static_cast<float>(size)) : 0);
  };
  const auto index = static_cast<float>(i);
  return {clamped(std::floor(index * bin) + start), clamped(std::ceil((index + 1) * bin) + start)};
}

Kernel prepare_max_roi_pool(PrepareContext& ctx) {
  if (ctx.output_shape(0).elements() == 0) return do_nothing();
  return [s = roi_shape(ctx, ctx.output_shape(0)), batches = dim(ctx.shape(0), 0),
          scale = ctx.attributes().get_float("spatial_scale", 1),
          node = ctx.describe_node()](const RunContext& run) {
    auto* y = run.output<float>(0);
    for (size_t r = 0; r < s.rois; ++r) {
      const float* roi = run.input<float>(1) + 5 * r; // batch, x1, y1, x2, y2
      if (!(roi[0] >= 0 && roi[0] < static_cast<float>(batches)))
        fail(ErrorCode::InvalidInput, node, ": region ", r, " is of batch ", roi[0], " of ",
             batches);
      const auto corner = [&](size_t i) { return std::round(roi[i] * scale); };
      const float left = corner(1), top = corner(2);
      const float width = std::max(corner(3) - left + 1, 1.0f);
      const float height = std::max(corner(4) - top + 1, 1.0f);
      for (size_t c = 0; c < s.channels; ++c) {
        const float* plane = run.input<float>(0) +
                             (static_cast<size_t>(roi[0]) * s.channels + c) * s.height * s.width;
        for (size_t i = 0; i < s.out_height; ++i)
          for (size_t k = 0; k < s.out_width; ++k) {
            const Span rows = bin_of(i, s.out_height, top, height, s.height);
            const Span columns = bin_of(k, s.out_width, left, width, s.width);
            const bool is_empty = rows.begin >= rows.end || columns.begin >= columns.end;
            float best = is_empty ? 0 : plane[rows.begin * s.width + columns.begin];
            for (size_t a = rows.begin; a < rows.end; ++a)
              for (size_t b = columns.begin; b < columns.end; ++b)
                best = std::max(best, plane[a * s.width + b]);
            *y++ = best;
          }
      }
    }
  };
}
} // namespace

extern const OpDef op_roi_align{
    .infer = infer_roi_align, .prepare = prepare_roi_align, .float32 = true};
extern const OpDef op_max_roi_pool{
    .infer = infer_max_roi_pool, .prepare = prepare_max_roi_pool, .float32 = true};

} // namespace octet

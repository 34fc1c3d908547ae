#include "ops/conv_any.h"

#include <algorithm>
#include <cmath>

#include "kernels/gemm_f32/gemm_f32.h"
#include "ops/packed_operand.h"
#include "ops/scratch_layout.h"
#include "ops/window_walk.h"

namespace octet {
namespace {
constexpr size_t kPixels = 16; // whose windows are gathered for one product

// Sizes of one group.
struct Group {
  size_t inputs, outputs, k; // channels, and terms of a sum
};

Group group_of(const ConvGeometry& g, size_t taps) {
  const auto groups = static_cast<size_t>(g.groups);
  const size_t inputs = static_cast<size_t>(g.in_channels) / groups;
  return {inputs, static_cast<size_t>(g.out_channels) / groups, checked_mul(inputs, taps)};
}

// Which windows to gather: a row per output position, for each channel of the group the window's
// taps, zero in the padding.
struct GatherPlace {
  const WindowWalk& walk;
  const Group& group;
  size_t batch, group_index, groups;
  size_t first, count; // output positions

  // The group's first channel of this batch in x.
  const float* channels(const float* x) const {
    return x + (batch * groups + group_index) * group.inputs * walk.plane();
  }
};

void gather_windows(const GatherPlace& place, const float* x, float* rows) {
  const WindowWalk& walk = place.walk;
  const float* channels = place.channels(x);
  std::fill_n(rows, place.count * place.group.k, 0.0f);
  for (size_t p = 0; p < place.count; ++p, rows += place.group.k)
    walk.each_tap(place.first + p, [&](size_t tap, ptrdiff_t offset) {
      if (offset == WindowWalk::kPadding) return;
      for (size_t c = 0; c < place.group.inputs; ++c)
        rows[c * walk.taps() + tap] = channels[c * walk.plane() + static_cast<size_t>(offset)];
    });
}

// Products of windows with the weights (input 1), group by group; `gather` fills the rows of a
// GatherPlace.
template <class Gather>
Kernel gathered_conv(PrepareContext& ctx, size_t bias_input, Gather gather) {
  const ConvGeometry geometry = conv_geometry(ctx, 1, TensorLayout::ChannelsFirst);
  if (geometry.output.elements() == 0) return do_nothing();
  const WindowWalk walk(geometry.window);
  const Group group = group_of(geometry, walk.taps());
  const auto groups = static_cast<size_t>(geometry.groups);
  const size_t matrix = kernels::packed_f32_elements(group.outputs, 1, group.k);
  ScratchLayout scratch;
  PackedOperand weights(ctx, 1, concat("conv_any/", groups), checked_mul(matrix, groups), scratch,
                        [=](const float* from, float* to) {
                          for (size_t i = 0; i < groups; ++i)
                            kernels::pack_f32({.data = from + i * group.outputs * group.k,
                                               .n = group.outputs,
                                               .k = group.k,
                                               .n_stride = static_cast<ptrdiff_t>(group.k),
                                               .k_stride = 1},
                                              to + i * matrix);
                        });
  const size_t rows_at = scratch.reserve_floats(checked_mul(kPixels, group.k));
  const size_t products_at = scratch.reserve_floats(checked_mul(kPixels, group.outputs));
  ctx.request_scratch(scratch.bytes());
  return [=, weights = std::move(weights), batches = static_cast<size_t>(geometry.batch),
          has_bias = ctx.has_input(bias_input)](const RunContext& run) {
    weights.prepare(run);
    auto* rows = reinterpret_cast<float*>(run.scratch + rows_at);
    auto* products = reinterpret_cast<float*>(run.scratch + products_at);
    auto* y = run.output<float>(0);
    for (size_t i = 0; i < batches * groups; ++i, y += group.outputs * walk.outputs()) {
      const size_t first_channel = i % groups * group.outputs;
      for (size_t first = 0; first < walk.outputs(); first += kPixels) {
        const size_t count = std::min(kPixels, walk.outputs() - first);
        gather(run, {walk, group, i / groups, i % groups, groups, first, count}, rows);
        kernels::gemm_f32({.m = count,
                           .n = group.outputs,
                           .k = group.k,
                           .a = rows,
                           .a_stride = group.k,
                           .b = weights.get(run) + i % groups * matrix,
                           .c = products,
                           .c_stride = group.outputs},
                          0, count);
        for (size_t c = 0; c < group.outputs; ++c) {
          const float bias = has_bias ? run.input<float>(bias_input)[first_channel + c] : 0;
          for (size_t p = 0; p < count; ++p)
            y[c * walk.outputs() + first + p] = products[p * group.outputs + c] + bias;
        }
      }
    }
  };
}

// --- DeformConv: taps are moved by offsets, which are fractions of pixels, and weighed by a mask

struct Deformation {
  size_t groups;        // of channels that share offsets
  size_t height, width; // of x
  int64_t stride[2], dilation[2], pad[2];
  size_t kernel_width, out_width;
  bool has_mask;
};

void infer_deform_conv(InferContext& ctx) {
  const ConvGeometry g = conv_geometry(ctx, 1, TensorLayout::ChannelsFirst);
  if (g.window.input.size() != 2) ctx.unsupported(g.window.input.size(), " spatial axes");
  const int64_t groups = ctx.attributes().get_int("offset_group", 1);
  if (groups < 1 || g.in_channels % groups != 0)
    ctx.fail(g.in_channels, " channels do not split into ", groups, " offset groups");
  const auto& window = g.window;
  const int64_t taps = window.kernel[0] * window.kernel[1];
  const Shape offsets{g.batch, 2 * taps * groups, window.output[0], window.output[1]};
  if (ctx.shape(2) != offsets)
    ctx.fail("offsets of shape ", to_string(ctx.shape(2)), ", not ", to_string(offsets));
  const Shape mask{g.batch, taps * groups, window.output[0], window.output[1]};
  if (ctx.has_input(4) && ctx.shape(4) != mask)
    ctx.fail("a mask of shape ", to_string(ctx.shape(4)), ", not ", to_string(mask));
  if (ctx.has_input(3) && ctx.shape(3) != Shape{g.out_channels})
    ctx.fail("bias of shape ", to_string(ctx.shape(3)), ", not [", g.out_channels, "]");
  ctx.set_output(0, ctx.dtype(0), g.output);
}

// Bilinear, zero outside.
float sample(const float* plane, size_t height, size_t width, float y, float x) {
  const float top = std::floor(y), left = std::floor(x);
  float sum = 0;
  for (int dy = 0; dy < 2; ++dy)
    for (int dx = 0; dx < 2; ++dx) {
      const float row = top + static_cast<float>(dy), column = left + static_cast<float>(dx);
      if (!(row >= 0 && row < static_cast<float>(height) && column >= 0 &&
            column < static_cast<float>(width)))
        continue;
      const float weight = (1 - std::abs(y - row)) * (1 - std::abs(x - column));
      sum += weight * plane[static_cast<size_t>(row) * width + static_cast<size_t>(column)];
    }
  return sum;
}

void gather_deformed(const Deformation& d, const RunContext& run, const GatherPlace& place,
                     float* rows) {
  const size_t taps = place.walk.taps(), outputs = place.walk.outputs();
  const size_t per_group = place.groups * place.group.inputs / d.groups;
  const float* channels = place.channels(run.input<float>(0));
  for (size_t p = 0; p < place.count; ++p, rows += place.group.k) {
    const size_t at = place.first + p;
    const size_t position[] = {at / d.out_width, at % d.out_width};
    for (size_t c = 0; c < place.group.inputs; ++c) {
      const size_t group = (place.group_index * place.group.inputs + c) / per_group;
      const size_t first_tap = (place.batch * d.groups + group) * taps;
      for (size_t tap = 0; tap < taps; ++tap) {
        const size_t in_kernel[] = {tap / d.kernel_width, tap % d.kernel_width};
        float where[2];
        for (size_t axis = 0; axis < 2; ++axis) {
          const int64_t whole = static_cast<int64_t>(position[axis]) * d.stride[axis] -
                                d.pad[axis] +
                                static_cast<int64_t>(in_kernel[axis]) * d.dilation[axis];
          where[axis] = static_cast<float>(whole) +
                        run.input<float>(2)[((first_tap + tap) * 2 + axis) * outputs + at];
        }
        const float mask = d.has_mask ? run.input<float>(4)[(first_tap + tap) * outputs + at] : 1;
        rows[c * taps + tap] =
            mask * sample(channels + c * place.walk.plane(), d.height, d.width, where[0], where[1]);
      }
    }
  }
}

Kernel prepare_deform_conv(PrepareContext& ctx) {
  const WindowGeometry window = conv_geometry(ctx, 1, TensorLayout::ChannelsFirst).window;
  const Deformation d{.groups = static_cast<size_t>(ctx.attributes().get_int("offset_group", 1)),
                      .height = static_cast<size_t>(window.input[0]),
                      .width = static_cast<size_t>(window.input[1]),
                      .stride = {window.stride[0], window.stride[1]},
                      .dilation = {window.dilation[0], window.dilation[1]},
                      .pad = {window.pad_begin[0], window.pad_begin[1]},
                      .kernel_width = static_cast<size_t>(window.kernel[1]),
                      .out_width = static_cast<size_t>(window.output[1]),
                      .has_mask = ctx.has_input(4)};
  return gathered_conv(ctx, 3, [d](const RunContext& run, const GatherPlace& place, float* rows) {
    gather_deformed(d, run, place, rows);
  });
}
} // namespace

Kernel prepare_conv_any(PrepareContext& ctx) {
  return gathered_conv(ctx, 2, [](const RunContext& run, const GatherPlace& place, float* rows) {
    gather_windows(place, run.input<float>(0), rows);
  });
}

// Adds each input times its window of weights to the output.
Kernel prepare_conv_transpose_any(PrepareContext& ctx) {
  const ConvGeometry geometry = conv_transpose_geometry(ctx);
  if (geometry.output.elements() == 0) return do_nothing();
  WindowGeometry turned = geometry.window; // the convolution that this one is the transpose of
  std::swap(turned.input, turned.output);
  const WindowWalk walk(turned);
  const Group group = group_of(geometry, walk.taps());
  return [=, groups = static_cast<size_t>(geometry.groups),
          batches = static_cast<size_t>(geometry.batch),
          has_bias = ctx.has_input(2)](const RunContext& run) {
    const auto* x = run.input<float>(0);
    auto* y = run.output<float>(0);
    for (size_t i = 0; i < batches * groups; ++i) {
      for (size_t c = 0; c < group.outputs; ++c)
        std::fill_n(y + c * walk.plane(), walk.plane(),
                    has_bias ? run.input<float>(2)[i % groups * group.outputs + c] : 0.0f);
      const float* w = run.input<float>(1) + i % groups * group.k * group.outputs;
      for (size_t p = 0; p < walk.outputs(); ++p)
        walk.each_tap(p, [&](size_t tap, ptrdiff_t offset) {
          if (offset == WindowWalk::kPadding) return;
          for (size_t in = 0; in < group.inputs; ++in)
            for (size_t out = 0; out < group.outputs; ++out)
              y[out * walk.plane() + static_cast<size_t>(offset)] +=
                  x[in * walk.outputs() + p] * w[(in * group.outputs + out) * walk.taps() + tap];
        });
      x += group.inputs * walk.outputs();
      y += group.outputs * walk.plane();
    }
  };
}

extern const OpDef op_deform_conv{
    .infer = infer_deform_conv, .prepare = prepare_deform_conv, .float32 = true};

} // namespace octet

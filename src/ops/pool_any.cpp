#include "ops/pool_any.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/element.h"
#include "ops/indices.h"
#include "ops/window_walk.h"

namespace octet {
namespace {
// A pool over planes [batch · channels].
struct Planes {
  WindowWalk walk;
  size_t count;
};

WindowGeometry window_of(const NodeContext& ctx) {
  const Shape& x = ctx.shape(0);
  if (x.rank() < 3) ctx.fail("data of shape ", to_string(x), " has no spatial dims");
  if (!ctx.attributes().has("kernel_shape")) ctx.fail("attribute 'kernel_shape' is missing");
  return window_geometry(ctx, spatial_dims(x, TensorLayout::ChannelsFirst), {});
}

Planes planes_of(const NodeContext& ctx) {
  return {WindowWalk(window_of(ctx)), ctx.shape(0).elements(0, 2)};
}

// f(plane, output position, place of the output) for all outputs.
template <class F>
void each_output(const Planes& planes, F&& f) {
  for (size_t p = 0, y = 0; p < planes.count; ++p)
    for (size_t o = 0; o < planes.walk.outputs(); ++o, ++y) f(p, o, y);
}

// The largest element of every window, the first of equal ones, and where in x it is.
template <class T>
Kernel max_pool(const PrepareContext& ctx) {
  return [planes = planes_of(ctx), by_column = ctx.attributes().get_int("storage_order", 0) != 0,
          has_indices = ctx.has_output(1)](const RunContext& run) {
    const WindowWalk& walk = planes.walk;
    each_output(planes, [&](size_t p, size_t o, size_t at) {
      const T* x = run.input<T>(0) + p * walk.plane();
      T best = std::numeric_limits<T>::lowest();
      ptrdiff_t place = WindowWalk::kPadding;
      walk.each_tap(o, [&](size_t, ptrdiff_t offset) {
        if (offset == WindowWalk::kPadding || (place >= 0 && !(x[offset] > best))) return;
        best = x[offset];
        place = offset;
      });
      run.output<T>(0)[at] = best;
      if (!has_indices) return;
      const size_t offset = place < 0 ? 0 : static_cast<size_t>(place);
      run.output<int64_t>(1)[at] =
          static_cast<int64_t>(p * walk.plane() + (by_column ? walk.column_major(offset) : offset));
    });
  };
}

// --- LpPool: the p-norm of every window
void infer_lp_pool(InferContext& ctx) {
  const Shape& x = ctx.shape(0);
  ctx.set_output(0, ctx.dtype(0),
                 shape_with(x[0], x[1], window_of(ctx).output, TensorLayout::ChannelsFirst));
}

float norm_of(const NodeContext& ctx) {
  if (ctx.opset() < 2) return ctx.attributes().get_float("p", 2);
  return static_cast<float>(ctx.attributes().get_int("p", 2));
}

Kernel prepare_lp_pool(PrepareContext& ctx) {
  return [planes = planes_of(ctx), p = norm_of(ctx)](const RunContext& run) {
    each_output(planes, [&](size_t plane, size_t o, size_t at) {
      const float* x = run.input<float>(0) + plane * planes.walk.plane();
      float sum = 0;
      planes.walk.each_tap(o, [&](size_t, ptrdiff_t offset) {
        if (offset != WindowWalk::kPadding) sum += std::pow(std::abs(x[offset]), p);
      });
      run.output<float>(0)[at] = std::pow(sum, 1 / p);
    });
  };
}

void infer_global_lp_pool(InferContext& ctx) {
  const Shape& x = ctx.shape(0);
  if (x.rank() < 2) ctx.fail("data of shape ", to_string(x), " has no channels");
  ctx.set_output(
      0, ctx.dtype(0),
      shape_with(x[0], x[1], std::vector<int64_t>(x.rank() - 2, 1), TensorLayout::ChannelsFirst));
}

Kernel prepare_global_lp_pool(PrepareContext& ctx) {
  const Shape& x = ctx.shape(0);
  return [p = norm_of(ctx), planes = x.elements(0, 2),
          pixels = x.elements(2, x.rank())](const RunContext& run) {
    for (size_t i = 0; i < planes; ++i) {
      float sum = 0;
      for (size_t k = 0; k < pixels; ++k)
        sum += std::pow(std::abs(run.input<float>(0)[i * pixels + k]), p);
      run.output<float>(0)[i] = std::pow(sum, 1 / p);
    }
  };
}

// --- MaxUnpool: puts elements back where MaxPool's indices, of tensors of `pooled` shape, say

// What a MaxPool with these attributes was given.
Shape pooled_shape(const NodeContext& ctx) {
  const Shape& x = ctx.shape(0);
  if (x.rank() < 3) ctx.fail("data of shape ", to_string(x), " has no spatial dims");
  const size_t rank = x.rank() - 2;
  const auto numbers = [&](const char* name, size_t count, int64_t fallback) {
    auto out = ctx.attributes().get_ints(name, std::vector<int64_t>(count, fallback));
    if (out.size() != count) ctx.fail(name, " has ", out.size(), " numbers, not ", count);
    return out;
  };
  if (!ctx.attributes().has("kernel_shape")) ctx.fail("attribute 'kernel_shape' is missing");
  const auto kernel = numbers("kernel_shape", rank, 1), strides = numbers("strides", rank, 1),
             pads = numbers("pads", 2 * rank, 0);
  Shape out{x[0], x[1]};
  for (size_t i = 0; i < rank; ++i) {
    const int64_t size = (x[2 + i] - 1) * strides[i] - pads[i] - pads[rank + i] + kernel[i];
    if (size < 0 || size > INT32_MAX) ctx.fail("spatial axis ", i, " would be ", size, " long");
    out.push_back(size);
  }
  return out;
}

void infer_max_unpool(InferContext& ctx) {
  if (ctx.dtype(1) != DType::Int64 || ctx.shape(1) != ctx.shape(0))
    ctx.fail("indices must be int64 of shape ", to_string(ctx.shape(0)));
  const Shape pooled = pooled_shape(ctx);
  if (!ctx.has_input(2)) return ctx.set_output(0, ctx.dtype(0), pooled);
  const auto given = ctx.int_values(2);
  if (!given) return ctx.set_output_dtype(0, ctx.dtype(0));
  const Shape shape(*given);
  bool fits = shape.rank() == pooled.rank();
  for (size_t i = 0; fits && i < shape.rank(); ++i)
    fits = i < 2 ? shape[i] == pooled[i] : shape[i] >= pooled[i];
  if (!fits) ctx.fail("output_shape ", to_string(shape), " has no room for ", to_string(pooled));
  ctx.set_output(0, ctx.dtype(0), shape);
}

Kernel prepare_max_unpool(PrepareContext& ctx) {
  const Shape pooled = pooled_shape(ctx), &out = ctx.output_shape(0);
  const size_t bytes = element_bytes(ctx, ctx.dtype(0));
  return [=, indices = Indices(ctx, 1), sizes = pooled, strides = dense_strides(out),
          total = pooled.elements(), out_bytes = out.elements() * bytes](const RunContext& run) {
    std::fill_n(run.output<uint8_t>(0), out_bytes, uint8_t{0});
    for (size_t i = 0; i < indices.count(); ++i) {
      size_t rest = indices.at(run, i, total), to = 0;
      for (size_t a = sizes.rank(); a-- > 0; rest /= dim(sizes, a))
        to += rest % dim(sizes, a) * static_cast<size_t>(strides[a]);
      std::copy_n(run.input<uint8_t>(0) + i * bytes, bytes, run.output<uint8_t>(0) + to * bytes);
    }
  };
}
} // namespace

Kernel prepare_max_pool_any(PrepareContext& ctx) {
  switch (ctx.dtype(0)) {
  case DType::Float32:
    return max_pool<float>(ctx);
  case DType::UInt8:
    return max_pool<uint8_t>(ctx);
  case DType::Int8:
    return max_pool<int8_t>(ctx);
  default:
    ctx.unsupported("data of type ", dtype_name(ctx.dtype(0)));
  }
}

Kernel prepare_average_pool_any(PrepareContext& ctx) {
  return
      [planes = planes_of(ctx), with_padding = ctx.attributes().get_int("count_include_pad", 0) !=
                                               0](const RunContext& run) {
        each_output(planes, [&](size_t p, size_t o, size_t at) {
          const float* x = run.input<float>(0) + p * planes.walk.plane();
          float sum = 0;
          size_t count = 0;
          planes.walk.each_tap(o, [&](size_t, ptrdiff_t offset) {
            const bool is_padding = offset == WindowWalk::kPadding;
            if (!is_padding) sum += x[offset];
            if (!is_padding || with_padding) ++count;
          });
          run.output<float>(0)[at] = count ? sum / static_cast<float>(count) : 0;
        });
      };
}

extern const OpDef op_lp_pool{.infer = infer_lp_pool, .prepare = prepare_lp_pool, .float32 = true};
extern const OpDef op_global_lp_pool{
    .infer = infer_global_lp_pool, .prepare = prepare_global_lp_pool, .float32 = true};
extern const OpDef op_max_unpool{.infer = infer_max_unpool, .prepare = prepare_max_unpool};

} // namespace octet

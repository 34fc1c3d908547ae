// Operators that move elements without looking at them.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "base/bytes.h"
#include "kernels/copy/copy_strided.h"
#include "ops/element.h"
#include "ops/op_def.h"
#include "ops/split_nest.h"

namespace octet {
namespace {
// One axis of a box of elements: its size and the strides of source and target, in elements.
struct CopyAxis {
  size_t size;
  ptrdiff_t from, to;
};

// A kernel that copies a box, given by its axes in the order of the target's, from input 0 (at
// element `from`) to output 0.
Kernel copy_kernel(PrepareContext& ctx, const std::vector<CopyAxis>& axes, size_t from = 0) {
  const size_t bytes = element_bytes(ctx, ctx.dtype(0));
  if (ctx.output_shape(0).elements() == 0) return do_nothing();
  kernels::CopyNest nest;
  for (const CopyAxis& axis : axes) nest.add_inner(axis.size, {axis.from, axis.to});
  return [=, offset = from * bytes](const RunContext& run) {
    const auto unit = static_cast<ptrdiff_t>(bytes);
    split_nest(run.workers, nest, kElementCost,
               [&](const kernels::CopyNest& part, const kernels::CopyNest::Offsets& at) {
                 kernels::copy_strided(part, bytes, run.input<uint8_t>(0) + offset + at[0] * unit,
                                       run.output<uint8_t>(0) + at[1] * unit);
               });
  };
}

// --- Transpose
std::vector<size_t> permutation(const NodeContext& ctx) {
  const size_t rank = ctx.shape(0).rank();
  std::vector<size_t> perm(rank);
  std::iota(perm.rbegin(), perm.rend(), size_t{0});
  if (!ctx.attributes().has("perm")) return perm;
  const auto given = ctx.attributes().get_ints("perm");
  if (given.size() != rank) ctx.fail("perm lists ", given.size(), " axes, not ", rank);
  std::vector<bool> seen(rank);
  for (size_t i = 0; i < rank; ++i) {
    perm[i] = ctx.normalize_axis(given[i], rank);
    if (seen[perm[i]]) ctx.fail("perm lists axis ", given[i], " twice");
    seen[perm[i]] = true;
  }
  return perm;
}

void infer_transpose(InferContext& ctx) {
  Shape out;
  for (size_t axis : permutation(ctx)) out.push_back(ctx.shape(0)[axis]);
  ctx.set_output(0, ctx.dtype(0), std::move(out));
}

Kernel prepare_transpose(PrepareContext& ctx) {
  const Shape& out = ctx.output_shape(0);
  const auto perm = permutation(ctx);
  const auto from = dense_strides(ctx.shape(0)), to = dense_strides(out);
  std::vector<CopyAxis> axes;
  for (size_t i = 0; i < perm.size(); ++i) axes.push_back({dim(out, i), from[perm[i]], to[i]});
  return copy_kernel(ctx, axes);
}

// --- Expand
void infer_expand(InferContext& ctx) {
  const auto dims = ctx.int_values(1);
  if (!dims) return ctx.set_output_dtype(0, ctx.dtype(0));
  ctx.set_output(0, ctx.dtype(0), broadcast_shapes(ctx.shape(0), Shape(*dims)));
}

Kernel prepare_expand(PrepareContext& ctx) {
  const Shape &in = ctx.shape(0), &out = ctx.output_shape(0);
  const auto from = dense_strides(in), to = dense_strides(out);
  const size_t lead = out.rank() - in.rank();
  std::vector<CopyAxis> axes;
  for (size_t i = 0; i < out.rank(); ++i)
    axes.push_back({dim(out, i), i < lead || in[i - lead] == 1 ? 0 : from[i - lead], to[i]});
  return copy_kernel(ctx, axes);
}

// --- Tile
void infer_tile(InferContext& ctx) {
  const auto repeats = ctx.int_values(1);
  if (!repeats) return ctx.set_output_dtype(0, ctx.dtype(0));
  Shape out = ctx.shape(0);
  if (repeats->size() != out.rank())
    ctx.fail("repeats has ", repeats->size(), " entries, not ", out.rank());
  for (size_t i = 0; i < out.rank(); ++i) {
    if ((*repeats)[i] < 0) ctx.fail("repeats must not be negative");
    out[i] = static_cast<int64_t>(checked_mul(dim(out, i), static_cast<size_t>((*repeats)[i])));
  }
  ctx.set_output(0, ctx.dtype(0), std::move(out));
}

Kernel prepare_tile(PrepareContext& ctx) {
  const Shape &in = ctx.shape(0), &out = ctx.output_shape(0);
  const auto from = dense_strides(in), to = dense_strides(out);
  std::vector<CopyAxis> axes;
  for (size_t i = 0; i < out.rank(); ++i) {
    const size_t size = dim(in, i);
    const size_t repeats = size == 0 ? 0 : dim(out, i) / size;
    axes.push_back({repeats, 0, to[i] * static_cast<ptrdiff_t>(size)});
    axes.push_back({size, from[i], to[i]});
  }
  return copy_kernel(ctx, axes);
}

// --- Concat
void infer_concat(InferContext& ctx) {
  Shape out = ctx.shape(0);
  if (!ctx.attributes().has("axis")) ctx.fail("attribute 'axis' is missing");
  const size_t axis = ctx.normalize_axis(ctx.attributes().get_int("axis", 0), out.rank());
  for (size_t i = 1; i < ctx.input_count(); ++i) {
    Shape next = ctx.shape(i);
    if (ctx.dtype(i) != ctx.dtype(0)) ctx.fail("input ", i, " has another type than input 0");
    if (next.rank() == out.rank()) {
      const int64_t size = next[axis];
      next[axis] = out[axis];
      if (next == out) {
        out[axis] = static_cast<int64_t>(
            checked_add(static_cast<size_t>(size), static_cast<size_t>(out[axis])));
        continue;
      }
    }
    ctx.fail("input ", i, " of shape ", to_string(ctx.shape(i)), " does not fit ",
             to_string(ctx.shape(0)), " on axis ", axis);
  }
  ctx.set_output(0, ctx.dtype(0), std::move(out));
}

Kernel prepare_concat(PrepareContext& ctx) {
  const Shape& out = ctx.output_shape(0);
  const size_t bytes = element_bytes(ctx, ctx.dtype(0));
  const size_t axis = ctx.normalize_axis(ctx.attributes().get_int("axis", 0), out.rank());
  std::vector<size_t> pieces;
  for (size_t i = 0; i < ctx.input_count(); ++i)
    pieces.push_back(ctx.shape(i).elements(axis, out.rank()) * bytes);
  return [pieces = std::move(pieces), row = out.elements(axis, out.rank()) * bytes,
          outer = out.elements(0, axis)](const RunContext& run) {
    run.workers.split(outer, 1, row * kElementCost / sizeof(float),
                      [&](size_t begin, size_t end, size_t) {
                        auto* to = run.output<uint8_t>(0) + begin * row;
                        for (size_t o = begin; o < end; ++o)
                          for (size_t i = 0; i < pieces.size(); ++i) {
                            std::memcpy(to, run.input<uint8_t>(i) + o * pieces[i], pieces[i]);
                            to += pieces[i];
                          }
                      });
  };
}

// --- Split
// Sizes are given by an attribute (before opset 13) or input 1; without them the parts are equal,
// and from opset 18 on the last may be smaller.
std::optional<std::vector<int64_t>> split_sizes(const NodeContext& ctx, int64_t whole) {
  const auto parts = static_cast<int64_t>(ctx.node().outputs.size());
  if (ctx.has_input(1) || ctx.attributes().has("split")) return ctx.int_operand(1, "split");
  const int64_t wanted = ctx.attributes().get_int("num_outputs", parts);
  if (wanted != parts || parts == 0) ctx.fail("num_outputs is ", wanted, " of ", parts);
  if (ctx.opset() < 18 && whole % parts != 0)
    ctx.fail("an axis of size ", whole, " does not split into ", parts, " equal parts");
  const int64_t size = whole / parts + (whole % parts != 0);
  std::vector<int64_t> sizes;
  for (int64_t left = whole; sizes.size() < static_cast<size_t>(parts); left -= sizes.back())
    sizes.push_back(std::min(size, left));
  return sizes;
}

size_t split_axis(const NodeContext& ctx) {
  return ctx.normalize_axis(ctx.attributes().get_int("axis", 0), ctx.shape(0).rank());
}

void infer_split(InferContext& ctx) {
  const Shape& in = ctx.shape(0);
  const size_t axis = split_axis(ctx);
  const auto sizes = split_sizes(ctx, in[axis]);
  if (!sizes) {
    for (size_t i = 0; i < ctx.output_count(); ++i) ctx.set_output_dtype(i, ctx.dtype(0));
    return;
  }
  if (sizes->size() != ctx.output_count())
    ctx.fail("split has ", sizes->size(), " sizes for ", ctx.output_count(), " outputs");
  int64_t left = in[axis];
  for (size_t i = 0; i < sizes->size(); ++i) {
    const int64_t size = (*sizes)[i];
    if (size < 0 || size > left) ctx.fail("split does not add up to ", in[axis]);
    left -= size;
    Shape out = in;
    out[axis] = size;
    ctx.set_output(i, ctx.dtype(0), std::move(out));
  }
  if (left != 0) ctx.fail("split does not add up to ", in[axis]);
}

Kernel prepare_split(PrepareContext& ctx) {
  const Shape& in = ctx.shape(0);
  const size_t axis = split_axis(ctx);
  const size_t unit = element_bytes(ctx, ctx.dtype(0)) * in.elements(axis + 1, in.rank());
  std::vector<size_t> pieces;
  const auto sizes = split_sizes(ctx, in[axis]);
  for (int64_t size : *sizes) pieces.push_back(unit * static_cast<size_t>(size));
  return [pieces = std::move(pieces), outer = in.elements(0, axis)](const RunContext& run) {
    const auto* from = run.input<uint8_t>(0);
    for (size_t o = 0; o < outer; ++o)
      for (size_t i = 0; i < pieces.size(); from += pieces[i++])
        if (run.outputs[i]) std::memcpy(run.output<uint8_t>(i) + o * pieces[i], from, pieces[i]);
  };
}

// --- Slice
struct SliceAxis {
  int64_t start = 0, step = 1, size = 0;
};

// Attributes before opset 10, inputs since; nothing when an input is not known yet.
std::optional<std::vector<SliceAxis>> slice_axes(const NodeContext& ctx) {
  const Shape& shape = ctx.shape(0);
  const auto starts = ctx.int_operand(1, "starts"), ends = ctx.int_operand(2, "ends"),
             axes = ctx.int_operand(3, "axes");
  const auto steps = ctx.has_input(4) ? ctx.int_values(4) : std::vector<int64_t>();
  if (!starts || !ends || !axes || !steps) return std::nullopt;
  const auto fits = [&](const std::vector<int64_t>& list) {
    return list.empty() || list.size() == starts->size();
  };
  if (ends->size() != starts->size() || !fits(*axes) || !fits(*steps))
    ctx.fail("starts, ends, axes and steps differ in length");
  std::vector<SliceAxis> out(shape.rank());
  for (size_t i = 0; i < out.size(); ++i) out[i].size = shape[i];
  for (size_t i = 0; i < starts->size(); ++i) {
    const int64_t given = axes->empty() ? static_cast<int64_t>(i) : (*axes)[i];
    const size_t axis = ctx.normalize_axis(given, shape.rank());
    const int64_t size = shape[axis], step = steps->empty() ? 1 : (*steps)[i];
    if (step == 0) ctx.fail("a step is 0");
    // Positions before the first and after the last are where a walk may stop.
    const int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
    const auto clamp = [&](int64_t at) {
      return std::max(low, std::min(high, at < 0 ? at + size : at));
    };
    const int64_t start = std::max<int64_t>(clamp((*starts)[i]), step > 0 || size == 0 ? low : 0);
    const int64_t distance = step > 0 ? clamp((*ends)[i]) - start : start - clamp((*ends)[i]);
    const uint64_t stride =
        step > 0 ? static_cast<uint64_t>(step) : 0 - static_cast<uint64_t>(step);
    const int64_t count =
        distance <= 0 ? 0 : 1 + static_cast<int64_t>(static_cast<uint64_t>(distance - 1) / stride);
    out[axis] = {start, step, count};
  }
  return out;
}

void infer_slice(InferContext& ctx) {
  const auto axes = slice_axes(ctx);
  if (!axes) return ctx.set_output_dtype(0, ctx.dtype(0));
  Shape out;
  for (const SliceAxis& axis : *axes) out.push_back(axis.size);
  ctx.set_output(0, ctx.dtype(0), std::move(out));
}

Kernel prepare_slice(PrepareContext& ctx) {
  const Shape& out = ctx.output_shape(0);
  const auto from = dense_strides(ctx.shape(0)), to = dense_strides(out);
  const auto slices = *slice_axes(ctx);
  std::vector<CopyAxis> axes;
  size_t first = 0;
  for (size_t i = 0; i < slices.size(); ++i) {
    const auto stride = slices[i].size > 1 ? static_cast<ptrdiff_t>(slices[i].step) * from[i] : 0;
    axes.push_back({dim(out, i), stride, to[i]});
    first += static_cast<size_t>(slices[i].start) * static_cast<size_t>(from[i]);
  }
  return copy_kernel(ctx, axes, first);
}

// --- DepthToSpace, SpaceToDepth
struct BlockShape {
  ptrdiff_t batch, channels, height, width, block;
};

BlockShape block_shape(const NodeContext& ctx) {
  const Shape& in = ctx.shape(0);
  const int64_t block = ctx.attributes().get_int("blocksize", 0);
  if (in.rank() != 4) ctx.fail("a tensor of rank 4 expected, not ", to_string(in));
  if (block <= 0 || block > UINT16_MAX) ctx.fail("blocksize ", block, " is out of range");
  const auto size = [&](size_t i) { return static_cast<ptrdiff_t>(in[i]); };
  return {size(0), size(1), size(2), size(3), static_cast<ptrdiff_t>(block)};
}

void infer_depth_to_space(InferContext& ctx) {
  const auto [n, c, h, w, b] = block_shape(ctx);
  if (c % (b * b) != 0) ctx.fail(c, " channels do not split into blocks of ", b, " x ", b);
  ctx.set_output(0, ctx.dtype(0), {n, c / (b * b), h * b, w * b});
}

void infer_space_to_depth(InferContext& ctx) {
  const auto [n, c, h, w, b] = block_shape(ctx);
  if (h % b != 0 || w % b != 0) ctx.fail(h, " x ", w, " does not split into blocks of ", b);
  ctx.set_output(0, ctx.dtype(0), {n, c * b * b, h / b, w / b});
}

// Both are transpositions of the tensor seen with rank 6: `from` and `to` are the strides of the
// axes (batch, block row, block column, channel, row, column).
Kernel prepare_depth_to_space(PrepareContext& ctx) {
  const auto [n, c, h, w, b] = block_shape(ctx);
  const std::string mode = ctx.attributes().get_string("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") ctx.fail("mode '", mode, "' is not known");
  const bool column_row_depth = mode == "CRD";
  const ptrdiff_t depth = c / (b * b), plane = h * w;
  const ptrdiff_t block_stride = column_row_depth ? plane : depth * plane;
  const ptrdiff_t channel_stride = column_row_depth ? b * b * plane : plane;
  return copy_kernel(ctx, {{dim(ctx.shape(0), 0), c * plane, c * plane},
                           {static_cast<size_t>(depth), channel_stride, plane * b * b},
                           {static_cast<size_t>(h), w, b * b * w},
                           {static_cast<size_t>(b), b * block_stride, b * w},
                           {static_cast<size_t>(w), 1, b},
                           {static_cast<size_t>(b), block_stride, 1}});
}

Kernel prepare_space_to_depth(PrepareContext& ctx) {
  const auto [n, c, h, w, b] = block_shape(ctx);
  const ptrdiff_t out_h = h / b, out_w = w / b, plane = out_h * out_w;
  return copy_kernel(ctx, {{static_cast<size_t>(n), c * h * w, c * h * w},
                           {static_cast<size_t>(b), w, b * c * plane},
                           {static_cast<size_t>(b), 1, c * plane},
                           {static_cast<size_t>(c), h * w, plane},
                           {static_cast<size_t>(out_h), b * w, out_w},
                           {static_cast<size_t>(out_w), b, 1}});
}
} // namespace

extern const OpDef op_transpose{
    .infer = infer_transpose, .prepare = prepare_transpose, .moves = true};
extern const OpDef op_expand{.infer = infer_expand, .prepare = prepare_expand, .moves = true};
extern const OpDef op_tile{.infer = infer_tile, .prepare = prepare_tile, .moves = true};
extern const OpDef op_concat{.infer = infer_concat, .prepare = prepare_concat, .moves = true};
extern const OpDef op_split{.infer = infer_split, .prepare = prepare_split, .moves = true};
extern const OpDef op_slice{.infer = infer_slice, .prepare = prepare_slice, .moves = true};
extern const OpDef op_depth_to_space{.infer = infer_depth_to_space,
                                     .prepare = prepare_depth_to_space};
extern const OpDef op_space_to_depth{.infer = infer_space_to_depth,
                                     .prepare = prepare_space_to_depth};

} // namespace octet

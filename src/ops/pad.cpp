// Pad: constant, edge, reflect and wrap; a negative amount crops.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "ops/element.h"
#include "ops/op_def.h"

namespace octet {
namespace {
struct PadAxis {
  int64_t before = 0, after = 0;
};

// Attribute before opset 11, inputs since; nothing when an input is not known yet.
std::optional<std::vector<PadAxis>> pad_axes(const NodeContext& ctx) {
  const size_t rank = ctx.shape(0).rank();
  const auto amounts = ctx.int_operand(1, "pads");
  const auto axes = ctx.has_input(3) ? ctx.int_values(3) : std::vector<int64_t>();
  if (!amounts || !axes) return std::nullopt;
  const bool all_axes = !ctx.has_input(3);
  const size_t count = all_axes ? rank : axes->size();
  if (amounts->size() != 2 * count)
    ctx.fail("pads has ", amounts->size(), " entries, not ", 2 * count);
  std::vector<PadAxis> out(rank);
  for (size_t i = 0; i < count; ++i)
    out[all_axes ? i : ctx.normalize_axis((*axes)[i], rank)] = {(*amounts)[i],
                                                                (*amounts)[count + i]};
  return out;
}

constexpr std::string_view kModes[] = {"constant", "edge", "reflect", "wrap"};

void infer_pad(InferContext& ctx) {
  const auto pads = pad_axes(ctx);
  if (!pads) return ctx.set_output_dtype(0, ctx.dtype(0));
  Shape out = ctx.shape(0);
  for (size_t i = 0; i < out.rank(); ++i) {
    const auto [before, after] = (*pads)[i];
    if (__builtin_add_overflow(out[i], before, &out[i]) ||
        __builtin_add_overflow(out[i], after, &out[i]) || out[i] < 0)
      ctx.fail("pads of ", before, " and ", after, " do not fit ", to_string(ctx.shape(0)));
  }
  const std::string mode = ctx.attributes().get_string("mode", "constant");
  if (std::find(std::begin(kModes), std::end(kModes), mode) == std::end(kModes))
    ctx.unsupported("mode '", mode, "'");
  ctx.set_output(0, ctx.dtype(0), std::move(out));
}

constexpr int64_t kFill = -1; // a position that the constant fills

// The position in an axis of `size` that position `at` (from before its start to past its end)
// shows.
int64_t source_position(const NodeContext& ctx, const std::string& mode, int64_t at, int64_t size) {
  if (at >= 0 && at < size) return at;
  if (mode == "constant") return kFill;
  if (size == 0) ctx.fail("an axis of size 0 has nothing to repeat");
  if (mode == "edge") return at < 0 ? 0 : size - 1;
  if (mode == "wrap") return (at % size + size) % size;
  if (size == 1) return 0;
  const int64_t period = 2 * (size - 1), within = (at % period + period) % period;
  return std::min(within, period - within);
}

// The output as rows along the innermost padded axis: a row is a left part, a middle that is
// contiguous in the input, and a right part. `unit` bytes lie below that axis.
struct PadRows {
  size_t unit = 0;
  std::vector<int64_t> left, right; // source positions
  size_t middle = 0, middle_from = 0;
  std::vector<ptrdiff_t> row_from; // byte offset of the source row, or kFill, per output row
};

void fill(uint8_t* to, size_t bytes, const uint8_t* element, size_t element_bytes) {
  for (size_t i = 0; i < bytes; i += element_bytes) std::memcpy(to + i, element, element_bytes);
}

// Byte offsets of the source rows of the output's outer axes, outermost first.
std::vector<ptrdiff_t> source_rows(const NodeContext& ctx, const std::string& mode,
                                   const Shape& out, std::span<const PadAxis> pads, size_t axis,
                                   size_t row_bytes) {
  std::vector<ptrdiff_t> rows{0};
  for (size_t a = 0; a < axis; ++a) {
    const int64_t size = ctx.shape(0)[a];
    const auto stride = static_cast<ptrdiff_t>(ctx.shape(0).elements(a + 1, axis) * row_bytes);
    std::vector<ptrdiff_t> next;
    next.reserve(rows.size() * dim(out, a));
    for (ptrdiff_t row : rows)
      for (int64_t i = 0; i < out[a]; ++i) {
        const int64_t at = source_position(ctx, mode, i - pads[a].before, size);
        next.push_back(row == kFill || at == kFill ? ptrdiff_t{kFill}
                                                   : row + static_cast<ptrdiff_t>(at) * stride);
      }
    rows = std::move(next);
  }
  return rows;
}

PadRows pad_rows(const NodeContext& ctx, const Shape& out) {
  const Shape& in = ctx.shape(0);
  const std::string mode = ctx.attributes().get_string("mode", "constant");
  const auto pads = *pad_axes(ctx);
  size_t axis = in.rank() - 1;
  while (axis > 0 && pads[axis].before == 0 && pads[axis].after == 0) --axis;
  PadRows rows;
  rows.unit = element_bytes(ctx, ctx.dtype(0)) * in.elements(axis + 1, in.rank());
  const int64_t size = in[axis], begin = -pads[axis].before, end = begin + out[axis];
  const int64_t first = std::clamp<int64_t>(0, begin, end), last = std::clamp(size, first, end);
  for (int64_t at = begin; at < first; ++at)
    rows.left.push_back(source_position(ctx, mode, at, size));
  for (int64_t at = last; at < end; ++at)
    rows.right.push_back(source_position(ctx, mode, at, size));
  rows.middle = static_cast<size_t>(last - first);
  rows.middle_from = static_cast<size_t>(first);
  rows.row_from = source_rows(ctx, mode, out, pads, axis, dim(in, axis) * rows.unit);
  return rows;
}

Kernel prepare_pad(PrepareContext& ctx) {
  const Shape& out = ctx.output_shape(0);
  const size_t bytes = element_bytes(ctx, ctx.dtype(0));
  const size_t size = out.elements() * bytes;
  if (size == 0) return do_nothing();
  if (out.rank() == 0)
    return [=](const RunContext& run) { std::memcpy(run.outputs[0], run.inputs[0], bytes); };
  uint64_t constant = 0;
  if (!ctx.has_input(2) && ctx.attributes().get_float("value", 0) != 0) {
    const float value = ctx.attributes().get_float("value", 0);
    const WideType& type = wide_type(ctx, ctx.dtype(0));
    uint64_t wide;
    wide_convert(Wide::F32, type.wide)(&value, 1, &wide);
    type.store(&wide, 1, &constant);
  }
  return [rows = pad_rows(ctx, out), bytes, constant,
          has_constant = ctx.has_input(2)](const RunContext& run) {
    const auto* from = run.input<uint8_t>(0);
    const auto* element =
        has_constant ? run.input<uint8_t>(2) : reinterpret_cast<const uint8_t*>(&constant);
    auto* to = run.output<uint8_t>(0);
    const size_t unit = rows.unit;
    const size_t row_units = rows.left.size() + rows.middle + rows.right.size();
    for (ptrdiff_t row : rows.row_from) {
      if (row == kFill) {
        fill(to, row_units * unit, element, bytes);
        to += row_units * unit;
        continue;
      }
      const auto copy_border = [&](const std::vector<int64_t>& positions) {
        for (int64_t at : positions) {
          if (at == kFill)
            fill(to, unit, element, bytes);
          else
            std::memcpy(to, from + row + static_cast<size_t>(at) * unit, unit);
          to += unit;
        }
      };
      copy_border(rows.left);
      std::memcpy(to, from + row + rows.middle_from * unit, rows.middle * unit);
      to += rows.middle * unit;
      copy_border(rows.right);
    }
  };
}
} // namespace

extern const OpDef op_pad{.infer = infer_pad, .prepare = prepare_pad, .moves = true};

} // namespace octet

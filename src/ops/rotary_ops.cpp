// RotaryEmbedding, ONNX's (23 on) and onnxruntime's: x is [batch, heads, rows, depth] or
// [batch, rows, heads · depth]; tables of cosines and sines are [positions, half], read at
// position_ids, or, without these, [batch, rows, half].
#include <algorithm>

#include "ops/dot_attention.h"
#include "ops/rotary.h"

namespace octet {
namespace {
// Where an operator has what.
struct RotaryInputs {
  size_t positions, cos, sin;
};
constexpr RotaryInputs kOnnx{3, 1, 2}, kMicrosoft{1, 2, 3};

struct RotaryShape {
  size_t batch = 0, heads = 0, rows = 0, depth = 0, half = 0, table = 0;
  HeadStrides strides = {};
  bool has_positions = false;
  bool counts_on = false; // one position, from which rows count on
};

RotaryShape rotary_shape(const NodeContext& ctx, const RotaryInputs& at) {
  const Shape &x = ctx.shape(0), &table = ctx.shape(at.cos);
  const Attributes& attributes = ctx.attributes();
  RotaryShape s{.has_positions = ctx.has_input(at.positions)};
  const int64_t heads = attributes.get_int("num_heads", 0);
  if (heads < 0) ctx.fail("num_heads is ", heads);
  if (table.rank() != (s.has_positions ? 2 : 3) || ctx.shape(at.sin) != table)
    ctx.fail("tables of shapes ", to_string(table), " and ", to_string(ctx.shape(at.sin)));
  s.half = dim(table, table.rank() - 1);
  s.table = dim(table, 0);
  if (x.rank() == 4) {
    s.batch = dim(x, 0), s.heads = dim(x, 1), s.rows = dim(x, 2), s.depth = dim(x, 3);
    s.strides = head_major_strides(s.rows, s.heads, s.depth);
  } else {
    const int64_t columns = x.rank() == 3 ? x[2] : -1;
    const size_t width = columns < 0 ? 0 : static_cast<size_t>(columns);
    s.heads = heads > 0 ? static_cast<size_t>(heads) : s.half ? width / (2 * s.half) : 0;
    if (columns < 0 || s.heads == 0 || width % s.heads != 0)
      ctx.fail("data of shape ", to_string(x), " is not made of ", s.heads, " heads");
    s.batch = dim(x, 0), s.rows = dim(x, 1), s.depth = width / s.heads;
    s.strides = packed_strides(s.rows, s.heads, s.depth);
  }
  const int64_t given = attributes.get_int("rotary_embedding_dim", 0);
  const int64_t turned = given != 0 ? given : static_cast<int64_t>(s.depth);
  if (turned != static_cast<int64_t>(2 * s.half) || 2 * s.half > s.depth)
    ctx.fail("tables of ", s.half, " angles for ", turned, " of ", s.depth, " columns");
  const auto as_dim = [](size_t size) { return static_cast<int64_t>(size); };
  if (!s.has_positions) {
    if (table[0] != as_dim(s.batch) || table[1] != as_dim(s.rows))
      ctx.fail("tables of shape ", to_string(table), " for data of ", to_string(x));
    return s;
  }
  const Shape& positions = ctx.shape(at.positions);
  s.counts_on = positions.elements() == 1 && positions.rank() <= 1;
  if (!s.counts_on && positions != Shape{as_dim(s.batch), as_dim(s.rows)})
    ctx.fail("positions of shape ", to_string(positions), " for data of ", to_string(x));
  return s;
}

template <const RotaryInputs& at>
void infer_rotary(InferContext& ctx) {
  rotary_shape(ctx, at);
  ctx.pass_through();
}

template <const RotaryInputs& at>
Kernel prepare_rotary(PrepareContext& ctx) {
  for (size_t i : {size_t{0}, at.cos, at.sin})
    if (ctx.dtype(i) != DType::Float32)
      ctx.unsupported("input ", i, " of type ", dtype_name(ctx.dtype(i)));
  const RotaryShape s = rotary_shape(ctx, at);
  if (ctx.shape(0).elements() == 0) return do_nothing();
  std::optional<Indices> positions;
  if (s.has_positions) positions.emplace(ctx, at.positions);
  const size_t count = s.batch * s.rows;
  ctx.request_scratch(checked_mul(count, sizeof(size_t)));
  return [=, interleaved = ctx.attributes().get_int("interleaved", 0) != 0,
          inputs = at](const RunContext& run) {
    auto* lines = reinterpret_cast<size_t*>(run.scratch);
    for (size_t i = 0; i < count; ++i) {
      if (!positions)
        lines[i] = i;
      else if (!s.counts_on)
        lines[i] = positions->at(run, i, s.table);
      else
        lines[i] = positions->at(run, 0, s.table) + i % s.rows;
    }
    if (s.counts_on) positions->check(*std::max_element(lines, lines + count), s.table);
    run.workers.split(
        count, 1, s.heads * s.depth * kElementCost, [&](size_t begin, size_t end, size_t) {
          for (size_t i = begin; i < end; ++i) {
            const RotaryAngles angles{run.input<float>(inputs.cos) + lines[i] * s.half,
                                      run.input<float>(inputs.sin) + lines[i] * s.half, s.half,
                                      interleaved};
            for (size_t h = 0; h < s.heads; ++h) {
              const size_t row =
                  i / s.rows * s.strides.batch + h * s.strides.head + i % s.rows * s.strides.row;
              rotate_row(angles, run.input<float>(0) + row, s.depth, run.output<float>(0) + row);
            }
          }
        });
  };
}
} // namespace

extern const OpDef op_rotary_embedding{
    .infer = infer_rotary<kOnnx>, .prepare = prepare_rotary<kOnnx>, .float32 = true};
extern const OpDef op_microsoft_rotary_embedding{
    .infer = infer_rotary<kMicrosoft>, .prepare = prepare_rotary<kMicrosoft>, .float32 = true};

} // namespace octet

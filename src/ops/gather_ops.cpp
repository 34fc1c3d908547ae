// Operators that read elements at positions given by data. Positions are checked at the run; a
// negative one counts from the end of its axis.
#include <cstring>

#include "ops/element.h"
#include "ops/indices.h"
#include "ops/op_def.h"

namespace octet {
namespace {
// --- Gather
size_t gather_axis(const NodeContext& ctx) {
  return ctx.normalize_axis(ctx.attributes().get_int("axis", 0), ctx.shape(0).rank());
}

void infer_gather(InferContext& ctx) {
  const Shape& data = ctx.shape(0);
  const size_t axis = gather_axis(ctx);
  Shape out(std::vector(data.begin(), data.begin() + static_cast<ptrdiff_t>(axis)));
  for (int64_t d : ctx.shape(1)) out.push_back(d);
  for (size_t i = axis + 1; i < data.rank(); ++i) out.push_back(data[i]);
  ctx.set_output(0, ctx.dtype(0), std::move(out));
}

Kernel prepare_gather(PrepareContext& ctx) {
  const Shape& data = ctx.shape(0);
  const size_t axis = gather_axis(ctx), size = dim(data, axis);
  const size_t outer = data.elements(0, axis);
  const size_t unit = element_bytes(ctx, ctx.dtype(0)) * data.elements(axis + 1, data.rank());
  return [=, indices = Indices(ctx, 1)](const RunContext& run) {
    const auto* from = run.input<uint8_t>(0);
    auto* to = run.output<uint8_t>(0);
    for (size_t o = 0; o < outer; ++o, from += size * unit)
      for (size_t i = 0; i < indices.count(); ++i, to += unit)
        std::memcpy(to, from + indices.at(run, i, size) * unit, unit);
  };
}

// --- com.microsoft GatherBlockQuantized: rows of a matrix of codes, whose scales are [rows,
// blocks]. Codes and zero points are of 4 bits by their type, or bytes that hold one or more along
// each row; then they count from half of their range where there are no zero points.
struct QuantizedRows {
  size_t rows = 0, columns = 0, blocks = 0, block = 0, bits = 0;
  size_t zero_columns = 0; // of zero points in a row, with those that only fill its last byte
  int default_zero = 0;
  bool is_signed = false;

  int code(const uint8_t* codes, size_t i) const {
    const size_t bit = i * bits;
    const int value = codes[bit / 8] >> bit % 8 & ((1 << bits) - 1), half = 1 << (bits - 1);
    return is_signed ? (value ^ half) - half : value;
  }
};

QuantizedRows quantized_rows(const NodeContext& ctx) {
  const Shape &data = ctx.shape(0), &scales = ctx.shape(2);
  const DType type = ctx.dtype(0);
  const bool in_bytes = type == DType::UInt8;
  const int64_t bits = in_bytes ? ctx.attributes().get_int("bits", 4) : 4,
                block = ctx.attributes().get_int("block_size", 128);
  const bool plain = data.rank() == 2 &&
                     ctx.normalize_axis(ctx.attributes().get_int("gather_axis", 0), 2) == 0 &&
                     ctx.normalize_axis(ctx.attributes().get_int("quantize_axis", 1), 2) == 1;
  if (!plain || (!in_bytes && type != DType::Int4 && type != DType::UInt4) ||
      (bits != 2 && bits != 4 && bits != 8))
    ctx.unsupported("anything but rows of codes of 2, 4 or 8 bits");
  if (block < 1 || block > INT32_MAX) ctx.fail("block_size is ", block);
  QuantizedRows q{.rows = dim(data, 0), .bits = static_cast<size_t>(bits)};
  const size_t codes_each = in_bytes ? 8 / q.bits : 1; // of an element of data
  q.columns = checked_mul(dim(data, 1), codes_each);
  q.block = static_cast<size_t>(block);
  q.blocks = q.columns / q.block + (q.columns % q.block != 0 ? 1 : 0);
  q.zero_columns = (q.blocks + codes_each - 1) / codes_each * codes_each;
  q.is_signed = type == DType::Int4;
  q.default_zero = in_bytes ? 1 << (bits - 1) : 0;
  const auto as_dim = [](size_t size) { return static_cast<int64_t>(size); };
  if (scales != Shape{data[0], as_dim(q.blocks)})
    ctx.fail("scales of shape ", to_string(scales), " for rows of ", q.blocks, " blocks");
  if (ctx.has_input(3) &&
      (ctx.shape(3) != Shape{data[0], as_dim(q.zero_columns / codes_each)} || ctx.dtype(3) != type))
    ctx.fail("zero points of ", dtype_name(ctx.dtype(3)), " ", to_string(ctx.shape(3)),
             " for rows of ", q.blocks, " blocks of ", dtype_name(type));
  return q;
}

void infer_gather_block_quantized(InferContext& ctx) {
  Shape out = ctx.shape(1);
  out.push_back(static_cast<int64_t>(quantized_rows(ctx).columns));
  ctx.set_output(0, ctx.dtype(2), std::move(out));
}

Kernel prepare_gather_block_quantized(PrepareContext& ctx) {
  if (ctx.dtype(2) != DType::Float32) ctx.unsupported("scales of type ", dtype_name(ctx.dtype(2)));
  return [q = quantized_rows(ctx), indices = Indices(ctx, 1),
          has_zero = ctx.has_input(3)](const RunContext& run) {
    auto* to = run.output<float>(0);
    for (size_t i = 0; i < indices.count(); ++i) {
      const size_t row = indices.at(run, i, q.rows);
      const float* scales = run.input<float>(2) + row * q.blocks;
      for (size_t c = 0; c < q.columns; ++c) {
        const size_t block = c / q.block;
        const int zero =
            has_zero ? q.code(run.input<uint8_t>(3), row * q.zero_columns + block) : q.default_zero;
        const int code = q.code(run.input<uint8_t>(0), row * q.columns + c);
        *to++ = static_cast<float>(code - zero) * scales[block];
      }
    }
  };
}

// --- GatherElements
void infer_gather_elements(InferContext& ctx) {
  if (ctx.shape(0).rank() != ctx.shape(1).rank())
    ctx.fail("data of shape ", to_string(ctx.shape(0)), " and indices of shape ",
             to_string(ctx.shape(1)), " differ in rank");
  for (size_t i = 0, axis = gather_axis(ctx); i < ctx.shape(0).rank(); ++i)
    if (i != axis && ctx.shape(1)[i] > ctx.shape(0)[i])
      ctx.fail("indices of shape ", to_string(ctx.shape(1)), " do not fit into ",
               to_string(ctx.shape(0)));
  ctx.set_output(0, ctx.dtype(0), ctx.shape(1));
}

Kernel prepare_gather_elements(PrepareContext& ctx) {
  const size_t bytes = element_bytes(ctx, ctx.dtype(0));
  return [=, indices = Indices(ctx, 1),
          walk = ElementWalk(ctx.shape(0), ctx.shape(1), gather_axis(ctx))](const RunContext& run) {
    const auto* from = run.input<uint8_t>(0);
    auto* to = run.output<uint8_t>(0);
    walk.for_each([&](size_t i, size_t base) {
      const size_t at = base + indices.at(run, i, walk.axis_size()) * walk.axis_stride();
      std::memcpy(to + i * bytes, from + at * bytes, bytes);
    });
  };
}

// --- GatherND
void infer_gather_nd(InferContext& ctx) {
  const Shape &data = ctx.shape(0), &indices = ctx.shape(1);
  const int64_t batch_dims = ctx.attributes().get_int("batch_dims", 0);
  if (indices.rank() == 0) ctx.fail("indices must have a dimension");
  const int64_t depth = indices.back();
  if (batch_dims < 0 || batch_dims >= static_cast<int64_t>(indices.rank()) || depth < 0 ||
      depth > static_cast<int64_t>(data.rank()) - batch_dims)
    ctx.fail("batch_dims ", batch_dims, " and indices of shape ", to_string(indices),
             " do not fit data of shape ", to_string(data));
  const auto batch = static_cast<size_t>(batch_dims);
  for (size_t i = 0; i < batch; ++i)
    if (data[i] != indices[i]) ctx.fail("batch dimension ", i, " differs");
  Shape out(std::vector(indices.begin(), indices.end() - 1));
  for (size_t i = batch + static_cast<size_t>(depth); i < data.rank(); ++i) out.push_back(data[i]);
  ctx.set_output(0, ctx.dtype(0), std::move(out));
}

Kernel prepare_gather_nd(PrepareContext& ctx) {
  const auto batch = static_cast<size_t>(ctx.attributes().get_int("batch_dims", 0));
  const Shape& data = ctx.shape(0);
  const IndexTuples tuples(ctx, 1, data, batch);
  const size_t unit =
      element_bytes(ctx, ctx.dtype(0)) * data.elements(batch + tuples.depth(), data.rank());
  const size_t batches = data.elements(0, batch);
  const size_t per_batch = batches == 0 ? 0 : tuples.count() / batches;
  return [=](const RunContext& run) {
    const auto* from = run.input<uint8_t>(0);
    auto* to = run.output<uint8_t>(0);
    for (size_t b = 0; b < batches; ++b, from += tuples.slices() * unit)
      for (size_t i = 0; i < per_batch; ++i, to += unit)
        std::memcpy(to, from + tuples.at(run, b * per_batch + i) * unit, unit);
  };
}
} // namespace

extern const OpDef op_gather{.infer = infer_gather, .prepare = prepare_gather, .moves = true};
extern const OpDef op_gather_block_quantized{.infer = infer_gather_block_quantized,
                                             .prepare = prepare_gather_block_quantized,
                                             .float32 = true};
extern const OpDef op_gather_elements{
    .infer = infer_gather_elements, .prepare = prepare_gather_elements, .moves = true};
extern const OpDef op_gather_nd{
    .infer = infer_gather_nd, .prepare = prepare_gather_nd, .moves = true};

} // namespace octet

// Operators that make a tensor from parameters: constants, ranges, one-hot rows, triangles.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "ops/element.h"
#include "ops/elementwise.h"
#include "ops/indices.h"
#include "ops/op_def.h"

namespace octet {
namespace {
// --- Constant
void infer_constant(InferContext& ctx) {
  const Attributes& attributes = ctx.attributes();
  if (const Tensor* value = attributes.find_tensor("value")) return ctx.set_output_value(0, *value);
  if (attributes.has("value_float"))
    return ctx.set_output_value(0, Tensor::scalar(attributes.get_float("value_float", 0)));
  if (attributes.has("value_int"))
    return ctx.set_output_value(0, Tensor::scalar(attributes.get_int("value_int", 0)));
  if (attributes.has("value_ints"))
    return ctx.set_output_value(0, Tensor::of_dims(attributes.get_ints("value_ints")));
  if (attributes.has("value_floats")) {
    const auto values = attributes.get_floats("value_floats");
    return ctx.set_output_value(
        0, Tensor::of<float>({static_cast<int64_t>(values.size())}, std::span(values)));
  }
  if (attributes.has("value_string"))
    return ctx.set_output_value(0, Tensor(Shape{}, {attributes.get_string("value_string", "")}));
  ctx.unsupported("no value of a known kind");
}

// --- ConstantOfShape
void infer_constant_of_shape(InferContext& ctx) {
  const Tensor* value = ctx.attributes().find_tensor("value");
  if (value && value->elements() != 1) ctx.fail("value must have one element");
  const DType dtype = value ? value->dtype() : DType::Float32;
  const auto dims = ctx.int_values(0);
  if (!dims) return ctx.set_output_dtype(0, dtype);
  for (int64_t d : *dims)
    if (d < 0) ctx.fail("a dimension is negative");
  ctx.set_output(0, dtype, Shape(*dims));
}

Kernel prepare_constant_of_shape(PrepareContext& ctx) {
  const Tensor* value = ctx.attributes().find_tensor("value");
  const Tensor element = value ? *value : Tensor::scalar(0.0f);
  const size_t bytes = element_bytes(ctx, element.dtype());
  return [=, count = ctx.output_shape(0).elements()](const RunContext& run) {
    for (size_t i = 0; i < count; ++i)
      std::memcpy(run.output<uint8_t>(0) + i * bytes, element.bytes(), bytes);
  };
}

// --- Range
size_t range_length(const NodeContext& ctx, int64_t start, int64_t limit, int64_t delta) {
  if (delta == 0) ctx.fail("delta is 0");
  const bool rising = delta > 0;
  if (rising ? start >= limit : start <= limit) return 0;
  const auto from = static_cast<uint64_t>(rising ? start : limit);
  const auto to = static_cast<uint64_t>(rising ? limit : start);
  const uint64_t step = rising ? static_cast<uint64_t>(delta) : 0 - static_cast<uint64_t>(delta);
  return static_cast<size_t>((to - from - 1) / step + 1);
}

size_t range_length(const NodeContext& ctx, double start, double limit, double delta) {
  const double count = std::ceil((limit - start) / delta);
  if (!(count < 0x1p40))
    ctx.fail("start ", start, ", limit ", limit, ", delta ", delta, " do not make a range");
  return static_cast<size_t>(std::max(count, 0.0));
}

void infer_range(InferContext& ctx) {
  for (size_t i = 0; i < 3; ++i) {
    if (ctx.shape(i).elements() != 1) ctx.fail("input ", i, " must have one element");
    if (!ctx.input(i).value) return ctx.set_output_dtype(0, ctx.dtype(0));
  }
  const auto length = [&](const auto& start, const auto& limit, const auto& delta) {
    return static_cast<int64_t>(range_length(ctx, start->front(), limit->front(), delta->front()));
  };
  ctx.set_output(0, ctx.dtype(0),
                 {is_float(ctx.dtype(0))
                      ? length(ctx.float_values(0), ctx.float_values(1), ctx.float_values(2))
                      : length(ctx.int_values(0), ctx.int_values(1), ctx.int_values(2))});
}

template <class T>
void range_block(const void* start, const void* delta, size_t first, size_t n, void* y) {
  using Sum = std::conditional_t<std::is_integral_v<T>, uint64_t, T>; // wraps
  const auto from = static_cast<Sum>(*static_cast<const T*>(start));
  const auto step = static_cast<Sum>(*static_cast<const T*>(delta));
  for (size_t i = 0; i < n; ++i)
    static_cast<T*>(y)[i] = static_cast<T>(from + static_cast<Sum>(first + i) * step);
}

Kernel prepare_range(PrepareContext& ctx) {
  const WideType& type = wide_type(ctx, ctx.dtype(0));
  const auto fill = type.wide == Wide::F32   ? range_block<float>
                    : type.wide == Wide::F64 ? range_block<double>
                                             : range_block<int64_t>;
  return [=, &type, count = ctx.output_shape(0).elements()](const RunContext& run) {
    uint64_t start, delta;
    type.load(run.inputs[0], 0, 1, &start);
    type.load(run.inputs[2], 0, 1, &delta);
    ElementwiseBlock block;
    for (size_t i = 0; i < count; i += kElementwiseBlock) {
      const size_t n = std::min(kElementwiseBlock, count - i);
      fill(&start, &delta, i, n, block.data());
      type.store(block.data(), n, run.output<uint8_t>(0) + i * type.bytes);
    }
  };
}

// --- OneHot
size_t one_hot_axis(const NodeContext& ctx) {
  return ctx.normalize_axis(ctx.attributes().get_int("axis", -1), ctx.shape(0).rank() + 1);
}

void infer_one_hot(InferContext& ctx) {
  if (ctx.shape(1).elements() != 1) ctx.fail("depth must have one element");
  if (ctx.shape(2).elements() != 2) ctx.fail("values must have two elements");
  const auto depth = ctx.float_values(1);
  if (!depth) return ctx.set_output_dtype(0, ctx.dtype(2));
  if (!(depth->front() >= 0 && depth->front() < 0x1p40)) ctx.fail("depth is out of range");
  auto dims = ctx.shape(0).dims();
  dims.insert(dims.begin() + static_cast<ptrdiff_t>(one_hot_axis(ctx)),
              static_cast<int64_t>(depth->front()));
  ctx.set_output(0, ctx.dtype(2), Shape(std::move(dims)));
}

Kernel prepare_one_hot(PrepareContext& ctx) {
  const size_t axis = one_hot_axis(ctx), bytes = element_bytes(ctx, ctx.dtype(2));
  const Shape &indices = ctx.shape(0), &out = ctx.output_shape(0);
  const size_t inner = indices.elements(axis, indices.rank());
  const int64_t depth = out[axis];
  const WideType& type = wide_type(ctx, ctx.dtype(0));
  const WideConvert convert = wide_convert(type.wide, Wide::I64);
  return [=, &type, count = indices.elements(), out_count = out.elements()](const RunContext& run) {
    auto* to = run.output<uint8_t>(0);
    const auto* off = run.input<uint8_t>(2);
    for (size_t i = 0; i < out_count; ++i) std::memcpy(to + i * bytes, off, bytes);
    for (size_t i = 0; i < count; ++i) {
      uint64_t wide;
      int64_t index;
      type.load(run.input<uint8_t>(0) + i * type.bytes, 0, 1, &wide);
      convert(&wide, 1, &index);
      if (index < -depth || index >= depth) continue;
      const auto at = static_cast<size_t>(index < 0 ? index + depth : index);
      const size_t row = i / inner * static_cast<size_t>(depth) + at;
      std::memcpy(to + (row * inner + i % inner) * bytes, off + bytes, bytes);
    }
  };
}

// --- Trilu
void infer_trilu(InferContext& ctx) {
  if (ctx.shape(0).rank() < 2) ctx.fail("a matrix expected, not ", to_string(ctx.shape(0)));
  if (ctx.has_input(1) && ctx.shape(1).elements() != 1) ctx.fail("k must have one element");
  ctx.pass_through();
}

Kernel prepare_trilu(PrepareContext& ctx) {
  const Shape& shape = ctx.shape(0);
  const size_t bytes = element_bytes(ctx, ctx.dtype(0));
  const bool upper = ctx.attributes().get_int("upper", 1) != 0, has_k = ctx.has_input(1);
  if (has_k && ctx.dtype(1) != DType::Int64) ctx.fail("k must be int64");
  const int64_t columns = shape.back(), rows = shape[shape.rank() - 2];
  const size_t total = shape.elements(0, shape.rank() - 1);
  return [=](const RunContext& run) {
    const int64_t k = has_k ? std::clamp(*run.input<int64_t>(1), -rows, columns) : 0;
    const size_t row_bytes = static_cast<size_t>(columns) * bytes;
    for (size_t r = 0; r < total; ++r) {
      const auto* from = run.input<uint8_t>(0) + r * row_bytes;
      auto* to = run.output<uint8_t>(0) + r * row_bytes;
      // The first column that belongs to the upper triangle.
      const int64_t row = static_cast<int64_t>(r % static_cast<size_t>(rows));
      const int64_t diagonal = row + k + (upper ? 0 : 1);
      const size_t edge = static_cast<size_t>(std::clamp<int64_t>(diagonal, 0, columns)) * bytes;
      if (to != from) std::memcpy(to, from, row_bytes);
      std::memset(upper ? to : to + edge, 0, upper ? edge : row_bytes - edge);
    }
  };
}

// --- EyeLike
void infer_eye_like(InferContext& ctx) {
  if (ctx.shape(0).rank() != 2) ctx.fail("a matrix expected, not ", to_string(ctx.shape(0)));
  const auto dtype =
      dtype_from_onnx(ctx.attributes().get_int("dtype", static_cast<int64_t>(ctx.dtype(0))));
  if (!dtype) ctx.fail("dtype names no element type");
  ctx.set_output(0, *dtype, ctx.shape(0));
}

Kernel prepare_eye_like(PrepareContext& ctx) {
  const WideType& type = wide_type(ctx, ctx.output(0).dtype);
  const int64_t rows = ctx.output_shape(0)[0], columns = ctx.output_shape(0)[1];
  const int64_t k = std::clamp(ctx.attributes().get_int("k", 0), -rows, columns);
  const int64_t one = 1;
  uint64_t wide, element;
  wide_convert(Wide::I64, type.wide)(&one, 1, &wide);
  type.store(&wide, 1, &element);
  return [=, &type](const RunContext& run) {
    auto* to = run.output<uint8_t>(0);
    std::memset(to, 0, static_cast<size_t>(rows * columns) * type.bytes);
    for (int64_t row = std::max<int64_t>(0, -k); row < std::min(rows, columns - k); ++row)
      std::memcpy(to + static_cast<size_t>(row * columns + row + k) * type.bytes, &element,
                  type.bytes);
  };
}
} // namespace

extern const OpDef op_constant{.infer = infer_constant};
extern const OpDef op_constant_of_shape{.infer = infer_constant_of_shape,
                                        .prepare = prepare_constant_of_shape};
extern const OpDef op_range{.infer = infer_range, .prepare = prepare_range};
extern const OpDef op_one_hot{.infer = infer_one_hot, .prepare = prepare_one_hot, .moves = true};
extern const OpDef op_trilu{
    .infer = infer_trilu, .prepare = prepare_trilu, .aliasing = Aliasing::InPlace, .moves = true};
extern const OpDef op_eye_like{.infer = infer_eye_like, .prepare = prepare_eye_like};

} // namespace octet

#include "ops/quantize_any.h"

#include <cmath>

#include "base/minifloat.h"
#include "ops/element.h"
#include "ops/elementwise.h"

namespace octet {
namespace {
// Which scale belongs to an element. x is seen as [outer, axis, inner]; the scale of (o, a, i) is
// at o · outer_step + a / block · axis_step + i · inner_step.
struct ScalePlaces {
  size_t axis = 1, inner = 1, block = 1;
  size_t outer_step = 0, axis_step = 0, inner_step = 0;

  // Calls f(i, place) for elements first + i of x, i = 0 … n − 1.
  template <class F>
  void each(size_t first, size_t n, F&& f) const {
    size_t i = first % inner, a = first / inner % axis, o = first / inner / axis;
    for (size_t k = 0; k < n; ++k) {
      f(k, o * outer_step + a / block * axis_step + i * inner_step);
      if (++i < inner) continue;
      i = 0;
      if (++a < axis) continue;
      a = 0;
      ++o;
    }
  }
};

ScalePlaces places_of_blocks(const NodeContext& ctx, int64_t block) {
  const Shape &x = ctx.shape(0), &scale = ctx.shape(1);
  if (block < 0 || block > INT32_MAX) ctx.fail("block_size is ", block);
  const size_t axis = ctx.normalize_axis(ctx.attributes().get_int("axis", 1), x.rank());
  Shape expected = x;
  expected[axis] = x[axis] / block + (x[axis] % block != 0 ? 1 : 0);
  if (scale != expected || (ctx.has_input(2) && ctx.shape(2) != expected))
    ctx.fail("scales of shape ", to_string(scale), " for blocks of ", block, " along axis ", axis,
             " of ", to_string(x), ", which want ", to_string(expected));
  const size_t inner = x.elements(axis + 1, x.rank());
  return {.axis = dim(x, axis),
          .inner = inner,
          .block = static_cast<size_t>(block),
          .outer_step = dim(expected, axis) * inner,
          .axis_step = inner,
          .inner_step = 1};
}

ScalePlaces places_of(const NodeContext& ctx) {
  if (const int64_t block = ctx.attributes().get_int("block_size", 0))
    return places_of_blocks(ctx, block);
  const Shape& x = ctx.shape(0);
  const size_t scales = ctx.shape(1).elements();
  if (ctx.has_input(2) && ctx.shape(2).elements() != scales)
    ctx.fail(ctx.shape(2).elements(), " zero points for ", scales, " scales");
  if (scales == 1) return {};
  const size_t axis = ctx.normalize_axis(ctx.attributes().get_int("axis", 1), x.rank());
  if (scales != dim(x, axis)) ctx.fail(scales, " scales for an axis of ", x[axis]);
  return {.axis = scales, .inner = x.elements(axis + 1, x.rank()), .axis_step = 1};
}

// Any stored elements as doubles and back, block by block.
class Numbers {
public:
  explicit Numbers(const WideType& type, size_t bits)
      : type_(&type), bits_(bits), to_double_(wide_convert(type.wide, Wide::F64)),
        from_double_(wide_convert(Wide::F64, type.wide)) {}

  void load(const void* x, size_t first, size_t n, double* y) const {
    ElementwiseBlock wide;
    type_->load(static_cast<const uint8_t*>(x) + first * bits_ / 8, 1, n, wide.data());
    to_double_(wide.data(), n, y);
  }
  void load_all(const void* x, size_t n, double* y) const {
    for (size_t i = 0; i < n; i += kElementwiseBlock)
      load(x, i, std::min(kElementwiseBlock, n - i), y + i);
  }
  void store(const double* x, size_t first, size_t n, void* y) const {
    ElementwiseBlock wide;
    from_double_(x, n, wide.data());
    type_->store(wide.data(), n, static_cast<uint8_t*>(y) + first * bits_ / 8);
  }
  // To the nearest number of this type.
  void round(double* x, size_t n) const {
    ElementwiseBlock stored;
    store(x, 0, n, stored.data());
    load(stored.data(), 0, n, x);
  }

private:
  const WideType* type_;
  size_t bits_;
  WideConvert to_double_, from_double_;
};

Numbers numbers_of(const NodeContext& ctx, DType dtype) {
  return Numbers(stored_type(ctx, dtype), dtype_bits(dtype));
}

// Scales and zero points as doubles, in scratch memory.
class ScalePairs {
public:
  explicit ScalePairs(PrepareContext& ctx)
      : scale_(numbers_of(ctx, ctx.dtype(1))),
        zero_(numbers_of(ctx, ctx.has_input(2) ? ctx.dtype(2) : DType::Float32)),
        has_zero_(ctx.has_input(2)), places_(places_of(ctx)), count_(ctx.shape(1).elements()) {
    ctx.request_scratch(checked_mul(count_, 2 * sizeof(double)));
  }

  void read(const RunContext& run) const {
    auto* scales = reinterpret_cast<double*>(run.scratch);
    scale_.load_all(run.inputs[1], count_, scales);
    if (has_zero_)
      zero_.load_all(run.inputs[2], count_, scales + count_);
    else
      std::fill_n(scales + count_, count_, 0.0);
  }
  // Calls f(number, scale, zero point) for elements first … first + n − 1 of x.
  template <class F>
  void each(const RunContext& run, size_t first, size_t n, F&& f) const {
    const auto* scales = reinterpret_cast<const double*>(run.scratch);
    places_.each(first, n, [&](size_t i, size_t at) { f(i, scales[at], scales[count_ + at]); });
  }

private:
  Numbers scale_, zero_;
  bool has_zero_;
  ScalePlaces places_;
  size_t count_;
};

// The codes' smallest and largest numbers; of floats, none.
struct CodeRange {
  double min = -INFINITY, max = INFINITY;
};

CodeRange range_of(DType codes) {
  const bool is_signed =
      codes == DType::Int2 || codes == DType::Int4 || codes == DType::Int8 || codes == DType::Int16;
  const double span = std::ldexp(1.0, static_cast<int>(dtype_bits(codes)));
  return is_signed ? CodeRange{-span / 2, span / 2 - 1} : CodeRange{0, span - 1};
}

bool is_code(DType dtype) {
  return dtype_bits(dtype) <= 16 && (is_integer(dtype) || dtype_bits(dtype) < 8);
}
} // namespace

// ONNX QuantizeLinear: saturate(round(x / scale) + zero point). The division is one of numbers of
// the type `precision`, which is the scale's unless told.
Kernel prepare_quantize_any(PrepareContext& ctx) {
  const DType code = ctx.output(0).dtype;
  const MiniFloat* mini = find_minifloat(code);
  if (!mini && !is_code(code)) ctx.unsupported("codes of type ", dtype_name(code));
  const auto named = dtype_from_onnx(ctx.attributes().get_int("precision", 0));
  const DType precision =
      named.value_or(DType::Undefined) == DType::Undefined ? ctx.dtype(1) : *named;
  return
      [pairs = ScalePairs(ctx), mini, x = numbers_of(ctx, ctx.dtype(0)), y = numbers_of(ctx, code),
       quotient = numbers_of(ctx, precision), range = mini ? CodeRange{} : range_of(code),
       count = ctx.shape(0).elements(), saturate = ctx.attributes().get_int("saturate", 1) != 0,
       is_byte = dtype_bits(code) == 8](const RunContext& run) {
        pairs.read(run);
        double block[kElementwiseBlock];
        for (size_t first = 0; first < count; first += kElementwiseBlock) {
          const size_t n = std::min(kElementwiseBlock, count - first);
          x.load(run.inputs[0], first, n, block);
          pairs.each(run, first, n, [&](size_t i, double scale, double) { block[i] /= scale; });
          quotient.round(block, n);
          if (mini && is_byte) {
            for (size_t i = 0; i < n; ++i)
              run.output<uint8_t>(0)[first + i] =
                  float32_to_minifloat(*mini, static_cast<float>(block[i]), saturate);
            continue;
          }
          pairs.each(run, first, n, [&](size_t i, double, double zero) {
            if (!mini) block[i] = std::clamp(std::nearbyint(block[i]) + zero, range.min, range.max);
          });
          y.store(block, first, n, run.outputs[0]);
        }
      };
}

// ONNX DequantizeLinear: (x − zero point) · scale.
Kernel prepare_dequantize_any(PrepareContext& ctx) {
  if (ctx.has_input(2) && ctx.dtype(2) != ctx.dtype(0))
    ctx.fail("zero points of type ", dtype_name(ctx.dtype(2)), " for codes of type ",
             dtype_name(ctx.dtype(0)));
  return [pairs = ScalePairs(ctx), x = numbers_of(ctx, ctx.dtype(0)),
          y = numbers_of(ctx, ctx.output(0).dtype),
          count = ctx.shape(0).elements()](const RunContext& run) {
    pairs.read(run);
    double block[kElementwiseBlock];
    for (size_t first = 0; first < count; first += kElementwiseBlock) {
      const size_t n = std::min(kElementwiseBlock, count - first);
      x.load(run.inputs[0], first, n, block);
      pairs.each(run, first, n, [&](size_t i, double scale, double zero) {
        block[i] = (block[i] - zero) * scale;
      });
      y.store(block, first, n, run.outputs[0]);
    }
  };
}

} // namespace octet

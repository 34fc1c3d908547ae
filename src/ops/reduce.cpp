// Reductions over any set of axes.
//
// Each is two small functions per wide type (ops/wide.h): one folds a run of elements into one
// accumulator, the other folds a run element by element into as many accumulators. Broadcasting the
// output over the input tells which of the two a run needs.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "base/bytes.h"
#include "kernels/reduce/reduce.h"
#include "ops/element.h"
#include "ops/elementwise.h"

namespace octet {
namespace {
// Attribute before opset 13 (ReduceSum) or 18, input 1 since. Null when not known yet.
std::optional<std::vector<bool>> reduced_axes(const NodeContext& ctx) {
  const auto axes = ctx.int_operand(1, "axes");
  if (!axes) return std::nullopt;
  const size_t rank = ctx.shape(0).rank();
  const bool keep_all = ctx.attributes().get_int("noop_with_empty_axes", 0) != 0;
  std::vector<bool> out(rank, axes->empty() && !keep_all);
  for (int64_t axis : *axes) out[ctx.normalize_axis(axis, rank)] = true;
  return out;
}

void infer_reduce(InferContext& ctx) {
  const auto reduced = reduced_axes(ctx);
  if (!reduced) return ctx.set_output_dtype(0, ctx.dtype(0));
  const bool keep = ctx.attributes().get_int("keepdims", 1) != 0;
  Shape out;
  for (size_t i = 0; i < reduced->size(); ++i) {
    if (!(*reduced)[i])
      out.push_back(ctx.shape(0)[i]);
    else if (keep)
      out.push_back(1);
  }
  ctx.set_output(0, ctx.dtype(0), std::move(out));
}

// Elements are wide numbers; an accumulator is one as well or a struct of them.
struct ReduceFns {
  size_t accumulator_bytes = 0;
  void (*start)(void* accumulators, size_t n) noexcept = nullptr;
  void (*fold_run)(const void* x, size_t n, void* accumulator) noexcept = nullptr;
  void (*fold_each)(const void* x, size_t n, void* accumulators) noexcept = nullptr;
  // Turns accumulators into results, in place; `count` elements were folded into each.
  void (*finish)(void* accumulators, size_t n, size_t count) noexcept = nullptr;
};

// Wrapping sums and products of integers are computed on their bits.
template <class T>
using Bits = std::conditional_t<std::is_integral_v<T>, uint64_t, T>;

template <class T>
constexpr T kLowest =
    std::is_integral_v<T> ? std::numeric_limits<T>::min() : -std::numeric_limits<T>::infinity();
template <class T>
constexpr T kHighest =
    std::is_integral_v<T> ? std::numeric_limits<T>::max() : std::numeric_limits<T>::infinity();

// An operation has `initial`, `fold(accumulator, x)` and `finish(accumulator, count)`, and where
// there is one, the kernel that folds floats.
using kernels::Reduction;
template <class T>
struct Plain {
  using Accumulator = T;
  static T finish(T a, size_t) { return a; }
};
template <class T>
struct SumOf : Plain<T> {
  static constexpr std::optional<Reduction> kernel = Reduction::sum;
  static constexpr T initial = 0;
  static T fold(T a, T x) {
    return static_cast<T>(static_cast<Bits<T>>(a) + static_cast<Bits<T>>(x));
  }
};
template <class T>
struct MeanOf : SumOf<T> {
  static T finish(T a, size_t count) {
    if (std::is_integral_v<T> && count == 0) return 0;
    return a / static_cast<T>(count);
  }
};
template <class T>
struct ProductOf : Plain<T> {
  static constexpr std::optional<Reduction> kernel = Reduction::product;
  static constexpr T initial = 1;
  static T fold(T a, T x) {
    return static_cast<T>(static_cast<Bits<T>>(a) * static_cast<Bits<T>>(x));
  }
};
template <class T>
struct MaxOf : Plain<T> {
  static constexpr std::optional<Reduction> kernel = Reduction::max;
  static constexpr T initial = kLowest<T>;
  static T fold(T a, T x) { return x > a || x != x ? x : a; }
};
template <class T>
struct MinOf : Plain<T> {
  static constexpr std::optional<Reduction> kernel = Reduction::min;
  static constexpr T initial = kHighest<T>;
  static T fold(T a, T x) { return x < a || x != x ? x : a; }
};
template <class T>
struct L1Of : SumOf<T> {
  static constexpr std::optional<Reduction> kernel = Reduction::sum_abs;
  static T fold(T a, T x) {
    return SumOf<T>::fold(a, x < 0 ? static_cast<T>(Bits<T>(0) - static_cast<Bits<T>>(x)) : x);
  }
};
template <class T>
struct SumSquareOf : SumOf<T> {
  static constexpr std::optional<Reduction> kernel = Reduction::sum_square;
  static T fold(T a, T x) { return SumOf<T>::fold(a, ProductOf<T>::fold(x, x)); }
};
template <class T>
struct L2Of : SumSquareOf<T> {
  static T finish(T a, size_t) {
    if constexpr (std::is_integral_v<T>)
      return static_cast<T>(std::sqrt(static_cast<double>(a)));
    else
      return std::sqrt(a);
  }
};
template <class T>
struct LogSumOf : SumOf<T> {
  static T finish(T a, size_t) {
    if constexpr (std::is_integral_v<T>)
      return static_cast<T>(std::log(static_cast<double>(a)));
    else
      return std::log(a);
  }
};

// log(Σ exp(x)) in one pass: the sum is kept relative to the largest element so far.
template <class T>
struct LogSumExpOf {
  struct Accumulator {
    T max, sum;
  };
  static constexpr std::optional<Reduction> kernel = std::nullopt;
  static constexpr Accumulator initial{kLowest<T>, 0};
  static Accumulator fold(Accumulator a, T x) {
    if (x == kLowest<T>) return a;
    if (x == a.max) return {a.max, a.sum + 1};
    if (x > a.max) return {x, a.sum * std::exp(a.max - x) + 1};
    return {a.max, a.sum + std::exp(x - a.max)};
  }
  static T finish(Accumulator a, size_t) { return a.max + std::log(a.sum); }
};

template <class T, template <class> class Op>
constexpr ReduceFns fns_of() {
  using Accumulator = typename Op<T>::Accumulator;
  return {.accumulator_bytes = sizeof(Accumulator),
          .start =
              [](void* a, size_t n) noexcept {
                std::fill_n(static_cast<Accumulator*>(a), n, Op<T>::initial);
              },
          .fold_run =
              [](const void* x, size_t n, void* a) noexcept {
                Accumulator total = *static_cast<Accumulator*>(a);
                for (size_t i = 0; i < n; ++i)
                  total = Op<T>::fold(total, static_cast<const T*>(x)[i]);
                *static_cast<Accumulator*>(a) = total;
              },
          .fold_each =
              [](const void* x, size_t n, void* a) noexcept {
                Accumulator* to = static_cast<Accumulator*>(a);
                for (size_t i = 0; i < n; ++i)
                  to[i] = Op<T>::fold(to[i], static_cast<const T*>(x)[i]);
              },
          .finish =
              [](void* a, size_t n, size_t count) noexcept {
                const Accumulator* from = static_cast<Accumulator*>(a);
                T* to = static_cast<T*>(a);
                for (size_t i = 0; i < n; ++i) to[i] = Op<T>::finish(from[i], count);
              }};
}

using ReduceOp = std::array<ReduceFns, kWideCount>;
template <template <class> class Op>
constexpr ReduceOp kReduce{fns_of<float, Op>(), fns_of<double, Op>(), fns_of<int64_t, Op>(),
                           fns_of<uint64_t, Op>()};
template <>
constexpr ReduceOp kReduce<LogSumExpOf>{fns_of<float, LogSumExpOf>(),
                                        fns_of<double, LogSumExpOf>()};

// The output's shape with a 1 for each reduced axis.
Shape kept_shape(const Shape& in, const std::vector<bool>& reduced) {
  Shape out = in;
  for (size_t i = 0; i < reduced.size(); ++i)
    if (reduced[i]) out[i] = 1;
  return out;
}

class ReduceLoop {
public:
  ReduceLoop(const WideType& type, const Shape& in, const Shape& kept)
      : type_(&type), nest_(broadcast_nest<2>({&kept}, in)), outputs_(kept.elements()),
        folded_(outputs_ ? in.elements() / outputs_ : 0) {}

  size_t outputs() const { return outputs_; }

  // Folds x into `accumulators`, one per output, and leaves the results there.
  void operator()(const ReduceFns& fns, const void* x, void* accumulators) const noexcept {
    fns.start(accumulators, outputs_);
    kernels::LoopNest<2> outer = nest_;
    const auto inner = outer.take_inner();
    const auto step = static_cast<ptrdiff_t>(fns.accumulator_bytes);
    outer.for_each([&](const kernels::LoopNest<2>::Offsets& at) {
      auto* accumulator = static_cast<uint8_t*>(accumulators) + at[0] * step;
      const auto* from =
          static_cast<const uint8_t*>(x) + at[1] * static_cast<ptrdiff_t>(type_->bytes);
      for_each_block(*type_, from, inner.size, [&](const void* block, size_t begin, size_t n) {
        if (inner.strides[0] == 0)
          fns.fold_run(block, n, accumulator);
        else
          fns.fold_each(block, n, accumulator + begin * fns.accumulator_bytes);
      });
    });
    fns.finish(accumulators, outputs_, folded_);
  }

private:
  const WideType* type_;
  kernels::LoopNest<2> nest_; // accumulators, elements
  size_t outputs_, folded_;
};

ReduceLoop make_loop(const PrepareContext& ctx) {
  return {wide_type(ctx, ctx.dtype(0)), ctx.shape(0), kept_shape(ctx.shape(0), *reduced_axes(ctx))};
}

// The tensor as [outer, axis, inner] when the reduced axes lie side by side.
std::optional<kernels::AxisShape> adjacent_axes(const Shape& in, const std::vector<bool>& reduced) {
  kernels::AxisShape out;
  for (size_t i = 0; i < reduced.size(); ++i) {
    const size_t size = dim(in, i);
    if (size == 1) continue;
    if (!reduced[i])
      (out.axis == 1 ? out.outer : out.inner) *= size;
    else if (out.inner != 1)
      return std::nullopt;
    else
      out.axis *= size;
  }
  return out;
}

template <template <class> class Op>
Kernel prepare_reduce(PrepareContext& ctx) {
  const WideType& type = wide_type(ctx, ctx.dtype(0));
  const ReduceFns& fns = kReduce<Op>[static_cast<int>(type.wide)];
  if (!fns.start) ctx.unsupported("elements of type ", dtype_name(ctx.dtype(0)));
  const auto shape = adjacent_axes(ctx.shape(0), *reduced_axes(ctx));
  const auto kernel = Op<float>::kernel;
  if (kernel && shape && ctx.dtype(0) == DType::Float32 && ctx.shape(0).elements() != 0)
    return [=, shape = *shape, &fns](const RunContext& run) {
      const size_t outputs = shape.outer * shape.inner;
      fns.start(run.outputs[0], outputs);
      kernels::reduce_f32(*kernel, shape, run.input<float>(0), run.output<float>(0));
      fns.finish(run.outputs[0], outputs, shape.axis);
    };
  ReduceLoop loop = make_loop(ctx);
  const bool in_output = fns.accumulator_bytes == type.bytes;
  if (!in_output) ctx.request_scratch(checked_mul(loop.outputs(), fns.accumulator_bytes));
  return [=, &type, &fns, loop = std::move(loop)](const RunContext& run) {
    if (in_output) return loop(fns, run.inputs[0], run.outputs[0]);
    loop(fns, run.inputs[0], run.scratch);
    type.store(run.scratch, loop.outputs(), run.outputs[0]);
  };
}

template <template <class> class Op>
constexpr OpDef reduce_def{.infer = infer_reduce, .prepare = prepare_reduce<Op>};
} // namespace

extern const OpDef op_reduce_sum = reduce_def<SumOf>;
extern const OpDef op_reduce_mean = reduce_def<MeanOf>;
extern const OpDef op_reduce_prod = reduce_def<ProductOf>;
extern const OpDef op_reduce_max = reduce_def<MaxOf>;
extern const OpDef op_reduce_min = reduce_def<MinOf>;
extern const OpDef op_reduce_l1 = reduce_def<L1Of>;
extern const OpDef op_reduce_l2 = reduce_def<L2Of>;
extern const OpDef op_reduce_sum_square = reduce_def<SumSquareOf>;
extern const OpDef op_reduce_log_sum = reduce_def<LogSumOf>;
extern const OpDef op_reduce_log_sum_exp = reduce_def<LogSumExpOf>;

} // namespace octet

// Operators that look for elements: the largest, the k largest, those that are not zero; and
// running sums and products.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "base/bytes.h"
#include "ops/element.h"
#include "ops/elementwise.h"

namespace octet {
namespace {
// Orders numbers with NaN above all others, as numpy does.
template <class T>
bool less(T a, T b) {
  return a < b || (a == a && b != b);
}

// --- ArgMax, ArgMin
size_t arg_axis(const NodeContext& ctx) {
  return ctx.normalize_axis(ctx.attributes().get_int("axis", 0), ctx.shape(0).rank());
}

void infer_arg(InferContext& ctx) {
  const size_t axis = arg_axis(ctx);
  if (ctx.shape(0)[axis] == 0) ctx.fail("axis ", axis, " is empty");
  const bool keep = ctx.attributes().get_int("keepdims", 1) != 0;
  Shape out;
  for (size_t i = 0; i < ctx.shape(0).rank(); ++i) {
    if (i != axis)
      out.push_back(ctx.shape(0)[i]);
    else if (keep)
      out.push_back(1);
  }
  ctx.set_output(0, DType::Int64, std::move(out));
}

struct ArgChoice {
  bool largest, last; // else the smallest; of equals the first

  template <class T>
  bool prefers(T x, T best) const {
    if (last) return largest ? !less(x, best) : !less(best, x);
    return largest ? less(best, x) : less(x, best);
  }
};

// Takes n candidates, from position `at` of the axis on, into the best so far.
using ArgFn = void (*)(const void* x, size_t n, int64_t at, ArgChoice choice, void* best,
                       int64_t* index) noexcept;

struct ArgFns {
  ArgFn each; // n lines, one position of each
  ArgFn run;  // n successive positions of one line
};

template <class T>
constexpr ArgFns arg_fns() {
  return {.each =
              [](const void* x, size_t n, int64_t at, ArgChoice choice, void* best,
                 int64_t* index) noexcept {
                const T* from = static_cast<const T*>(x);
                T* top = static_cast<T*>(best);
                for (size_t i = 0; i < n; ++i)
                  if (at == 0 || choice.prefers(from[i], top[i])) top[i] = from[i], index[i] = at;
              },
          .run =
              [](const void* x, size_t n, int64_t at, ArgChoice choice, void* best,
                 int64_t* index) noexcept {
                const T* from = static_cast<const T*>(x);
                T& top = *static_cast<T*>(best);
                if (at == 0) top = from[0], *index = 0;
                for (size_t i = 0; i < n; ++i)
                  if (choice.prefers(from[i], top))
                    top = from[i], *index = at + static_cast<int64_t>(i);
              }};
}
constexpr ArgFns kArgFns[kWideCount] = {arg_fns<float>(), arg_fns<double>(), arg_fns<int64_t>(),
                                        arg_fns<uint64_t>()};

template <bool largest>
Kernel prepare_arg(PrepareContext& ctx) {
  const WideType& type = wide_type(ctx, ctx.dtype(0));
  const ArgFns& fns = kArgFns[static_cast<int>(type.wide)];
  const ArgChoice choice{largest, ctx.attributes().get_int("select_last_index", 0) != 0};
  const AxisView view = view_axis(ctx.shape(0), arg_axis(ctx));
  ctx.request_scratch(checked_mul(view.inner, wide_bytes(type.wide)));
  return [=, &type, &fns](const RunContext& run) {
    const auto* from = run.input<uint8_t>(0);
    auto* to = run.output<int64_t>(0);
    const bool is_line = view.inner == 1;
    const size_t rows = is_line ? 1 : view.size, length = is_line ? view.size : view.inner;
    for (size_t o = 0; o < view.outer; ++o, to += view.inner)
      for (size_t row = 0; row < rows; ++row, from += length * type.bytes)
        for_each_block(type, from, length, [&](const void* x, size_t begin, size_t n) {
          const size_t at = is_line ? begin : row, lane = is_line ? 0 : begin;
          (is_line ? fns.run : fns.each)(x, n, static_cast<int64_t>(at), choice,
                                         run.scratch + lane * wide_bytes(type.wide), to + lane);
        });
  };
}

// --- TopK: k is an attribute before opset 10, input 1 since.
std::optional<int64_t> top_k_count(const NodeContext& ctx) {
  if (!ctx.has_input(1)) return ctx.attributes().get_int("k", -1);
  const auto values = ctx.int_values(1);
  if (!values) return std::nullopt;
  if (values->size() != 1) ctx.fail("k must have one element");
  return values->front();
}

size_t top_k_axis(const NodeContext& ctx) {
  return ctx.normalize_axis(ctx.attributes().get_int("axis", -1), ctx.shape(0).rank());
}

void infer_top_k(InferContext& ctx) {
  const auto k = top_k_count(ctx);
  ctx.set_output_dtype(0, ctx.dtype(0));
  ctx.set_output_dtype(1, DType::Int64);
  if (!k) return;
  Shape out = ctx.shape(0);
  const size_t axis = top_k_axis(ctx);
  if (*k < 0 || *k > out[axis]) ctx.fail("k is ", *k, " on an axis of size ", out[axis]);
  out[axis] = *k;
  ctx.set_output(0, ctx.dtype(0), out);
  ctx.set_output(1, DType::Int64, std::move(out));
}

// Puts the positions of the k best of line[0, n) first in `order`, best first; of equal elements
// the one that comes first.
using TopFn = void (*)(const void* line, size_t n, size_t k, bool largest, uint32_t* order);

template <class T>
void select_top(const void* line, size_t n, size_t k, bool largest, uint32_t* order) {
  const T* x = static_cast<const T*>(line);
  std::iota(order, order + n, 0u);
  std::partial_sort(order, order + k, order + n, [&](uint32_t a, uint32_t b) {
    if (largest ? less(x[b], x[a]) : less(x[a], x[b])) return true;
    if (largest ? less(x[a], x[b]) : less(x[b], x[a])) return false;
    return a < b;
  });
}
constexpr TopFn kSelectTop[kWideCount] = {select_top<float>, select_top<double>,
                                          select_top<int64_t>, select_top<uint64_t>};

Kernel prepare_top_k(PrepareContext& ctx) {
  const WideType& type = wide_type(ctx, ctx.dtype(0));
  const TopFn select = kSelectTop[static_cast<int>(type.wide)];
  const AxisView view = view_axis(ctx.shape(0), top_k_axis(ctx));
  const auto k = static_cast<size_t>(*top_k_count(ctx));
  const bool largest = ctx.attributes().get_int("largest", 1) != 0;
  if (view.size > UINT32_MAX) ctx.unsupported("an axis of size ", view.size);
  const size_t wide = wide_bytes(type.wide);
  ctx.request_scratch(checked_mul(view.size, wide + sizeof(uint32_t)));
  return [=, &type](const RunContext& run) {
    auto* order = reinterpret_cast<uint32_t*>(run.scratch + view.size * wide);
    for (size_t line = 0; line < view.outer * view.inner; ++line) {
      const size_t o = line / view.inner, i = line % view.inner;
      const auto* from = run.input<uint8_t>(0) + (o * view.size * view.inner + i) * type.bytes;
      type.load(from, view.inner, view.size, run.scratch);
      select(run.scratch, view.size, k, largest, order);
      for (size_t r = 0; r < k; ++r) {
        const size_t to = (o * k + r) * view.inner + i;
        if (run.outputs[0])
          std::memcpy(run.output<uint8_t>(0) + to * type.bytes,
                      from + order[r] * view.inner * type.bytes, type.bytes);
        if (run.outputs[1]) run.output<int64_t>(1)[to] = order[r];
      }
    }
  };
}

// --- NonZero: the output's shape depends on the values.
template <class F>
void for_each_nonzero(const WideType& type, const void* x, size_t count, F&& f) {
  const bool is_real = type.wide == Wide::F32 || type.wide == Wide::F64;
  const size_t bytes = wide_bytes(type.wide);
  const uint64_t sign = is_real ? uint64_t{1} << (bytes * 8 - 1) : 0; // of a zero too
  for_each_block(type, x, count, [&](const void* block, size_t begin, size_t n) {
    for (size_t i = 0; i < n; ++i) {
      uint64_t bits = 0;
      std::memcpy(&bits, static_cast<const uint8_t*>(block) + i * bytes, bytes);
      if ((bits & ~sign) != 0) f(begin + i);
    }
  });
}

void infer_non_zero(InferContext& ctx) {
  const auto& value = ctx.input(0).value;
  if (!value) return ctx.set_output_dtype(0, DType::Int64);
  int64_t count = 0;
  for_each_nonzero(wide_type(ctx, ctx.dtype(0)), value->aligned_bytes(), value->elements(),
                   [&](size_t) { ++count; });
  ctx.set_output(0, DType::Int64, {static_cast<int64_t>(ctx.shape(0).rank()), count});
}

Kernel prepare_non_zero(PrepareContext& ctx) {
  const WideType& type = wide_type(ctx, ctx.dtype(0));
  const size_t found = dim(ctx.output_shape(0), 1);
  return [=, &type, shape = ctx.shape(0), total = ctx.shape(0).elements()](const RunContext& run) {
    auto* to = run.output<int64_t>(0);
    for_each_nonzero(type, run.inputs[0], total, [&](size_t at) {
      for (size_t d = shape.rank(); d-- > 0;) {
        to[d * found] = static_cast<int64_t>(at % dim(shape, d));
        at /= dim(shape, d);
      }
      ++to;
    });
  };
}

// --- CumSum, CumProd: the axis may be known only at the run.
void infer_running(InferContext& ctx) {
  if (ctx.shape(1).elements() != 1) ctx.fail("axis must have one element");
  if (ctx.dtype(1) != DType::Int64 && ctx.dtype(1) != DType::Int32)
    ctx.fail("axis must be int32 or int64");
  ctx.pass_through();
}

struct Running {
  AxisView view;
  bool exclusive, reverse;
};

using RunningFn = void (*)(const void* x, void* y, const Running& how) noexcept;

// The sums or products so far, on wide numbers; y may be x.
template <class T, bool multiplies>
void accumulate(const void* x, void* y, const Running& how) noexcept {
  const T* from = static_cast<const T*>(x);
  T* to = static_cast<T*>(y);
  const AxisView view = how.view;
  for (size_t line = 0; line < view.lines(); ++line) {
    const size_t first = view.line(line);
    T result = multiplies ? T{1} : T{0};
    for (size_t k = 0; k < view.size; ++k) {
      const size_t at = first + (how.reverse ? view.size - 1 - k : k) * view.inner;
      const T before = result, element = from[at];
      result = multiplies ? result * element : result + element;
      to[at] = how.exclusive ? before : result;
    }
  }
}
template <bool multiplies>
constexpr RunningFn kAccumulate[kWideCount] = {
    accumulate<float, multiplies>, accumulate<double, multiplies>, accumulate<uint64_t, multiplies>,
    accumulate<uint64_t, multiplies>};

template <bool multiplies>
Kernel prepare_running(PrepareContext& ctx) {
  const WideType& type = wide_type(ctx, ctx.dtype(0));
  const RunningFn function = kAccumulate<multiplies>[static_cast<int>(type.wide)];
  const bool exclusive = ctx.attributes().get_int("exclusive", 0) != 0;
  const bool reverse = ctx.attributes().get_int("reverse", 0) != 0;
  const bool wide_axis = ctx.dtype(1) == DType::Int64;
  const size_t count = ctx.shape(0).elements();
  if (!type.is_native) ctx.request_scratch(checked_mul(count, wide_bytes(type.wide)));
  return [=, &type, shape = ctx.shape(0), node = ctx.describe_node()](const RunContext& run) {
    const int64_t axis = wide_axis ? *run.input<int64_t>(1) : *run.input<int32_t>(1);
    const Running how{view_axis(shape, normalize_axis(axis, shape.rank(), node.c_str())), exclusive,
                      reverse};
    if (type.is_native) return function(run.inputs[0], run.outputs[0], how);
    type.load(run.inputs[0], 1, count, run.scratch);
    function(run.scratch, run.scratch, how);
    type.store(run.scratch, count, run.outputs[0]);
  };
}
} // namespace

extern const OpDef op_arg_max{.infer = infer_arg, .prepare = prepare_arg<true>};
extern const OpDef op_arg_min{.infer = infer_arg, .prepare = prepare_arg<false>};
extern const OpDef op_top_k{.infer = infer_top_k, .prepare = prepare_top_k};
extern const OpDef op_non_zero{.infer = infer_non_zero, .prepare = prepare_non_zero};
extern const OpDef op_cum_sum{
    .infer = infer_running, .prepare = prepare_running<false>, .aliasing = Aliasing::InPlace};
extern const OpDef op_cum_prod{
    .infer = infer_running, .prepare = prepare_running<true>, .aliasing = Aliasing::InPlace};

} // namespace octet

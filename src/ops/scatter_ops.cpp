// Operators that write elements to positions given by data, over a copy of the first operand.
// Positions are checked at the run; duplicates are written in order.
#include <cstring>
#include <optional>

#include "ops/element.h"
#include "ops/indices.h"
#include "ops/op_def.h"

namespace octet {
namespace {
// How an update meets the element it lands on; `combine` is null for plain replacement.
struct Reduction {
  const WideType* type = nullptr;
  void (*combine)(void* data, const void* update) noexcept = nullptr;
  size_t bytes = 0;

  void apply(uint8_t* data, const uint8_t* update, size_t elements) const noexcept {
    if (!combine) {
      std::memcpy(data, update, elements * bytes);
      return;
    }
    for (size_t i = 0; i < elements; ++i, data += bytes, update += bytes) {
      uint64_t old_value, new_value;
      type->load(data, 0, 1, &old_value);
      type->load(update, 0, 1, &new_value);
      combine(&old_value, &new_value);
      type->store(&old_value, 1, data);
    }
  }
};

template <class T, class F>
void combine_with(void* data, const void* update) noexcept {
  T& to = *static_cast<T*>(data);
  to = F{}(to, *static_cast<const T*>(update));
}

template <class F>
auto combiner(Wide wide, F) {
  switch (wide) {
  case Wide::F32:
    return combine_with<float, F>;
  case Wide::F64:
    return combine_with<double, F>;
  case Wide::I64:
    return combine_with<int64_t, F>;
  case Wide::U64:
    break;
  }
  return combine_with<uint64_t, F>;
}

// Integers wrap.
template <class T, class F>
T on_bits(T a, T b, F f) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(f(static_cast<uint64_t>(a), static_cast<uint64_t>(b)));
  else
    return f(a, b);
}

Reduction reduction_of(const NodeContext& ctx) {
  const std::string name = ctx.attributes().get_string("reduction", "none");
  const size_t bytes = element_bytes(ctx, ctx.dtype(0));
  if (name == "none") return {.bytes = bytes};
  const WideType& type = wide_type(ctx, ctx.dtype(0));
  Reduction out{&type, nullptr, bytes};
  if (name == "add")
    out.combine = combiner(type.wide, [](auto a, auto b) {
      return on_bits(a, b, [](auto x, auto y) { return x + y; });
    });
  else if (name == "mul")
    out.combine = combiner(type.wide, [](auto a, auto b) {
      return on_bits(a, b, [](auto x, auto y) { return x * y; });
    });
  else if (name == "max")
    out.combine = combiner(type.wide, [](auto a, auto b) { return a > b || a != a ? a : b; });
  else if (name == "min")
    out.combine = combiner(type.wide, [](auto a, auto b) { return a < b || a != a ? a : b; });
  else
    ctx.fail("reduction '", name, "' is not known");
  return out;
}

void check_updates(const InferContext& ctx, const Shape& expected) {
  if (ctx.dtype(2) != ctx.dtype(0)) ctx.fail("updates have another type than data");
  if (ctx.shape(2) != expected)
    ctx.fail("updates of shape ", to_string(ctx.shape(2)), " should have ", to_string(expected));
}

// --- ScatterElements (and Scatter, its name before opset 11)
size_t scatter_axis(const NodeContext& ctx) {
  return ctx.normalize_axis(ctx.attributes().get_int("axis", 0), ctx.shape(0).rank());
}

void infer_scatter_elements(InferContext& ctx) {
  const Shape &data = ctx.shape(0), &indices = ctx.shape(1);
  if (indices.rank() != data.rank())
    ctx.fail("indices of shape ", to_string(indices), " do not fit data of shape ",
             to_string(data));
  for (size_t i = 0, axis = scatter_axis(ctx); i < data.rank(); ++i)
    if (i != axis && indices[i] > data[i])
      ctx.fail("indices of shape ", to_string(indices), " do not fit data of shape ",
               to_string(data));
  check_updates(ctx, indices);
  ctx.pass_through();
}

Kernel prepare_scatter_elements(PrepareContext& ctx) {
  return [reduction = reduction_of(ctx), indices = Indices(ctx, 1),
          walk = ElementWalk(ctx.shape(0), ctx.shape(1), scatter_axis(ctx)),
          bytes = dtype_bytes(ctx.dtype(0), ctx.shape(0).elements())](const RunContext& run) {
    auto* to = run.output<uint8_t>(0);
    std::memcpy(to, run.inputs[0], bytes);
    walk.for_each([&](size_t i, size_t base) {
      const size_t at = base + indices.at(run, i, walk.axis_size()) * walk.axis_stride();
      reduction.apply(to + at * reduction.bytes, run.input<uint8_t>(2) + i * reduction.bytes, 1);
    });
  };
}

// --- ScatterND
void infer_scatter_nd(InferContext& ctx) {
  const Shape &data = ctx.shape(0), &indices = ctx.shape(1);
  if (indices.rank() == 0 || indices.back() > static_cast<int64_t>(data.rank()))
    ctx.fail("indices of shape ", to_string(indices), " do not fit data of shape ",
             to_string(data));
  Shape expected(std::vector(indices.begin(), indices.end() - 1));
  for (size_t i = dim(indices, indices.rank() - 1); i < data.rank(); ++i)
    expected.push_back(data[i]);
  check_updates(ctx, expected);
  ctx.pass_through();
}

Kernel prepare_scatter_nd(PrepareContext& ctx) {
  const Shape& data = ctx.shape(0);
  const IndexTuples tuples(ctx, 1, data, 0);
  const size_t slice = data.elements(tuples.depth(), data.rank());
  return [=, reduction = reduction_of(ctx),
          bytes = dtype_bytes(ctx.dtype(0), data.elements())](const RunContext& run) {
    auto* to = run.output<uint8_t>(0);
    std::memcpy(to, run.inputs[0], bytes);
    const size_t slice_bytes = slice * reduction.bytes;
    for (size_t i = 0; i < tuples.count(); ++i)
      reduction.apply(to + tuples.at(run, i) * slice_bytes, run.input<uint8_t>(2) + i * slice_bytes,
                      slice);
  };
}

// --- TensorScatter: slices of an axis of a cache, from a position that each batch gives on
size_t cache_axis(const NodeContext& ctx) {
  const size_t axis = ctx.normalize_axis(ctx.attributes().get_int("axis", -2), ctx.shape(0).rank());
  if (axis == 0) ctx.fail("axis 0 is that of batches");
  return axis;
}

void infer_tensor_scatter(InferContext& ctx) {
  const Shape &cache = ctx.shape(0), &update = ctx.shape(1);
  const size_t axis = cache_axis(ctx);
  bool fits = update.rank() == cache.rank() && ctx.dtype(1) == ctx.dtype(0);
  for (size_t i = 0; fits && i < cache.rank(); ++i)
    fits = i == axis ? update[i] <= cache[i] : update[i] == cache[i];
  if (!fits)
    ctx.fail("an update of shape ", to_string(update), " for a cache of ", to_string(cache));
  if (ctx.has_input(2) && ctx.shape(2) != Shape{cache[0]})
    ctx.fail("write_indices of shape ", to_string(ctx.shape(2)), " for ", cache[0], " batches");
  ctx.pass_through();
}

Kernel prepare_tensor_scatter(PrepareContext& ctx) {
  const Shape& cache = ctx.shape(0);
  const size_t axis = cache_axis(ctx);
  const std::string mode = ctx.attributes().get_string("mode", "linear");
  if (mode != "linear" && mode != "circular") ctx.fail("mode '", mode, "' is not known");
  std::optional<Indices> starts;
  if (ctx.has_input(2)) starts.emplace(ctx, 2);
  return [=, circular = mode == "circular", size = dim(cache, axis), batch = dim(cache, 0),
          count = dim(ctx.shape(1), axis), outer = cache.elements(1, axis),
          slice = element_bytes(ctx, ctx.dtype(0)) * cache.elements(axis + 1, cache.rank()),
          bytes = dtype_bytes(ctx.dtype(0), cache.elements())](const RunContext& run) {
    auto* to = run.output<uint8_t>(0);
    const auto* from = run.input<uint8_t>(1);
    std::memcpy(to, run.inputs[0], bytes);
    for (size_t b = 0; b < batch && count != 0; ++b) {
      const size_t start = starts ? starts->at(run, b, size) : 0;
      if (!circular && starts) starts->check(start + count - 1, size);
      for (size_t o = 0; o < outer; ++o, to += size * slice)
        for (size_t i = 0; i < count; ++i, from += slice)
          std::memcpy(to + (start + i) % size * slice, from, slice);
    }
  };
}
} // namespace

extern const OpDef op_tensor_scatter{
    .infer = infer_tensor_scatter, .prepare = prepare_tensor_scatter, .moves = true};
extern const OpDef op_scatter_elements{
    .infer = infer_scatter_elements, .prepare = prepare_scatter_elements, .moves = true};
extern const OpDef op_scatter_nd{
    .infer = infer_scatter_nd, .prepare = prepare_scatter_nd, .moves = true};

} // namespace octet

// Log2Quantize and Log2Dequantize as log2_ops.h has them, and the lowered Log2Levels, which yields
// what integer kernels read.
#include "ops/log2_ops.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "ops/element.h"

namespace octet {

float Log2Codes::smallest() const {
  return std::ldexp(1.0f, levels.first);
}

namespace {
// The exponent of the first of so many consecutive powers of two behind a 0.
std::optional<int32_t> first_exponent(std::span<const float> levels) {
  int exponent = 0;
  if (levels[0] != 0 || !(levels[1] > 0) || std::frexp(levels[1], &exponent) != 0.5f)
    return std::nullopt;
  const int32_t first = exponent - 1;
  for (size_t i = 1; i < levels.size(); ++i)
    if (levels[i] != std::ldexp(1.0f, first + static_cast<int32_t>(i) - 1)) return std::nullopt;
  return first;
}
} // namespace

std::optional<Log2Codes> log2_codes(const Tensor* zero_point, const Tensor* levels) {
  constexpr int32_t kLeastExponent = -125;
  if (!zero_point || zero_point->elements() != 1 || !levels || levels->dtype() != DType::Float32 ||
      levels->shape().rank() != 1)
    return std::nullopt;
  const DType type = zero_point->dtype();
  if (type != DType::UInt8 && type != DType::Int8) return std::nullopt;
  const auto values = levels->values<float>();
  if (values.size() < 2 || values.size() > kernels::kMostLog2Levels + 1) return std::nullopt;
  const auto first = first_exponent(values);
  if (!first || *first < kLeastExponent) return std::nullopt;
  const auto count = static_cast<int32_t>(values.size() - 1);
  const auto zero = static_cast<int32_t>(int64_values(*zero_point, "zero_point")[0]);
  const int32_t low = type == DType::UInt8 ? 0 : -128;
  return Log2Codes{.levels = {.first = *first,
                              .positive = std::min(count, low + 255 - zero),
                              .negative = std::min(count, zero - low)},
                   .zero_point = zero,
                   .type = type};
}

std::optional<Log2Codes> log2_codes(const Graph& graph, const Node& node) {
  return node.inputs.size() == 3
             ? log2_codes(graph.constant(node.inputs[1]), graph.constant(node.inputs[2]))
             : std::nullopt;
}

int32_t most_log2_levels(size_t depth) {
  constexpr uint64_t kMostSum = uint64_t{1} << 31;
  if (depth > kMostSum / 255) return 0;
  int32_t count = 0;
  while (count < kernels::kMostLog2Levels && (uint64_t{255} * depth << count) < kMostSum) ++count;
  return count;
}

namespace {
Log2Codes codes_of(const PrepareContext& ctx) {
  const auto codes = log2_codes(ctx.constant(1), ctx.constant(2));
  if (!codes)
    ctx.unsupported("its zero point is not one constant of int8 or uint8, or its levels are not 0 "
                    "and up to ",
                    kernels::kMostLog2Levels, " powers of two");
  return *codes;
}

void check_float_input(const PrepareContext& ctx) {
  if (ctx.dtype(0) != DType::Float32) ctx.unsupported("data of type ", dtype_name(ctx.dtype(0)));
}

void infer_log2_quantize(InferContext& ctx) {
  ctx.set_output(0, ctx.dtype(1), ctx.shape(0));
}

// The code of a level; those of int8 in the same bits.
uint8_t code_of(int16_t level, int32_t zero_point) {
  const int index = std::bit_width(static_cast<unsigned>(std::abs(level)));
  return static_cast<uint8_t>(level < 0 ? zero_point - index : zero_point + index);
}

Kernel prepare_log2_quantize(PrepareContext& ctx) {
  check_float_input(ctx);
  return [codes = codes_of(ctx), count = ctx.shape(0).elements()](const RunContext& run) {
    constexpr size_t kBlock = 256;
    std::array<int16_t, kBlock> levels;
    auto* y = run.output<uint8_t>(0);
    for (size_t i = 0; i < count; i += kBlock) {
      const size_t n = std::min(kBlock, count - i);
      kernels::quantize_log2(run.input<float>(0) + i, n, codes.levels, levels.data());
      for (size_t j = 0; j < n; ++j) y[i + j] = code_of(levels[j], codes.zero_point);
    }
  };
}

void infer_log2_dequantize(InferContext& ctx) {
  ctx.set_output(0, DType::Float32, ctx.shape(0));
}

Kernel prepare_log2_dequantize(PrepareContext& ctx) {
  const Log2Codes codes = codes_of(ctx);
  if (ctx.dtype(0) != codes.type)
    ctx.fail("codes of type ", dtype_name(ctx.dtype(0)), " with a zero point of type ",
             dtype_name(codes.type));
  const auto values = ctx.constant(2)->values<float>();
  std::array<float, 256> table; // NaN for codes without a level
  for (int32_t code = 0; code < 256; ++code) {
    const int32_t q = codes.type == DType::UInt8 ? code : static_cast<int8_t>(code);
    const auto index = static_cast<size_t>(std::abs(q - codes.zero_point));
    const float level = index < values.size() ? values[index] : NAN;
    table[static_cast<size_t>(code)] = q < codes.zero_point ? -level : level;
  }
  return
      [table, count = ctx.shape(0).elements(), name = ctx.describe_node()](const RunContext& run) {
        for (size_t i = 0; i < count; ++i) {
          const uint8_t code = run.input<uint8_t>(0)[i];
          const float level = table[code];
          if (level != level)
            fail(ErrorCode::InvalidInput, name, ": there is no level of code ", int{code});
          run.output<float>(0)[i] = level;
        }
      };
}

// (x): what a Log2Quantize makes of it, in multiples of the smallest level; attributes: the fields
// of kernels::Log2Levels.
void infer_log2_levels(InferContext& ctx) {
  ctx.set_output(0, DType::Int16, ctx.shape(0));
}

Kernel prepare_log2_levels(PrepareContext& ctx) {
  check_float_input(ctx);
  const auto attribute = [&](const char* name) {
    return static_cast<int32_t>(ctx.attributes().get_int(name, 0));
  };
  const kernels::Log2Levels levels{.first = attribute("first"),
                                   .positive = attribute("positive"),
                                   .negative = attribute("negative")};
  return [levels, count = ctx.shape(0).elements()](const RunContext& run) {
    run.workers.split(count, kElementGrain, kElementCost, [&](size_t begin, size_t end, size_t) {
      kernels::quantize_log2(run.input<float>(0) + begin, end - begin, levels,
                             run.output<int16_t>(0) + begin);
    });
  };
}
} // namespace

extern const OpDef op_log2_quantize{.infer = infer_log2_quantize, .prepare = prepare_log2_quantize};
extern const OpDef op_log2_dequantize{.infer = infer_log2_dequantize,
                                      .prepare = prepare_log2_dequantize};
extern const OpDef op_log2_levels{
    .infer = infer_log2_levels, .prepare = prepare_log2_levels, .layout = LayoutRule::Elementwise};

} // namespace octet

#include "ops/integer_any.h"

#include <algorithm>
#include <cmath>

#include "ops/element.h"
#include "ops/elementwise.h"
#include "ops/matmul_geometry.h"
#include "ops/scratch_layout.h"
#include "ops/window_walk.h"

namespace octet {
namespace {
// An operand of codes, each of them minus its zero point, as int32 in scratch memory; `run_length`
// elements in a row share a zero point, where there are several.
class CenteredCodes {
public:
  CenteredCodes(const NodeContext& ctx, size_t input, size_t zero_input, size_t run_length,
                ScratchLayout& scratch)
      : input_(input), zero_input_(zero_input), run_(run_length),
        count_(ctx.shape(input).elements()), bits_(dtype_bits(ctx.dtype(input))),
        type_(&wide_type(ctx, ctx.dtype(input))),
        zeros_(ctx.has_input(zero_input) ? ctx.shape(zero_input).elements() : 0) {
    if (type_->wide != Wide::I64) ctx.unsupported("codes of type ", dtype_name(ctx.dtype(input)));
    if (zeros_ && ctx.dtype(zero_input) != ctx.dtype(input))
      ctx.fail("a zero point of type ", dtype_name(ctx.dtype(zero_input)), " for ",
               dtype_name(ctx.dtype(input)));
    place_ = scratch.reserve(checked_mul(count_, sizeof(int32_t)));
  }

  const int32_t* read(const RunContext& run) const {
    auto* out = reinterpret_cast<int32_t*>(run.scratch + place_);
    ElementwiseBlock block;
    const auto* codes = reinterpret_cast<const int64_t*>(block.data());
    for (size_t i = 0; i < count_; i += kElementwiseBlock) {
      const size_t n = std::min(kElementwiseBlock, count_ - i);
      type_->load(run.input<uint8_t>(input_) + i * bits_ / 8, 1, n, block.data());
      for (size_t k = 0; k < n; ++k)
        out[i + k] = static_cast<int32_t>(codes[k] - zero_of(run, i + k));
    }
    return out;
  }

private:
  int64_t zero_of(const RunContext& run, size_t i) const {
    if (zeros_ == 0) return 0;
    int64_t zero = 0;
    const size_t at = zeros_ == 1 ? 0 : i / run_ % zeros_;
    type_->load(run.input<uint8_t>(zero_input_) + at * bits_ / 8, 1, 1, &zero);
    return zero;
  }

  size_t input_, zero_input_, run_, count_, bits_;
  const WideType* type_;
  size_t zeros_, place_ = 0;
};

// A float operand of one number, or of one for each row or column.
class Scales {
public:
  Scales(const NodeContext& ctx, size_t input)
      : input_(input), count_(ctx.shape(input).elements()),
        type_(&wide_type(ctx, ctx.dtype(input))), convert_(wide_convert(type_->wide, Wide::F32)) {
    if (count_ == 0) ctx.fail("input ", input, " is empty");
  }
  size_t count() const { return count_; }
  float at(const RunContext& run, size_t i) const {
    uint64_t wide = 0;
    type_->load(run.input<uint8_t>(input_) + (i % count_) * type_->bytes, 1, 1, &wide);
    float out = 0;
    convert_(&wide, 1, &out);
    return out;
  }

private:
  size_t input_, count_;
  const WideType* type_;
  WideConvert convert_;
};

// Writes sums as codes: saturate(round(sum · scale) + zero point).
class CodeWriter {
public:
  CodeWriter(const NodeContext& ctx, size_t zero_input, DType type)
      : input_(zero_input), has_zero_(ctx.has_input(zero_input)), is_signed_(type == DType::Int8) {
    if (type != DType::Int8 && type != DType::UInt8)
      ctx.unsupported("a result of type ", dtype_name(type));
  }
  void write(const RunContext& run, size_t i, int64_t sum, float scale) const {
    const auto* zero = run.input<uint8_t>(input_);
    const float rounded = std::nearbyint(static_cast<float>(sum) * scale);
    const float offset = !has_zero_   ? 0
                         : is_signed_ ? static_cast<float>(static_cast<int8_t>(*zero))
                                      : *zero;
    const float lowest = is_signed_ ? -128.0f : 0.0f;
    const float code = std::clamp(rounded + offset, lowest, lowest + 255);
    run.output<uint8_t>(0)[i] = static_cast<uint8_t>(static_cast<int>(code));
  }

private:
  size_t input_;
  bool has_zero_, is_signed_;
};

// --- convolutions
struct AnyConv {
  AnyConv(PrepareContext& ctx, size_t x_zero, size_t w_input, size_t w_zero, ScratchLayout& scratch)
      : geometry(conv_geometry(ctx, w_input, TensorLayout::ChannelsFirst)), walk(geometry.window),
        inputs(static_cast<size_t>(geometry.in_channels / geometry.groups)),
        outputs(static_cast<size_t>(geometry.out_channels / geometry.groups)),
        x(ctx, 0, x_zero, SIZE_MAX, scratch),
        w(ctx, w_input, w_zero, std::max<size_t>(inputs * walk.taps(), 1), scratch) {}

  // Calls f(place in the output, channel, sum).
  template <class F>
  void run(const RunContext& context, F&& f) const {
    const int32_t *codes = x.read(context), *weights = w.read(context);
    const auto channels = static_cast<size_t>(geometry.out_channels);
    for (size_t n = 0, at = 0; n < static_cast<size_t>(geometry.batch); ++n)
      for (size_t c = 0; c < channels; ++c) {
        const int32_t* first =
            codes +
            (n * static_cast<size_t>(geometry.in_channels) + c / outputs * inputs) * walk.plane();
        const int32_t* kernel = weights + c * inputs * walk.taps();
        for (size_t o = 0; o < walk.outputs(); ++o, ++at) {
          int64_t sum = 0;
          walk.each_tap(o, [&](size_t tap, ptrdiff_t offset) {
            if (offset == WindowWalk::kPadding) return;
            for (size_t i = 0; i < inputs; ++i)
              sum += int64_t{first[i * walk.plane() + static_cast<size_t>(offset)]} *
                     kernel[i * walk.taps() + tap];
          });
          f(at, c, sum);
        }
      }
  }

  ConvGeometry geometry;
  WindowWalk walk;
  size_t inputs, outputs; // channels of a group
  CenteredCodes x, w;
};

// --- matrix products
struct AnyMatMul {
  AnyMatMul(PrepareContext& ctx, size_t a_zero, size_t b_input, size_t b_zero,
            ScratchLayout& scratch)
      : geometry(matmul_geometry(ctx, 0, b_input)),
        a(ctx, 0, a_zero, std::max<size_t>(geometry.k, 1), scratch),
        b(ctx, b_input, b_zero, 1, scratch) {}

  // Calls f(place in the output, row, column, sum); rows count on over the batches.
  template <class F>
  void run(const RunContext& context, F&& f) const {
    const MatMulGeometry& g = geometry;
    const int32_t *left = a.read(context), *right = b.read(context);
    size_t at = 0, row = 0;
    for (const auto& [a_matrix, b_matrix] : g.batches)
      for (size_t i = 0; i < g.m; ++i, ++row)
        for (size_t j = 0; j < g.n; ++j, ++at) {
          const int32_t* x = left + a_matrix * g.m * g.k + i * g.k;
          const int32_t* y = right + b_matrix * g.k * g.n + j;
          int64_t sum = 0;
          for (size_t k = 0; k < g.k; ++k) sum += int64_t{x[k]} * y[k * g.n];
          f(at, row, j, sum);
        }
  }

  MatMulGeometry geometry;
  CenteredCodes a, b;
};

void write_int32(const RunContext& run, size_t at, int64_t sum) {
  run.output<int32_t>(0)[at] = static_cast<int32_t>(sum);
}
} // namespace

Kernel prepare_conv_integer_any(PrepareContext& ctx) {
  ScratchLayout scratch;
  AnyConv conv(ctx, 2, 1, 3, scratch);
  ctx.request_scratch(scratch.bytes());
  return [conv = std::move(conv)](const RunContext& run) {
    conv.run(run, [&](size_t at, size_t, int64_t sum) { write_int32(run, at, sum); });
  };
}

Kernel prepare_qlinear_conv_any(PrepareContext& ctx) {
  ScratchLayout scratch;
  AnyConv conv(ctx, 2, 3, 5, scratch);
  ctx.request_scratch(scratch.bytes());
  if (ctx.has_input(8) && ctx.dtype(8) != DType::Int32)
    ctx.fail("a bias of type ", dtype_name(ctx.dtype(8)), ", not int32");
  return [conv = std::move(conv), x = Scales(ctx, 1), w = Scales(ctx, 4), y = Scales(ctx, 6),
          writer = CodeWriter(ctx, 7, ctx.output(0).dtype),
          has_bias = ctx.has_input(8)](const RunContext& run) {
    conv.run(run, [&](size_t at, size_t channel, int64_t sum) {
      if (has_bias) sum += run.input<int32_t>(8)[channel];
      writer.write(run, at, sum, x.at(run, 0) * w.at(run, channel) / y.at(run, 0));
    });
  };
}

Kernel prepare_matmul_integer_any(PrepareContext& ctx) {
  ScratchLayout scratch;
  AnyMatMul product(ctx, 2, 1, 3, scratch);
  ctx.request_scratch(scratch.bytes());
  return [product = std::move(product)](const RunContext& run) {
    product.run(run, [&](size_t at, size_t, size_t, int64_t sum) { write_int32(run, at, sum); });
  };
}

Kernel prepare_qlinear_matmul_any(PrepareContext& ctx) {
  ScratchLayout scratch;
  AnyMatMul product(ctx, 2, 3, 5, scratch);
  ctx.request_scratch(scratch.bytes());
  return [product = std::move(product), a = Scales(ctx, 1), b = Scales(ctx, 4), y = Scales(ctx, 6),
          writer = CodeWriter(ctx, 7, ctx.output(0).dtype)](const RunContext& run) {
    product.run(run, [&](size_t at, size_t row, size_t column, int64_t sum) {
      writer.write(run, at, sum, a.at(run, row) * b.at(run, column) / y.at(run, 0));
    });
  };
}

} // namespace octet

// com.microsoft MatMulNBits with 4 or 8 bits: (A [..., K], B [N, blocks, block_size * bits / 8],
// scales [N, blocks], zero_points, g_idx, bias [N]) → [..., N], where B, scales and zero points are
// constants. Zero points are codes, with 4 bits two a byte and rows padded to whole bytes, or
// floats.
//
// With 4 bits, accuracy_level 4 multiplies with activations of 8 bits, any other one in float, as
// onnxruntime's CPU kernel does. Weights of 8 bits become floats when they are packed.
// https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
#include <algorithm>
#include <cmath>

#include "kernels/gemm_f32/gemm_f32.h"
#include "kernels/qb4/qb4.h"
#include "ops/element.h"
#include "ops/packed_operand.h"

namespace octet {
namespace {
using kernels::Qb4Shape;

constexpr int64_t kLargestSize = INT32_MAX, kSmallestBlock = 16, kInt8Accuracy = 4;
constexpr float kByteZero = 128; // where no zero points are given

int64_t weight_bits(const NodeContext& ctx) {
  return ctx.attributes().get_int("bits", 4);
}

Qb4Shape weight_shape(const NodeContext& ctx) {
  const auto positive = [&](const char* name) {
    const int64_t value = ctx.attributes().get_int(name, 0);
    if (value <= 0 || value > kLargestSize) ctx.fail(name, " is ", value);
    return static_cast<size_t>(value);
  };
  const Qb4Shape shape{positive("N"), positive("K"), positive("block_size")};
  const int64_t bits = weight_bits(ctx);
  if (bits != 4 && bits != 8) ctx.unsupported("weights of ", bits, " bits");
  if (shape.block < kSmallestBlock || (shape.block & (shape.block - 1)) != 0)
    ctx.fail("block_size is ", shape.block, ", not a power of two from ", kSmallestBlock, " on");
  if (shape.block > kernels::kQb4MaxBlock) ctx.unsupported("blocks of ", shape.block);
  return shape;
}

// `expected` is a product of attributes: at most 2^61.
void check_elements(const NodeContext& ctx, size_t input, const char* name, uint64_t expected) {
  if (ctx.shape(input).elements() != expected)
    ctx.fail(name, " of shape ", to_string(ctx.shape(input)), " should have ", expected,
             " elements");
}

void infer_matmul_nbits(InferContext& ctx) {
  const Qb4Shape shape = weight_shape(ctx);
  Shape out = ctx.shape(0);
  if (out.rank() == 0 || dim(out, out.rank() - 1) != shape.k)
    ctx.fail("A of shape ", to_string(out), " should end in K = ", shape.k);
  const uint64_t blocks = uint64_t{shape.n} * shape.blocks();
  check_elements(ctx, 1, "B", blocks * (weight_bits(ctx) == 8 ? shape.block : shape.block / 2));
  check_elements(ctx, 2, "scales", blocks);
  if (ctx.has_input(5)) check_elements(ctx, 5, "bias", shape.n);
  out[out.rank() - 1] = static_cast<int64_t>(shape.n);
  ctx.set_output(0, ctx.dtype(0), std::move(out));
}

const Tensor& constant_operand(const PrepareContext& ctx, size_t input, const char* name,
                               DType dtype) {
  const Tensor* tensor = ctx.constant(input);
  if (!tensor || tensor->dtype() != dtype)
    ctx.unsupported(name, " that is not a constant of ", dtype_name(dtype));
  return *tensor;
}

// Packs [N, blocks] numbers of an input with pack(source, floats).
template <class Pack>
std::shared_ptr<const Buffer> packed_floats(PrepareContext& ctx, size_t input, std::string_view how,
                                            const Qb4Shape& shape, const Pack& pack) {
  const Tensor& source = *ctx.constant(input);
  return ctx.packed(input, concat(how, shape.block), [&] {
    Buffer out(checked_mul(kernels::qb4_block_floats(shape), sizeof(float)));
    pack(source.bytes(), reinterpret_cast<float*>(out.data()));
    return out;
  });
}

struct Qb4Weights {
  std::shared_ptr<const Buffer> codes, scales, zeros;

  Qb4Weights(PrepareContext& ctx, const Qb4Shape& shape) {
    const Tensor& b = constant_operand(ctx, 1, "B", DType::UInt8);
    constant_operand(ctx, 2, "scales", DType::Float32);
    codes = ctx.packed(1, concat("qb4/", shape.block), [&] {
      Buffer out(kernels::qb4_code_bytes(shape));
      kernels::pack_qb4_codes(shape, b.bytes(), out.data());
      return out;
    });
    const auto as_floats = [&](const uint8_t* from, float* to) {
      kernels::pack_qb4_floats(shape, reinterpret_cast<const float*>(from), to);
    };
    scales = packed_floats(ctx, 2, "qb4 blocks/", shape, as_floats);
    if (!ctx.has_input(3)) {
      zeros = default_zeros(shape);
    } else if (ctx.dtype(3) == DType::Float32) {
      constant_operand(ctx, 3, "zero_points", DType::Float32);
      check_elements(ctx, 3, "zero_points", shape.n * shape.blocks());
      zeros = packed_floats(ctx, 3, "qb4 blocks/", shape, as_floats);
    } else {
      constant_operand(ctx, 3, "zero_points", DType::UInt8);
      check_elements(ctx, 3, "zero_points", shape.n * ((shape.blocks() + 1) / 2));
      zeros = packed_floats(ctx, 3, "qb4 zeros/", shape, [&](const uint8_t* from, float* to) {
        kernels::pack_qb4_zeros(shape, from, to);
      });
    }
  }

  static std::shared_ptr<const Buffer> default_zeros(const Qb4Shape& shape) {
    const size_t count = kernels::qb4_block_floats(shape);
    auto out = std::make_shared<Buffer>(checked_mul(count, sizeof(float)));
    std::fill_n(reinterpret_cast<float*>(out->data()), count, kernels::kQb4Zero);
    return out;
  }
};

// Rows of real weights from bytes: [count, k], from row `first` on.
void dequantize_rows(const Qb4Shape& shape, const uint8_t* codes, const float* scales,
                     const float* zeros, size_t first, size_t count, float* to) {
  const size_t blocks = shape.blocks();
  for (size_t row = first; row < first + count; ++row)
    for (size_t k = 0; k < shape.k; ++k) {
      const size_t block = row * blocks + k / shape.block;
      const float code = codes[row * blocks * shape.block + k];
      *to++ = (code - zeros[block]) * scales[block];
    }
}

// B of 8 bits as a float matrix, packed panel by panel.
std::shared_ptr<const Buffer> pack_bytes(PrepareContext& ctx, const Qb4Shape& shape) {
  const Tensor& b = constant_operand(ctx, 1, "B", DType::UInt8);
  const Tensor& scales = constant_operand(ctx, 2, "scales", DType::Float32);
  std::vector<float> zeros(shape.n * shape.blocks(), kByteZero);
  if (ctx.has_input(3)) {
    const Tensor& given = constant_operand(ctx, 3, "zero_points", ctx.dtype(3));
    check_elements(ctx, 3, "zero_points", zeros.size());
    const std::vector<double> values = float64_values(given, "zero_points");
    std::copy(values.begin(), values.end(), zeros.begin());
  }
  constexpr size_t kWidth = kernels::kFPanelWidth;
  return ctx.packed(1, concat("qb8 floats/", shape.block, ctx.node().name), [&] {
    Buffer out(checked_mul(kernels::packed_f32_elements(shape.n, 1, shape.k), sizeof(float)));
    auto* to = reinterpret_cast<float*>(out.data());
    std::vector<float> rows(kWidth * shape.k);
    for (size_t n = 0; n < shape.n; n += kWidth) {
      const size_t count = std::min(kWidth, shape.n - n);
      dequantize_rows(shape, b.bytes(), scales.values<float>().data(), zeros.data(), n, count,
                      rows.data());
      kernels::pack_f32({.data = rows.data(),
                         .n = count,
                         .k = shape.k,
                         .n_stride = static_cast<ptrdiff_t>(shape.k),
                         .k_stride = 1},
                        to);
      to += kernels::packed_f32_elements(count, 1, shape.k);
    }
    return out;
  });
}

Kernel prepare_bytes(PrepareContext& ctx, const Qb4Shape& shape, size_t m) {
  ScratchLayout scratch;
  PackedOperand bias = padded_bias(ctx, 5, shape.n, scratch);
  ctx.request_scratch(scratch.bytes());
  return [=, right = pack_bytes(ctx, shape), bias = std::move(bias)](const RunContext& run) {
    bias.prepare(run);
    const kernels::FGemm gemm{.m = m,
                              .n = shape.n,
                              .k = shape.k,
                              .a = run.input<float>(0),
                              .a_stride = shape.k,
                              .b = reinterpret_cast<const float*>(right->data()),
                              .c = run.output<float>(0),
                              .c_stride = shape.n,
                              .params = {.bias = bias.get(run), .lo = -INFINITY, .hi = INFINITY}};
    run.workers.split({.rows = m,
                       .columns = shape.n,
                       .cost = shape.k,
                       .row_grain = kernels::kFTileRows,
                       .column_grain = 2 * kernels::kFPanelWidth},
                      [&](const MatrixBlock& block, size_t) {
                        kernels::gemm_f32(
                            kernels::columns_of(gemm, block.column_begin, block.column_end),
                            block.row_begin, block.row_end);
                      });
  };
}

Kernel prepare_matmul_nbits(PrepareContext& ctx) {
  const Qb4Shape shape = weight_shape(ctx);
  if (ctx.dtype(0) != DType::Float32) ctx.unsupported("data of type ", dtype_name(ctx.dtype(0)));
  if (ctx.has_input(4)) ctx.unsupported("g_idx");
  const size_t m = ctx.shape(0).elements() / shape.k;
  if (m == 0) return do_nothing();
  // No size of packed weights or of scratch memory is larger than these.
  constexpr size_t kPanel = 8;
  const size_t k_bytes = checked_mul(shape.blocks() * shape.block, sizeof(float));
  checked_mul(checked_add(shape.n, kPanel), k_bytes);
  checked_mul(checked_add(m, kPanel), k_bytes);
  if (weight_bits(ctx) == 8) return prepare_bytes(ctx, shape, m);
  const bool int8 = ctx.attributes().get_int("accuracy_level", 0) == kInt8Accuracy;
  ScratchLayout scratch;
  PackedOperand bias = padded_bias(ctx, 5, shape.n, scratch);
  const size_t work = scratch.reserve(int8 ? kernels::qb8_row_bytes(shape, m)
                                           : kernels::qb4_f32_scratch_bytes(shape));
  ctx.request_scratch(scratch.bytes());
  return [=, weights = Qb4Weights(ctx, shape), bias = std::move(bias)](const RunContext& run) {
    bias.prepare(run);
    const kernels::Qb4Gemm gemm{.shape = shape,
                                .m = m,
                                .a = run.input<float>(0),
                                .codes = weights.codes->data(),
                                .scales = reinterpret_cast<const float*>(weights.scales->data()),
                                .zeros = reinterpret_cast<const float*>(weights.zeros->data()),
                                .bias = bias.get(run),
                                .c = run.output<float>(0)};
    uint8_t* memory = run.scratch + work;
    if (!int8) return kernels::qb4_gemm_f32(gemm, memory, 0, shape.n);
    kernels::qb8_quantize_rows(gemm, memory);
    kernels::qb4_gemm_qb8(gemm, memory, 0, shape.n);
  };
}
} // namespace

extern const OpDef op_matmul_nbits{
    .infer = infer_matmul_nbits, .prepare = prepare_matmul_nbits, .float32 = true};

} // namespace octet

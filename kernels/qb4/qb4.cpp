#include "kernels/qb4/qb4.h"

#include <algorithm>

#include "kernels/dispatch.h"
#include "kernels/gemm_f32/gemm_f32.h"
#include "kernels/scratch.h"

namespace octet::kernels {
namespace {

size_t panels(const Qb4Shape& shape) noexcept {
  return (shape.n + kFPanelWidth - 1) / kFPanelWidth;
}

uint8_t half(const uint8_t* bytes, size_t index) noexcept {
  return index % 2 == 0 ? bytes[index / 2] & 15 : bytes[index / 2] >> 4;
}

/// Packs [n, blocks] numbers that read(column, block) gives.
template <class Read>
void pack_blocks(const Qb4Shape& shape, float* packed, Read&& read) noexcept {
  for (size_t begin = 0; begin < shape.n; begin += kFPanelWidth)
    for (size_t b = 0; b < shape.blocks(); ++b)
      for (size_t n = begin; n < begin + kFPanelWidth; ++n)
        *packed++ = n < shape.n ? read(n, b) : 0.0f;
}

/// The quantized rows of all calls, cut out of memory; without memory only counted.
struct RowsScratch {
  Qb8Row first; // of row 0; the next ones follow
  size_t bytes;

  RowsScratch(const Qb4Shape& shape, size_t m, void* memory) noexcept {
    Scratch scratch(memory);
    first.codes = scratch.take<int8_t>(m * shape.blocks() * shape.block);
    first.factors = scratch.take<int16_t>(m * shape.blocks() * shape.block);
    first.scales = scratch.take<float>(m * shape.blocks());
    first.sums = scratch.take<float>(m * shape.blocks());
    bytes = scratch.bytes();
  }

  Qb8Row row(const Qb4Shape& shape, size_t i) const noexcept {
    const size_t blocks = i * shape.blocks(), codes = blocks * shape.block;
    return {first.codes + codes, first.factors + codes, first.scales + blocks, first.sums + blocks};
  }
};

} // namespace

size_t qb4_code_bytes(const Qb4Shape& shape) noexcept {
  return panels(shape) * qb4_panel_bytes(shape.blocks(), shape.block);
}

size_t qb4_block_floats(const Qb4Shape& shape) noexcept {
  return panels(shape) * shape.blocks() * kFPanelWidth;
}

void pack_qb4_codes(const Qb4Shape& shape, const uint8_t* codes, uint8_t* packed) noexcept {
  std::fill_n(packed, qb4_code_bytes(shape), uint8_t{0});
  const size_t k_padded = shape.blocks() * shape.block;
  const size_t panel_bytes = qb4_panel_bytes(shape.blocks(), shape.block);
  for (size_t n = 0; n < shape.n; ++n, codes += k_padded / 2) {
    uint8_t* panel = packed + n / kFPanelWidth * panel_bytes;
    for (size_t k = 0; k < k_padded; ++k) {
      const Qb4Place place = qb4_place(n % kFPanelWidth, k);
      panel[place.byte] = static_cast<uint8_t>(panel[place.byte] | half(codes, k) << place.shift);
    }
  }
}

void pack_qb4_floats(const Qb4Shape& shape, const float* values, float* packed) noexcept {
  pack_blocks(shape, packed, [&](size_t n, size_t b) { return values[n * shape.blocks() + b]; });
}

void pack_qb4_zeros(const Qb4Shape& shape, const uint8_t* zeros, float* packed) noexcept {
  const size_t row_bytes = (shape.blocks() + 1) / 2;
  pack_blocks(shape, packed, [&](size_t n, size_t b) {
    return static_cast<float>(half(zeros + n * row_bytes, b));
  });
}

size_t qb4_f32_scratch_bytes(const Qb4Shape& shape) noexcept {
  return shape.blocks() * shape.block * kFPanelWidth * sizeof(float);
}

void qb4_gemm_f32(const Qb4Gemm& args, void* scratch, size_t column_begin,
                  size_t column_end) noexcept {
  const Qb4Shape& shape = args.shape;
  const size_t blocks = shape.blocks();
  const size_t panel_bytes = qb4_panel_bytes(blocks, shape.block);
  auto* unpacked = static_cast<float*>(scratch);
  for (size_t n = column_begin; n < column_end; n += kFPanelWidth) {
    const size_t panel = n / kFPanelWidth, floats = panel * blocks * kFPanelWidth;
    kernel_table().qb4_unpack({.codes = args.codes + panel * panel_bytes,
                               .scales = args.scales + floats,
                               .zeros = args.zeros + floats,
                               .blocks = blocks,
                               .block = shape.block,
                               .to = unpacked});
    const FGemm product{.m = args.m,
                        .n = std::min(kFPanelWidth, column_end - n),
                        .k = shape.k,
                        .a = args.a,
                        .a_stride = shape.k,
                        .b = unpacked,
                        .c = args.c + n,
                        .c_stride = shape.n,
                        .params = {.bias = args.bias ? args.bias + n : nullptr}};
    gemm_f32(product, 0, args.m);
  }
}

size_t qb8_row_bytes(const Qb4Shape& shape, size_t m) noexcept {
  return RowsScratch(shape, m, nullptr).bytes;
}

void qb8_quantize_rows(const Qb4Gemm& args, void* rows) noexcept {
  const Qb4Shape& shape = args.shape;
  const RowsScratch scratch(shape, args.m, rows);
  for (size_t i = 0; i < args.m; ++i)
    kernel_table().qb8_quantize(args.a + i * shape.k, shape.k, shape.block, scratch.row(shape, i));
}

void qb4_gemm_qb8(const Qb4Gemm& args, const void* rows, size_t column_begin,
                  size_t column_end) noexcept {
  const Qb4Shape& shape = args.shape;
  const RowsScratch scratch(shape, args.m, const_cast<void*>(rows));
  constexpr size_t kBlockBytes = 256 * 1024; // of codes that stay cached while the rows pass by
  const size_t panel_bytes = qb4_panel_bytes(shape.blocks(), shape.block);
  const size_t step = std::max<size_t>(kBlockBytes / panel_bytes, 1) * kFPanelWidth;
  Qb4Tile tile{.blocks = shape.blocks(),
               .block = shape.block,
               .codes = args.codes,
               .scales = args.scales,
               .zeros = args.zeros,
               .bias = args.bias};
  for (size_t n = column_begin; n < column_end; n += step) {
    tile.column_begin = n;
    tile.column_end = std::min(column_end, n + step);
    for (size_t i = 0; i < args.m; ++i) {
      tile.a = scratch.row(shape, i);
      tile.c = args.c + i * shape.n;
      kernel_table().qb4_gemv(tile);
    }
  }
}

} // namespace octet::kernels

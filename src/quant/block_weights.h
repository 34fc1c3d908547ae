// Weights as a matrix whose rows are quantized in blocks: what MatMulNBits, GatherBlockQuantized
// and DequantizeLinear with a block size or an axis store.
#pragma once

#include <vector>

#include "base/dtype.h"
#include "quant/weight_range.h"

namespace octet {

// How the columns of a matrix, numbered length × spread, fall into blocks: `block` neighbours along
// `length`, at one position along `spread`. A convolution's row [inputs, window] has its window as
// spread; a matrix product's spread is 1.
struct BlockLayout {
  size_t length = 0, spread = 1, block = 0;

  size_t columns() const { return length * spread; }
  size_t count() const { return (length + block - 1) / block * spread; }
  // The columns of block `index`, ascending.
  std::vector<size_t> columns_of(size_t index) const;
};

// Float weights where a model stores them: element (row, column) is
// data[row * row_stride + column * column_stride].
struct WeightMatrix {
  const float* data = nullptr;
  size_t rows = 0;
  size_t row_stride = 0, column_stride = 1;
  BlockLayout blocks;

  float at(size_t row, size_t column) const {
    return data[row * row_stride + column * column_stride];
  }
};

// The integer that a code's bit pattern stands for.
inline int32_t code_value(uint8_t bits, DType type) {
  return type == DType::UInt8 || type == DType::UInt4 ? bits : static_cast<int8_t>(bits);
}

struct BlockWeights {
  std::vector<uint8_t> codes;   // [rows, columns]: bit patterns, one a byte
  std::vector<float> scales;    // [rows, blocks]
  std::vector<uint8_t> zeros;   // [rows, blocks]
  double signal = 0, noise = 0; // Σ w², Σ (w − ŵ)²

  double sqnr_db() const; // of the weights
};

BlockWeights make_block_weights(const WeightMatrix& matrix);

// Rounds rows [begin, end) to the nearest codes. Throws InvalidInput when a weight is not finite.
void round_rows(const WeightMatrix& matrix, const RangeRule& rule, size_t begin, size_t end,
                BlockWeights& out);

} // namespace octet

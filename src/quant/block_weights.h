// Weights as a matrix whose rows are quantized in blocks: what MatMulNBits, GatherBlockQuantized
// and DequantizeLinear with a block size or an axis store.
//
// How the ends of a block's range follow from its weights:
//   minmax  the extremes
//   mean    at most as wide as 2·mean|w|·√qmax (Esser et al., Learned Step Size Quantization, 2020)
//   mse     the extremes, shrunk by the factor that leaves the least squared error
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "quant/arithmetic.h"
#include "quant/config.h"

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
};

// Chooses the parameters of blocks.
class BlockRule {
public:
  // Throws InvalidOption for a method that does not exist.
  BlockRule(std::string_view method, DType type, bool symmetric);

  QuantRange codes() const { return codes_; }
  ScaleAndZero params(std::span<const float> block) const;

private:
  ScaleAndZero within(float min, float max) const;
  ScaleAndZero least_error(std::span<const float> block, float min, float max) const;

  enum class Method { MinMax, Mean, Mse } method_;
  DType type_;
  bool symmetric_;
  QuantRange codes_;
};

BlockWeights make_block_weights(const WeightMatrix& matrix);

// Rounds rows [begin, end) to the nearest codes. Throws InvalidInput when a weight is not finite.
void round_rows(const WeightMatrix& matrix, const BlockRule& rule, size_t begin, size_t end,
                BlockWeights& out);

} // namespace octet

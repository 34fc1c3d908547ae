// Quantizes a float weight tensor to 8 bits.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "quant/arithmetic.h"
#include "quant/clip_range.h"
#include "quant/config.h"
#include "quant/observers/histogram.h"
#include "quant/report.h"
#include "quant/weight_range.h"

namespace octet {

// How a weight tensor is seen: element i belongs to channel (i / inner) % channels.
struct WeightLayout {
  size_t channels = 1;
  size_t inner = 1;
};

// Per tensor: one scale and zero point; else one of each per channel.
struct QuantizedWeights {
  Buffer codes; // bit patterns of Int8 or UInt8, in the order of the source
  std::vector<float> scales = {};
  std::vector<int32_t> zero_points = {};
  double sqnr_db = 0; // 10 log10(Σ w² / Σ (w − ŵ)²)
  CoarseHistogram histogram = {};
  ClipRange clipping = {};

  Bytes code_bytes() const { return {codes.data(), codes.size()}; }
};

// Quantizes weights in pieces, for callers that want to attend to others in between: the range of
// each channel, or of the tensor, follows from `options.method` (quant/weight_range.h).
//
// `shared_zero_point`: all channels get the zero point of the whole tensor and scales wide enough
// for it (ConvInteger in onnxruntime takes a single one). Throws InvalidInput when a weight is not
// finite, InvalidOption for a method that does not exist.
class WeightRounding {
public:
  // The caller keeps the weights.
  WeightRounding(std::span<const float> weights, WeightLayout layout, const WeightOptions& options,
                 bool shared_zero_point);

  // No scale of a channel, or of the tensor, is to be below its element of `scales`. Before the
  // work.
  void keep_above(std::vector<float> scales) { least_scales_ = std::move(scales); }

  // Does a part of the work; true when there is more.
  bool advance();
  // After that.
  QuantizedWeights take();

private:
  bool next_pass();
  template <class Body>
  void for_each_run(size_t begin, size_t end, const Body& body) const;
  void measure(size_t begin, size_t end);
  void search(size_t begin, size_t end);
  void choose_params();
  void round(size_t begin, size_t end);
  ScaleAndZero params_in_common(ObservedRange range, int32_t zero_point) const;

  std::span<const float> weights_;
  WeightLayout layout_;
  RangeRule rule_;
  bool shared_zero_point_;
  std::vector<float> least_scales_;   // by channel, or none
  std::vector<ObservedRange> ranges_; // by channel
  std::vector<RangeSearch> searches_; // by channel, of rules with passes
  bool measured_ = false;             // the extremes
  size_t pass_ = 0, at_ = 0;
  double signal_ = 0, noise_ = 0;
  ClipCounter clips_;
  Histogram histogram_;
  QuantizedWeights out_;
};

// The same at once.
QuantizedWeights quantize_weights(std::span<const float> weights, WeightLayout layout,
                                  const WeightOptions& options, bool shared_zero_point);

// [rows, columns] → [columns, rows]
template <class T>
std::vector<T> transposed(std::span<const T> matrix, size_t rows, size_t columns) {
  std::vector<T> out(matrix.size());
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = 0; c < columns; ++c) out[c * rows + r] = matrix[r * columns + c];
  return out;
}

// Codes of a byte each, or, as types of 4 bits want them, two a byte.
Tensor tensor_of_codes(std::span<const uint8_t> codes, DType type, Shape shape);

// A constant of one code, of 8 or 16 bits.
Tensor scalar_code(int32_t code, DType type);

// The report's entry for the weights called `name`, which `node` reads.
QuantizedTensor describe_weights(std::string name, std::string node, const WeightOptions& options,
                                 const QuantizedWeights& weights);

} // namespace octet

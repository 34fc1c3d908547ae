// What samples change about the weights and the bias of a quantized product.
//
//  - AdaRound (quant/adaround.h) rounds the weights so that the results change least.
//  - Bias correction (quant/bias_correction.h) gives back what rounding takes from the mean of each
//    channel of the results: (w − q) E[x], with E[x] from samples.
#pragma once

#include <optional>

#include "quant/adaround.h"
#include "quant/reduction_taps.h"
#include "quant/weight_site.h"
#include "quant/weights.h"

namespace octet {

// A product, and the first tap on what it multiplies its weights with.
struct TappedProduct {
  WeightSite site; // a resolved layout, its blocks whole rows
  size_t tap;
};

// Taps what a Conv, MatMul or Gemm multiplies its constant weights with. Nothing when these are no
// matrix, or have more than `most_columns`.
std::optional<TappedProduct> tap_product(GraphScope& scope, NodeId product, DType weight_type,
                                         size_t most_columns, ReductionTaps& taps);

class ProductRounding {
public:
  // The weights stay in place until this is gone.
  ProductRounding(const TappedProduct& tapped, std::span<const float> weights,
                  const WeightOptions& options, ReductionSink& sink);

  // Rounds a part of the rows; true when there are more.
  bool adapt(QuantizedWeights& q);
  // What the results of each row have lost on average; empty when no sample has reached them.
  std::vector<float> mean_loss(const QuantizedWeights& q) const;
  // Of the results of the product, once all rows are rounded.
  double output_sqnr_db() const { return decibels(chosen_); }
  double output_sqnr_db_of_nearest() const { return decibels(nearest_); }

private:
  static double decibels(const OutputError& error);
  size_t group_of(size_t row) const { return row / (site_.rows / site_.groups); }
  ScaleAndZero params_of(const QuantizedWeights& q, size_t row) const;
  size_t place(size_t row, size_t column) const {
    return row * site_.row_stride + column * site_.column_stride;
  }
  int32_t code(const QuantizedWeights& q, size_t place) const;
  void round_row(QuantizedWeights& q, size_t row);

  WeightSite site_;
  std::span<const float> weights_;
  WeightOptions options_;
  QuantRange range_;
  ReductionSink& sink_;
  size_t tap_;
  size_t next_ = 0; // row
  OutputError nearest_, chosen_;
};

} // namespace octet

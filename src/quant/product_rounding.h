// What samples change about the weights and the bias of a statically quantized product.
//
//  - AdaRound (quant/adaround.h) rounds the weights so that the results change least.
//  - Bias correction takes out what rounding does to the mean of each channel of the results:
//    (w − q) E[x] is added to its bias (Nagel, van Baalen, Blankevoort, Welling: Data-Free
//    Quantization through Weight Equalization and Bias Correction, arXiv 1906.04721, section 4.2;
//    with E[x] from samples).
#pragma once

#include <optional>

#include "quant/adaround.h"
#include "quant/weight_site.h"
#include "quant/weights.h"

namespace octet {

class ProductRounding {
public:
  // `site`: a resolved layout, its blocks whole rows; `tap`: the first one of it. The weights stay
  // in place until this is gone.
  ProductRounding(const WeightSite& site, std::span<const float> weights,
                  const WeightOptions& options, ReductionSink& sink, size_t tap);

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

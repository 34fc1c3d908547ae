// One product under static quantization: its weights become integers of 8 bits behind a
// DequantizeLinear, its bias int32 of scale x_scale · w_scale.
//
// Samples may change how weights are rounded and what is added to the bias
// (quant/product_rounding.h).
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "graph/edit.h"
#include "quant/product_rounding.h"
#include "quant/report.h"
#include "quant/scopes.h"
#include "quant/weight_site.h"
#include "quant/weights.h"

namespace octet {

// The axis of a product's weights along which its results differ.
size_t channel_axis(const Node& product);

// Whether samples say how to round weights.
bool rounds_by_samples(const WeightOptions& options);

// What a product multiplies its weights with.
struct ProductInput {
  float scale;
  bool is_wide; // int16, of which 32 bits have to hold the sums
};

class ProductRewriter {
public:
  // `tapped`: null unless samples have something to say.
  ProductRewriter(GraphScope& scope, NodeId node, const QuantizeConfig& config, ProductInput x,
                  const TappedProduct* tapped, ReductionSink& reductions,
                  QuantizationReport& report);

  // Does a part of the work; true when there is more. At the end the graph is changed, unless it
  // refused.
  bool advance();
  // Empty, or why the node stays as it is, which its rounded weights tell.
  std::string_view refusal() const { return refusal_; }

private:
  size_t axis() const { return channel_axis(node_); }
  size_t channels() const { return static_cast<size_t>(weights_.shape()[axis()]); }
  const Tensor* bias() const;
  std::vector<float> least_scales() const;
  Shape param_shape() const;
  Tensor codes() const;
  Tensor zero_points() const;
  bool sums_fit() const;
  ValueId constant(ValueId source, std::string_view suffix, Tensor tensor);
  void dequantize(size_t input, ValueId source, std::vector<ValueId> operands, bool per_channel);
  void write_weights();
  void write_bias();
  void quantize_bias(ValueId id, std::span<const float> bias, const std::vector<float>& w_scales);
  void note(ValueId id);

  GraphScope& scope_;
  NodeId id_;
  const Node node_; // a copy: inserting nodes moves the graph's own
  const QuantizeConfig& config_;
  const ProductInput x_;
  std::string_view refusal_;
  QuantizationReport& report_;
  const Tensor weights_;
  std::shared_ptr<const void> held_;      // their bytes
  std::optional<WeightRounding> nearest_; // until it is done
  QuantizedWeights q_;
  std::optional<ProductRounding> rounding_;
  GraphEdit edit_;
};

} // namespace octet

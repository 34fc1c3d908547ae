#include "quant/product_rounding.h"

#include <cmath>

namespace octet {
namespace {
constexpr size_t kEnoughWork = 20'000'000; // multiplications, roughly, between two chances to stop
} // namespace

std::optional<TappedProduct> tap_product(GraphScope& scope, NodeId product, DType weight_type,
                                         size_t most_columns, ReductionTaps& taps) {
  const Node& node = scope.graph->node(product);
  const Tensor* w = scope.constant(node.input(1));
  WeightSite site;
  site.scope = &scope;
  site.node = product;
  site.type = weight_type;
  if (!is_float(w) || !resolve_layout(node, w->shape(), site).empty()) return std::nullopt;
  const size_t columns = site.blocks.columns();
  site.blocks.block = site.blocks.length;
  if (columns > most_columns) return std::nullopt;
  const auto tap = taps.place(scope, product, columns, site.groups);
  return tap ? std::optional(TappedProduct{site, *tap}) : std::nullopt;
}

ProductRounding::ProductRounding(const TappedProduct& tapped, std::span<const float> weights,
                                 const WeightOptions& options, ReductionSink& sink)
    : site_(tapped.site), weights_(weights), options_(options),
      range_(quant_range(options.type, options.symmetric, options.reduce_range)), sink_(sink),
      tap_(tapped.tap) {}

ScaleAndZero ProductRounding::params_of(const QuantizedWeights& q, size_t row) const {
  const size_t channel = q.scales.size() == 1 ? 0 : row;
  return {q.scales[channel], q.zero_points[channel]};
}

int32_t ProductRounding::code(const QuantizedWeights& q, size_t place) const {
  const uint8_t bits = q.codes.data()[place];
  return options_.type == DType::Int8 ? static_cast<int8_t>(bits) : bits;
}

void ProductRounding::round_row(QuantizedWeights& q, size_t row) {
  const size_t columns = site_.blocks.columns();
  std::vector<float> w(columns);
  std::vector<int32_t> codes(columns);
  for (size_t j = 0; j < columns; ++j) {
    w[j] = weights_[place(row, j)];
    codes[j] = code(q, place(row, j));
  }
  const Gram& gram = sink_.gram(tap_ + group_of(row));
  adaround_row(w, params_of(q, row), range_, gram, codes, nearest_, chosen_);
  for (size_t j = 0; j < columns; ++j)
    q.codes.data()[place(row, j)] = static_cast<uint8_t>(codes[j]);
}

bool ProductRounding::adapt(QuantizedWeights& q) {
  const size_t rows_per_group = site_.rows / site_.groups, columns = site_.blocks.columns();
  for (size_t work = 0; next_ < site_.rows && work < kEnoughWork; ++next_) {
    Gram& gram = sink_.gram(tap_ + group_of(next_));
    if (gram.is_empty()) continue;
    if (next_ % rows_per_group == 0) gram.mirror();
    round_row(q, next_);
    work += 4 * columns * columns;
  }
  return next_ < site_.rows;
}

std::vector<float> ProductRounding::mean_loss(const QuantizedWeights& q) const {
  std::vector<float> out;
  std::vector<float> mean;
  for (size_t row = 0; row < site_.rows; ++row) {
    if (row % (site_.rows / site_.groups) == 0) mean = sink_.mean(tap_ + group_of(row));
    if (mean.empty()) return {};
    const ScaleAndZero params = params_of(q, row);
    double loss = 0;
    for (size_t j = 0; j < mean.size(); ++j) {
      const size_t at = place(row, j);
      loss += (double{weights_[at]} - dequantize_value(code(q, at), params)) * mean[j];
    }
    out.push_back(static_cast<float>(loss));
  }
  return out;
}

double ProductRounding::decibels(const OutputError& error) {
  if (error.signal == 0) return NAN;
  return error.noise > 0 ? 10 * std::log10(error.signal / error.noise) : INFINITY;
}

} // namespace octet

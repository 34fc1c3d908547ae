#include "quant/weight_only.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "base/error.h"
#include "quant/gptq.h"
#include "quant/reduction_taps.h"
#include "quant/weight_site.h"
#include "quant/weights.h"

namespace octet {
namespace {
constexpr int64_t kPerChannelOpset = 13, kBlockOpset = 21;
constexpr size_t kSmallestBlock = 16, kLargestBlock = 256;
// Multiplications, roughly, between two chances to stop.
constexpr size_t kEnoughWork = 10'000'000;

bool is_block_type(DType type) {
  return type == DType::Int8 || type == DType::UInt8 || type == DType::Int4 || type == DType::UInt4;
}

void check_config(const QuantizeConfig& config) {
  const WeightOptions& weights = config.weights;
  if (!is_block_type(weights.type) && weights.type != DType::Float16)
    fail(ErrorCode::InvalidOption,
         "weights.type: int8, uint8, int4, uint4 or float16 expected, not ",
         dtype_name(weights.type));
  if (weights.reduce_range)
    fail(ErrorCode::InvalidOption,
         "weights.reduceRange: weight-only quantization multiplies no integers, which 7 bits are "
         "for");
  const size_t block = weights.block_size;
  if (block < kSmallestBlock || block > kLargestBlock || (block & (block - 1)) != 0)
    fail(ErrorCode::InvalidOption, "weights.blockSize: a power of two from ", kSmallestBlock,
         " to ", kLargestBlock, " expected, not ", block);
  if (weights.method == "gptq" && !config.calibrated)
    fail(ErrorCode::InvalidOption, "weights.method: gptq needs samples for calibration");
  for (const std::string& op_type : config.op_types)
    if (!has_weights(op_type, weights.type))
      fail(ErrorCode::InvalidOption, "opTypes: ", op_type, " has no weights of type ",
           dtype_name(weights.type));
}

// A site, and its taps when samples are to tell what it multiplies its weights with.
struct TappedSite : WeightSite {
  std::optional<size_t> tap = {};
};

// Quantizes the weights of one site, in pieces.
class SiteWork {
public:
  SiteWork(const TappedSite& site, const WeightOptions& options, ReductionSink& grams)
      : site_(site), grams_(grams), rule_(range_method(options), site.type, options.symmetric) {
    const Tensor& w = *site.scope->constant(site.weight());
    held_ = w.data().hold();
    matrix_ = {w.values<float>().data(), site.rows, site.row_stride, site.column_stride,
               site.blocks};
    weights_ = make_block_weights(matrix_);
    for (size_t b = 0; b < site.blocks.count(); ++b) columns_.push_back(site.blocks.columns_of(b));
    measured_ = site.tap && !any_gram_empty();
    by_samples_ = measured_ && options.method == "gptq";
  }

  // False when all is done.
  bool advance() {
    for (size_t work = 0; work < kEnoughWork;) {
      if (factored_ < site_.groups && by_samples_)
        work += factor();
      else if (rounded_ < site_.rows)
        work += next_rows(rounded_, [&](size_t begin, size_t end) { round(begin, end); });
      else if (compared_ < site_.rows && measured_)
        work += next_rows(compared_, [&](size_t begin, size_t end) {
          measure_rows(matrix_, weights_, site_.type, gram_of(begin), begin, end, error_);
        });
      else if (described_ < site_.rows)
        work += next_rows(described_, [&](size_t begin, size_t end) { describe(begin, end); });
      else
        return false;
    }
    return true;
  }

  const BlockWeights& weights() const { return weights_; }
  bool by_samples() const { return by_samples_; }
  CoarseHistogram histogram() const { return histogram_.coarse(); }
  ClipRange clipping() const { return clips_.result(); }
  double output_sqnr_db() const {
    return measured_ ? decibels(error_.signal, error_.noise) : static_cast<double>(NAN);
  }
  static double decibels(double signal, double noise) {
    return noise > 0 ? 10 * std::log10(signal / noise) : static_cast<double>(INFINITY);
  }

private:
  bool any_gram_empty() {
    for (size_t g = 0; g < site_.groups; ++g)
      if (grams_.gram(*site_.tap + g).is_empty()) return true;
    return false;
  }

  size_t rows_per_group() const { return site_.rows / site_.groups; }
  Gram& gram_of(size_t row) { return grams_.gram(*site_.tap + row / rows_per_group()); }

  size_t factor() {
    const size_t columns = site_.blocks.columns();
    if (grams_.gram(*site_.tap + factored_).factor(site_.blocks)) {
      ++factored_;
      return columns * columns;
    }
    return kEnoughWork;
  }

  void round(size_t begin, size_t end) {
    if (by_samples_)
      gptq_rows(matrix_, rule_, gram_of(begin), begin, end, weights_);
    else
      round_rows(matrix_, rule_, begin, end, weights_);
  }

  // Shows rows to the report.
  void describe(size_t begin, size_t end) {
    std::vector<float> values(site_.blocks.columns());
    for (size_t row = begin; row < end; ++row) {
      for (size_t c = 0; c < values.size(); ++c) values[c] = matrix_.at(row, c);
      histogram_.add(values);
      size_t clipped = 0;
      for (size_t b = 0; b < columns_.size(); ++b) {
        const size_t place = row * columns_.size() + b;
        const ScaleAndZero params{weights_.scales[place],
                                  code_value(weights_.zeros[place], site_.type)};
        clips_.add_params(params);
        for (const size_t c : columns_[b]) {
          const int32_t code = quantize_value(values[c], params, rule_.codes());
          const double error = double{values[c]} - dequantize_value(code, params);
          clipped += ClipCounter::is_clipped(error, params.scale);
        }
      }
      clips_.add_values(clipped, values.size());
    }
  }

  // Rows of one group.
  template <class Body>
  size_t next_rows(size_t& next, const Body& body) {
    const size_t begin = next, group_end = (begin / rows_per_group() + 1) * rows_per_group();
    next = std::min(begin + kGptqRows, group_end);
    body(begin, next);
    const size_t columns = site_.blocks.columns();
    return kGptqRows * columns * (measured_ ? columns / 2 + 32 : 32);
  }

  const TappedSite& site_;
  ReductionSink& grams_;
  RangeRule rule_;
  std::shared_ptr<const void> held_; // what the matrix points to
  WeightMatrix matrix_;
  BlockWeights weights_;
  OutputError error_;
  std::vector<std::vector<size_t>> columns_; // by block
  Histogram histogram_;
  ClipCounter clips_{rule_.codes()};
  bool measured_ = false, by_samples_ = false;
  // Groups, and rows.
  size_t factored_ = 0, rounded_ = 0, compared_ = 0, described_ = 0;
};

class WeightOnlyQuantizer final : public Quantizer {
public:
  WeightOnlyQuantizer(Graph& graph, QuantizeConfig config)
      : config_(std::move(config)), scopes_(scopes_of(graph)) {
    check_config(config_);
    if (config_.weights.type != DType::Float16)
      RangeRule(range_method(config_.weights), config_.weights.type, config_.weights.symmetric);
    report_.mode = "weight-only";
    for (GraphScope& scope : scopes_) collect_sites(scope);
    if (config_.calibrated) place_taps();
  }

  std::shared_ptr<ValueSink> calibrator() override { return config_.calibrated ? grams_ : nullptr; }
  bool digest() override { return grams_->digest(); }
  size_t done() const override { return done_; }
  size_t total() const override { return sites_.size(); }

  bool step() override {
    if (done_ == sites_.size()) return false;
    taps_.take_out();
    if (advance(sites_[done_])) ++done_;
    return done_ < sites_.size();
  }

  QuantizationReport finish() override {
    taps_.take_out();
    for (size_t i = scopes_.size(); i-- > 0;) {
      Graph& graph = *scopes_[i].graph;
      GraphEdit(graph).remove_dead();
      if (contrib_used_) import_opset(graph, "com.microsoft", 1);
    }
    return std::move(report_);
  }

private:
  void collect_sites(GraphScope& scope) {
    for (NodeId id : scope.graph->nodes()) {
      const Node& node = scope.graph->node(id);
      if (!node.domain.empty()) continue;
      TappedSite site;
      site.scope = &scope;
      site.node = id;
      if (node.op_type == "Gather" && !is_float(scope.constant(node.inputs[0]))) continue;
      if (has_weights(node.op_type, config_.weights.type)) {
        std::string reason = resolve_site(config_, site);
        if (reason.empty())
          sites_.push_back(std::move(site));
        else
          keep_float(node, std::move(reason));
      } else if (has_weights(node.op_type, DType::Float16)) {
        keep_float(node, "no form of it reads integer weights");
      }
    }
  }

  void place_taps() {
    for (TappedSite& site : sites_) {
      if (site.type == DType::Undefined) continue;
      if (site.scope->graph->node(site.node).op_type == "Gather") continue;
      const size_t columns = site.blocks.columns();
      if (columns <= kMaxGramColumns)
        site.tap = taps_.place(*site.scope, site.node, columns, site.groups);
    }
  }

  void keep_float(const Node& node, std::string reason) {
    report_.float_nodes.push_back({node.name, node.op_type, std::move(reason)});
  }

  void note(const TappedSite& site) {
    const Node& node = site.scope->graph->node(site.node);
    QuantizedTensor tensor{
        .name = site.scope->graph->value(site.weight()).name, .node = node.name, .type = site.type};
    const BlockWeights& weights = work_->weights();
    const auto [low, high] = std::minmax_element(weights.scales.begin(), weights.scales.end());
    tensor.scale_min = *low;
    tensor.scale_max = *high;
    tensor.granularity = site.is_per_channel() ? "per-channel" : "per-block";
    tensor.method = work_->by_samples() ? "gptq" : range_method(config_.weights);
    tensor.sqnr_db = weights.sqnr_db();
    tensor.output_sqnr_db = work_->output_sqnr_db();
    tensor.histogram = work_->histogram();
    tensor.clipping = work_->clipping();
    report_.tensors.push_back(std::move(tensor));
  }

  // True when the site is done.
  bool advance(const TappedSite& site) {
    if (site.type == DType::Undefined) {
      make_half(site);
      return true;
    }
    if (!work_) work_ = std::make_unique<SiteWork>(site, config_.weights, *grams_);
    if (work_->advance()) return false;
    note(site);
    const ValueId weight = site.weight();
    if (write_site(site, config_, work_->weights())) contrib_used_ = true;
    work_.reset();
    if (const Tensor* w = site.scope->constant(weight)) w->data().drop();
    return true;
  }

  static CoarseHistogram histogram_of(const TappedSite& site) {
    const Tensor* w = site.scope->constant(site.weight());
    if (!is_float(w)) return {};
    const auto held = w->data().hold();
    const auto values = w->values<float>();
    const bool finite = std::all_of(values.begin(), values.end(),
                                    [](float v) { return std::abs(v) <= kLargestFloat16; });
    if (!finite) return {};
    Histogram histogram;
    histogram.add(values);
    return histogram.coarse();
  }

  void make_half(const TappedSite& site) {
    const Node node = site.scope->graph->node(site.node);
    const std::string name = site.scope->graph->value(site.weight()).name;
    const CoarseHistogram histogram = histogram_of(site);
    if (write_float16(*site.scope, site.node))
      report_.tensors.push_back({.name = name,
                                 .node = node.name,
                                 .type = DType::Float16,
                                 .scale_min = 1,
                                 .scale_max = 1,
                                 .granularity = "per-tensor",
                                 .method = "cast",
                                 .histogram = histogram,
                                 .clipping = ClipRange{-kLargestFloat16, kLargestFloat16}});
    else
      keep_float(node, "a weight is beyond the range of float16");
  }

  QuantizeConfig config_;
  std::vector<GraphScope> scopes_;
  std::shared_ptr<ReductionSink> grams_ = std::make_shared<ReductionSink>(true);
  std::vector<TappedSite> sites_;
  ReductionTaps taps_{*grams_};
  std::unique_ptr<SiteWork> work_; // of the next site
  size_t done_ = 0;
  bool contrib_used_ = false; // an operator of com.microsoft was written
  QuantizationReport report_;
};
} // namespace

int64_t weight_only_opset(Graph& graph, const QuantizeConfig& config) {
  if (!is_block_type(config.weights.type)) return kPerChannelOpset;
  if (config.format == QuantFormat::Dequantize) return kBlockOpset;
  if (dtype_bits(config.weights.type) == 8) return kPerChannelOpset;
  for (const GraphScope& scope : scopes_of(graph))
    for (NodeId id : scope.graph->nodes())
      if (scope.graph->node(id).op_type == "Conv") return kBlockOpset;
  return kPerChannelOpset;
}

std::unique_ptr<Quantizer> make_weight_only_quantizer(Graph& graph, QuantizeConfig config) {
  return std::make_unique<WeightOnlyQuantizer>(graph, std::move(config));
}

} // namespace octet

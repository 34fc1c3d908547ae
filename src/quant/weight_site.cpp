#include "quant/weight_site.h"

#include <algorithm>
#include <cmath>

#include "base/float16.h"
#include "base/pieces.h"
#include "quant/weights.h"

namespace octet {
namespace {

bool is_signed(DType type) {
  return type == DType::Int8 || type == DType::Int4;
}

DType with_8_bits(DType type) {
  return is_signed(type) ? DType::Int8 : DType::UInt8;
}

std::string resolve_conv(const Shape& w, int64_t groups, WeightSite& site) {
  if (w.rank() < 3) return "its weights have no window";
  const auto inputs = static_cast<size_t>(w[1]);
  const size_t window = w.elements(2, w.rank()), block = site.blocks.block;
  if (inputs == 1) site.type = with_8_bits(site.type);
  const bool blocked = dtype_bits(site.type) == 4 && inputs >= block && inputs * window > block;
  site.rows = static_cast<size_t>(w[0]);
  site.row_stride = inputs * window;
  site.groups = static_cast<size_t>(groups);
  site.axis = blocked ? 1 : 0;
  site.blocks = blocked ? BlockLayout{inputs, window, block}
                        : BlockLayout{inputs * window, 1, inputs * window};
  if (groups < 1 || site.rows % site.groups != 0) return "its groups do not divide its channels";
  return {};
}

// Weights [K, N], or transposed [N, K].
std::string resolve_matrix(const Shape& w, bool transposed, WeightSite& site) {
  if (w.rank() != 2) return "its weights are not a matrix";
  const auto k = static_cast<size_t>(w[transposed ? 1 : 0]);
  site.rows = static_cast<size_t>(w[transposed ? 0 : 1]);
  site.row_stride = transposed ? k : 1;
  site.column_stride = transposed ? 1 : site.rows;
  site.axis = transposed ? 1 : 0;
  site.blocks = {k, 1, site.blocks.block};
  return {};
}

std::string resolve_gemm(const Node& node, const Shape& w, WeightSite& site) {
  if (node.attributes.get_int("transA", 0) != 0) return "its left operand is transposed";
  if (node.input(2) && node.attributes.get_float("beta", 1) != 1) return "it scales its bias";
  return resolve_matrix(w, node.attributes.get_int("transB", 0) != 0, site);
}

size_t stored_bytes(const WeightSite& site, bool padded) {
  const BlockLayout& b = site.blocks;
  const size_t columns = padded ? b.count() * b.block : b.columns();
  return site.rows * (columns * dtype_bits(site.type) / 8 + b.count() * sizeof(float));
}

class SiteWriter {
public:
  SiteWriter(const WeightSite& site, const BlockWeights& weights)
      : site_(site), weights_(weights), graph_(*site.scope->graph), node_(graph_.node(site.node)),
        input_(weight_input(node_)), weight_(site.weight()), edit_(graph_) {}

  void write_matmul() {
    const BlockLayout& b = site_.blocks;
    Node made{.op_type = "MatMulNBits", .domain = "com.microsoft"};
    made.attributes.set("K", static_cast<int64_t>(b.length));
    made.attributes.set("N", static_cast<int64_t>(site_.rows));
    made.attributes.set("bits", static_cast<int64_t>(bits()));
    made.attributes.set("block_size", static_cast<int64_t>(b.block));
    made.inputs = {node_.inputs[0], constant("_quantized", packed_blocks()),
                   constant("_scale", Tensor::of<float>(params_shape(), scales())),
                   zeros_of_blobs()};
    while (!made.inputs.back()) made.inputs.pop_back();
    add_bias(std::move(made));
  }

  void write_gather() {
    Node made{.op_type = "GatherBlockQuantized", .domain = "com.microsoft"};
    made.attributes.set("bits", static_cast<int64_t>(bits()));
    made.attributes.set("block_size", static_cast<int64_t>(site_.blocks.block));
    const auto columns = static_cast<int64_t>(site_.blocks.length * bits() / 8);
    made.inputs = {
        constant("_quantized", in_bytes(unsigned_codes(weights_.codes), {rows(), columns})),
        node_.inputs[1], constant("_scale", Tensor::of<float>(params_shape(), weights_.scales)),
        zeros_of_blobs()};
    if (!made.inputs.back()) made.inputs.pop_back();
    edit_.replace_node(site_.node, std::move(made));
  }

  void write_dequantize() {
    const Tensor& source = *site_.scope->constant(weight_);
    const Shape& shape = source.shape();
    const bool along_rows = site_.row_stride != 1;
    Shape params = shape;
    if (site_.is_per_channel() && node_.op_type == "Conv")
      params = Shape{rows()};
    else
      params[site_.axis] = static_cast<int64_t>(site_.blocks.count() / site_.blocks.spread);
    const auto laid_out = [&](const auto& values, size_t columns) {
      return along_rows ? values : transposed(std::span(values), site_.rows, columns);
    };
    Node made{.name = name("_dequantize"), .op_type = "DequantizeLinear"};
    made.inputs = {
        constant("_quantized", tensor_of_codes(laid_out(weights_.codes, site_.blocks.columns()),
                                               site_.type, shape)),
        constant("_scale", Tensor::of<float>(params, std::span<const float>(laid_out(
                                                         weights_.scales, site_.blocks.count()))))};
    if (!all_zero())
      made.inputs.push_back(
          constant("_zero_point", tensor_of_codes(laid_out(weights_.zeros, site_.blocks.count()),
                                                  site_.type, params)));
    made.attributes.set("axis", static_cast<int64_t>(site_.axis));
    if (params.rank() == shape.rank())
      made.attributes.set("block_size", static_cast<int64_t>(site_.blocks.block));
    feed(std::move(made));
  }

  // false: a weight is too large.
  static bool write_half(GraphScope& scope, NodeId id, size_t input) {
    Graph& graph = *scope.graph;
    GraphEdit edit(graph);
    const ValueId weight = graph.node(id).inputs[input];
    const Tensor& source = *scope.constant(weight);
    Buffer bytes(dtype_bytes(DType::Float16, source.elements()));
    bool fits = true;
    in_pieces(source.elements(),
              [&, from = source.values<float>().data(),
               to = reinterpret_cast<uint16_t*>(bytes.data())](size_t begin, size_t end) {
                for (size_t i = begin; i < end; ++i) {
                  fits &= std::abs(from[i]) <= kLargestFloat16;
                  to[i] = float32_to_float16(from[i]);
                }
              });
    if (!fits) return false;
    const std::string name = graph.value(weight).name;
    const ValueId stored = edit.new_constant(
        name + "_float16", Tensor(DType::Float16, source.shape(), SharedBytes(std::move(bytes))));
    Node cast{.name = name + "_cast", .op_type = "Cast", .inputs = {stored}};
    cast.attributes.set("to", int64_t{1});
    if (graph.node(id).op_type != "Gather") {
      const NodeId made = edit.insert_before(id, std::move(cast));
      const ValueId out = edit.new_value(name + "_float32");
      edit.produce(made, 0, out);
      edit.set_input(id, input, out);
      return true;
    }
    Node rows = graph.node(id);
    rows.inputs[input] = stored;
    rows.outputs.clear();
    const NodeId made = edit.insert_before(id, std::move(rows));
    const ValueId picked = edit.new_value(name + "_rows");
    edit.produce(made, 0, picked);
    cast.inputs = {picked};
    edit.replace_node(id, std::move(cast));
    return true;
  }

private:
  size_t bits() const { return dtype_bits(site_.type); }
  int64_t rows() const { return static_cast<int64_t>(site_.rows); }
  int64_t blocks() const { return static_cast<int64_t>(site_.blocks.count()); }
  Shape params_shape() const { return {rows(), blocks()}; }
  Shape blobs_shape() const {
    return {rows(), blocks(), static_cast<int64_t>(site_.blocks.block * bits() / 8)};
  }

  bool all_zero() const {
    return std::all_of(weights_.zeros.begin(), weights_.zeros.end(),
                       [](uint8_t z) { return z == 0; });
  }

  std::vector<uint8_t> unsigned_codes(std::vector<uint8_t> codes) const {
    const auto offset = static_cast<uint8_t>(is_signed(site_.type) ? middle() : 0);
    for (uint8_t& code : codes) code = static_cast<uint8_t>(code + offset);
    return codes;
  }
  uint8_t middle() const { return static_cast<uint8_t>(1 << (bits() - 1)); }

  std::string name(std::string_view suffix) const {
    return graph_.value(weight_).name + std::string(suffix);
  }
  ValueId constant(std::string_view suffix, Tensor tensor) {
    return edit_.new_constant(name(suffix), std::move(tensor));
  }

  // Rows filled up to whole blocks.
  Tensor packed_blocks() const {
    const size_t columns = site_.blocks.columns();
    const size_t padded = site_.blocks.count() * site_.blocks.block;
    const std::vector<uint8_t> codes = unsigned_codes(weights_.codes);
    return in_bytes(padded_rows(codes, columns, padded), blobs_shape());
  }

  std::vector<uint8_t> padded_rows(std::span<const uint8_t> values, size_t columns,
                                   size_t padded) const {
    std::vector<uint8_t> out(site_.rows * padded);
    for (size_t r = 0; r < site_.rows; ++r)
      std::copy_n(values.begin() + static_cast<ptrdiff_t>(r * columns), columns,
                  out.begin() + static_cast<ptrdiff_t>(r * padded));
    return out;
  }

  Tensor in_bytes(std::span<const uint8_t> codes, Shape shape) const {
    const DType type = bits() == 4 ? DType::UInt4 : DType::UInt8;
    const Tensor stored = tensor_of_codes(codes, type, {static_cast<int64_t>(codes.size())});
    return Tensor(DType::UInt8, std::move(shape), stored.data());
  }

  // An invalid id when they are in the middle, which is the default.
  ValueId zeros_of_blobs() {
    const std::vector<uint8_t> zeros = unsigned_codes(weights_.zeros);
    if (std::all_of(zeros.begin(), zeros.end(), [&](uint8_t z) { return z == middle(); }))
      return {};
    const size_t count = site_.blocks.count(), per_byte = 8 / bits();
    const size_t padded = (count + per_byte - 1) / per_byte * per_byte;
    return constant("_zero_point", in_bytes(padded_rows(zeros, count, padded),
                                            {rows(), static_cast<int64_t>(padded / per_byte)}));
  }

  // With the factor of a Gemm.
  std::vector<float> scales() const {
    std::vector<float> out = weights_.scales;
    const float alpha = node_.op_type == "Gemm" ? node_.attributes.get_float("alpha", 1) : 1;
    for (float& scale : out) scale *= alpha;
    return out;
  }

  // The addition of a Gemm follows its product.
  void add_bias(Node product) {
    const ValueId bias = node_.input(2);
    if (!bias) {
      edit_.replace_node(site_.node, std::move(product));
      return;
    }
    product.name = node_.name + "_product";
    const NodeId made = edit_.insert_before(site_.node, std::move(product));
    const ValueId out = edit_.new_value(graph_.value(node_.outputs[0]).name + "_product");
    edit_.produce(made, 0, out);
    edit_.replace_node(site_.node, {.op_type = "Add", .inputs = {out, bias}});
  }

  // Lets the operator read what `made` yields.
  void feed(Node made) {
    const NodeId id = edit_.insert_before(site_.node, std::move(made));
    const ValueId out = edit_.new_value(name("_dequantized"));
    edit_.produce(id, 0, out);
    edit_.set_input(site_.node, input_, out);
  }

  const WeightSite& site_;
  const BlockWeights& weights_;
  Graph& graph_;
  const Node node_; // a copy: inserting nodes moves the graph's own
  const size_t input_;
  const ValueId weight_;
  GraphEdit edit_;
};
} // namespace

size_t weight_input(const Node& node) {
  return node.op_type == "Gather" ? 0 : 1;
}

ValueId WeightSite::weight() const {
  const Node& reader = scope->graph->node(node);
  return reader.input(weight_input(reader));
}

bool has_weights(std::string_view op_type, DType type) {
  if (op_type == "MatMul" || op_type == "Gemm" || op_type == "Conv" || op_type == "Gather")
    return true;
  return type == DType::Float16 &&
         (op_type == "ConvTranspose" || op_type == "LSTM" || op_type == "GRU" || op_type == "RNN");
}

std::string resolve_layout(const Node& node, const Shape& w, WeightSite& site) {
  if (node.op_type == "Conv") return resolve_conv(w, node.attributes.get_int("group", 1), site);
  if (node.op_type == "Gemm") return resolve_gemm(node, w, site);
  if (node.op_type == "MatMul") return resolve_matrix(w, false, site);
  if (node.attributes.get_int("axis", 0) != 0) return "it does not pick rows";
  if (w.rank() == 2 && w[1] % 2 != 0) return "its rows do not fill whole bytes";
  return resolve_matrix(w, true, site);
}

std::string resolve_site(const QuantizeConfig& config, WeightSite& site) {
  const Node& node = site.scope->graph->node(site.node);
  if (const std::string reason = exclusion(node, config); !reason.empty()) return reason;
  const Tensor* w = site.scope->constant(site.weight());
  if (!is_float(w)) return "its weights are not a float32 constant";
  if (w->elements() == 0) return "its weights are empty";
  if (config.weights.type == DType::Float16) return {};
  site.type = config.weights.type;
  site.blocks.block = config.weights.block_size;
  if (std::string reason = resolve_layout(node, w->shape(), site); !reason.empty()) return reason;
  const bool padded = config.format == QuantFormat::Operator && node.op_type != "Conv";
  if (stored_bytes(site, padded) >= w->size_bytes()) return "its weights would not become smaller";
  return {};
}

bool write_site(const WeightSite& site, const QuantizeConfig& config, const BlockWeights& weights) {
  SiteWriter writer(site, weights);
  const std::string& op_type = site.scope->graph->node(site.node).op_type;
  const bool own_operator = config.format == QuantFormat::Operator && op_type != "Conv";
  if (!own_operator)
    writer.write_dequantize();
  else if (op_type == "Gather")
    writer.write_gather();
  else
    writer.write_matmul();
  return own_operator;
}

bool write_float16(GraphScope& scope, NodeId id) {
  const Node node = scope.graph->node(id);
  const bool recurrent = node.op_type == "LSTM" || node.op_type == "GRU" || node.op_type == "RNN";
  const size_t first = weight_input(node);
  for (size_t input = first; input < first + (recurrent ? 2 : 1); ++input) {
    if (is_float(scope.constant(node.input(input))) && !SiteWriter::write_half(scope, id, input))
      return false;
  }
  return true;
}

} // namespace octet

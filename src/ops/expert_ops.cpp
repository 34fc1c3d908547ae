// Mixtures of experts (com.microsoft MoE and QMoE): a token goes through the k experts that its
// router prefers, and what they yield is summed up by weights.
//
// An expert is two products, y = fc2 · f(fc1 · x + bias1) + bias2, whose weights are [experts,
// inner, hidden] and [experts, hidden, inner]; with SwiGLU fc1 has two rows for each inner element,
// gate and value in turn. QMoE's weights are codes of 2, 4 or 8 bits in bytes, with a scale and a
// zero point for every row or for blocks of `block_size` of its columns. What is computed is what
// onnxruntime's CPU kernels compute.
// https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/gemm_f32/gemm_f32.h"
#include "ops/numbers.h"

namespace octet {
namespace {
struct Activation {
  std::string kind;
  float alpha, beta, limit;

  explicit Activation(const NodeContext& ctx)
      : kind(ctx.attributes().get_string("activation_type", "relu")),
        alpha(ctx.attributes().get_float("activation_alpha", 1)),
        beta(ctx.attributes().get_float("activation_beta", 0)),
        limit(ctx.attributes().get_float("swiglu_limit", std::numeric_limits<float>::infinity())) {
    constexpr std::string_view kKinds[] = {"relu", "gelu", "silu", "identity", "swiglu"};
    if (std::find(std::begin(kKinds), std::end(kKinds), kind) == std::end(kKinds))
      ctx.fail("activation_type '", kind, "' is not known");
    if (is_gated() && ctx.attributes().get_int("swiglu_fusion", 0) != 1)
      ctx.unsupported("swiglu whose swiglu_fusion is not 1");
  }

  bool is_gated() const { return kind == "swiglu"; }
  // Rows of fc1 for each inner element.
  size_t rows() const { return is_gated() ? 2 : 1; }

  float of(float x) const {
    if (kind == "relu") return std::max(x, 0.0f);
    if (kind == "gelu")
      return 0.5f * x * (1 + std::tanh(0.7978845608f * (x + 0.044715f * x * x * x)));
    return kind == "silu" ? x / (1 + std::exp(-x)) : x;
  }
  float gated(float gate, float value) const {
    gate = std::min(gate, limit);
    value = std::clamp(value, -limit, limit);
    return gate / (1 + std::exp(-alpha * gate)) * (value + beta);
  }
  // n inner elements of a row, in place.
  void apply(float* row, size_t n) const {
    for (size_t i = 0; i < n; ++i)
      row[i] = is_gated() ? gated(row[2 * i], row[2 * i + 1]) : of(row[i]);
  }
};

void check_shape(const NodeContext& ctx, size_t input, const Shape& expected) {
  if (ctx.has_input(input) && ctx.shape(input) != expected)
    ctx.fail("input ", input, " of shape ", to_string(ctx.shape(input)), ", not ",
             to_string(expected));
}

size_t weight_bits(const NodeContext& ctx) {
  const int64_t bits = ctx.attributes().get_int("expert_weight_bits", 4);
  if (bits != 2 && bits != 4 && bits != 8) ctx.fail("expert_weight_bits is ", bits);
  return static_cast<size_t>(bits);
}

// Where a node has the operands of one of the products; 0 stands for none.
struct Operands {
  size_t weights, scales, bias, zeros;
};

// Weights of the experts for one product, [experts, rows, columns].
class Product {
public:
  Product(const NodeContext& ctx, const Operands& at, size_t experts, size_t rows, size_t columns)
      : rows_(rows), columns_(columns), packed_(kernels::packed_f32_elements(rows, 1, columns)) {
    const auto e = static_cast<int64_t>(experts), r = static_cast<int64_t>(rows),
               c = static_cast<int64_t>(columns);
    if (at.bias && ctx.has_input(at.bias)) {
      check_shape(ctx, at.bias, {e, r});
      bias_ = floats(ctx, at.bias);
    }
    if (!at.scales) {
      check_shape(ctx, at.weights, {e, r, c});
      reals_ = floats(ctx, at.weights);
      return;
    }
    read_layout(ctx);
    const auto groups = static_cast<int64_t>(groups_);
    check_shape(ctx, at.weights, {e, r, packed(c)});
    if (block_ == 0)
      check_shape(ctx, at.scales, {e, r});
    else
      check_shape(ctx, at.scales, {e, r, groups});
    if (ctx.dtype(at.weights) != DType::UInt8) ctx.unsupported("weights that are not uint8");
    codes_ = ctx.value(at.weights).values<uint8_t>();
    scales_ = floats(ctx, at.scales);
    if (!ctx.has_input(at.zeros)) return;
    if (block_ == 0)
      check_shape(ctx, at.zeros, {e, packed(r)});
    else
      check_shape(ctx, at.zeros, {e, r, packed(groups)});
    if (ctx.dtype(at.zeros) != DType::UInt8) ctx.unsupported("zero points that are not uint8");
    zeros_ = ctx.value(at.zeros).values<uint8_t>();
  }

  // out [count, rows] = x [count, columns] · weightsᵀ + bias, of one expert.
  void run(size_t expert, const float* x, size_t count, float* out) {
    const size_t size = rows_ * columns_;
    const float* weights = reals_.data() + (codes_.empty() ? expert * size : 0);
    if (!codes_.empty()) {
      real_.resize(size);
      decode(expert);
      weights = real_.data();
    }
    kernels::pack_f32({.data = weights,
                       .n = rows_,
                       .k = columns_,
                       .n_stride = static_cast<ptrdiff_t>(columns_),
                       .k_stride = 1},
                      packed_.data());
    kernels::gemm_f32({.m = count,
                       .n = rows_,
                       .k = columns_,
                       .a = x,
                       .a_stride = columns_,
                       .b = packed_.data(),
                       .c = out,
                       .c_stride = rows_},
                      0, count);
    for (size_t i = 0; i < count * rows_ && !bias_.empty(); ++i)
      out[i] += bias_[expert * rows_ + i % rows_];
  }

private:
  static std::span<const float> floats(const NodeContext& ctx, size_t input) {
    if (ctx.dtype(input) != DType::Float32)
      ctx.unsupported("input ", input, " of type ", dtype_name(ctx.dtype(input)));
    return ctx.value(input).values<float>();
  }

  void read_layout(const NodeContext& ctx) {
    if (const std::string type = ctx.attributes().get_string("quant_type", "int"); type != "int")
      ctx.unsupported("quant_type '", type, "'");
    const int64_t block = ctx.attributes().get_int("block_size", 0);
    if (block < 0 || block > INT32_MAX) ctx.fail("block_size is ", block);
    bits_ = weight_bits(ctx);
    block_ = static_cast<size_t>(block);
    groups_ = block_ == 0 ? 1 : (columns_ + block_ - 1) / block_;
  }

  int64_t packed(int64_t codes) const {
    const auto each = static_cast<int64_t>(8 / bits_);
    return (codes + each - 1) / each;
  }
  // Code i of a row of packed ones.
  uint8_t code(const uint8_t* row, size_t i) const {
    const size_t each = 8 / bits_;
    return static_cast<uint8_t>((row[i / each] >> (i % each * bits_)) & ((1u << bits_) - 1));
  }
  uint8_t zero(size_t expert, size_t row, size_t group) const {
    if (zeros_.empty()) return static_cast<uint8_t>(1u << (bits_ - 1));
    const size_t each = 8 / bits_;
    if (block_ == 0) return code(zeros_.data() + expert * ((rows_ + each - 1) / each), row);
    return code(zeros_.data() + (expert * rows_ + row) * ((groups_ + each - 1) / each), group);
  }

  void decode(size_t expert) {
    const size_t each = 8 / bits_, row_bytes = (columns_ + each - 1) / each;
    for (size_t r = 0; r < rows_; ++r) {
      const size_t row = expert * rows_ + r;
      const uint8_t* codes = codes_.data() + row * row_bytes;
      for (size_t c = 0; c < columns_; ++c) {
        const size_t group = block_ == 0 ? 0 : c / block_;
        real_[r * columns_ + c] =
            scales_[row * groups_ + group] *
            static_cast<float>(int{code(codes, c)} - int{zero(expert, r, group)});
      }
    }
  }

  size_t rows_, columns_;
  std::span<const float> reals_, bias_, scales_;
  std::span<const uint8_t> codes_, zeros_;
  size_t bits_ = 8, block_ = 0, groups_ = 1;
  std::vector<float> packed_, real_; // of the expert at work
};

// A token on its way through an expert, and the weight of what comes out.
struct Route {
  size_t token;
  float weight;
};

// The experts' routes. `weights`: an operand that holds the weights of the chosen ones, or 0, where
// they are the softmax of the scores they were chosen by: of all of them, or of those chosen where
// weights are normalized.
std::vector<std::vector<Route>> choose_experts(const NodeContext& ctx, size_t experts,
                                               size_t weights, bool normalizes) {
  const int64_t k = ctx.attributes().get_int("k", 1);
  if (k < 1 || static_cast<uint64_t>(k) > experts) ctx.fail("k is ", k, " of ", experts);
  const auto scores = ctx.value(1).values<float>();
  std::vector<std::vector<Route>> routes(experts);
  std::vector<float> row(experts);
  for (size_t token = 0, tokens = dim(ctx.shape(1), 0); token < tokens; ++token) {
    const float* score = scores.data() + token * experts;
    if (weights) {
      const auto given = ctx.value(weights).values<float>();
      std::copy_n(given.data() + token * experts, experts, row.data());
    } else {
      const float largest = *std::max_element(score, score + experts);
      float sum = 0;
      for (size_t e = 0; e < experts; ++e) sum += row[e] = std::exp(score[e] - largest);
      for (float& weight : row) weight /= sum;
    }
    std::vector<size_t> chosen;
    for (int64_t i = 0; i < k; ++i) {
      size_t best = experts;
      for (size_t e = 0; e < experts; ++e)
        if (std::find(chosen.begin(), chosen.end(), e) == chosen.end() &&
            (best == experts || score[e] >= score[best]))
          best = e;
      chosen.push_back(best);
    }
    float total = 0;
    for (const size_t e : chosen) total += row[e];
    for (const size_t e : chosen)
      routes[e].push_back({token, normalizes ? row[e] / total : row[e]});
  }
  return routes;
}

void infer_experts(InferContext& ctx) {
  if (const size_t rank = ctx.shape(0).rank(); rank != 2 && rank != 3)
    ctx.fail("tokens of shape ", to_string(ctx.shape(0)));
  ctx.set_output(0, ctx.dtype(0), ctx.shape(0));
}

// What MoE and QMoE differ in.
struct Form {
  Operands first, second;
  std::span<const size_t> refused;
  size_t router_weights;
  bool normalizes; // whatever the attribute says
};

std::vector<Tensor> mix(const NodeContext& ctx, const Form& form) {
  for (const size_t input : form.refused)
    if (ctx.has_input(input)) ctx.unsupported("a third product (input ", input, ")");
  const Shape &x = ctx.shape(0), &down = ctx.shape(form.second.weights);
  if (down.rank() != 3 || ctx.shape(1).rank() != 2)
    ctx.fail("weights of shape ", to_string(down), ", scores of ", to_string(ctx.shape(1)));
  const size_t experts = dim(ctx.shape(1), 1), hidden = dim(x, x.rank() - 1);
  const size_t tokens = x.elements(0, x.rank() - 1);
  const Shape scores{static_cast<int64_t>(tokens), static_cast<int64_t>(experts)};
  check_shape(ctx, 1, scores);
  const size_t weights = ctx.has_input(form.router_weights) ? form.router_weights : 0;
  if (weights) check_shape(ctx, weights, scores);
  for (const size_t input : {size_t{0}, size_t{1}, weights})
    if (ctx.dtype(input) != DType::Float32) ctx.unsupported("tokens that are not float32");

  const Activation activation(ctx);
  const size_t packed = form.first.scales ? 8 / weight_bits(ctx) : 1;
  const size_t inner = checked_mul(dim(down, 2), packed);
  const size_t up = checked_mul(inner, activation.rows());
  Product first(ctx, form.first, experts, up, hidden);
  Product second(ctx, form.second, experts, hidden, inner);
  const bool normalizes = (form.normalizes && !weights) ||
                          ctx.attributes().get_int("normalize_routing_weights", 0) != 0;
  const auto routes = choose_experts(ctx, experts, weights, normalizes);

  const auto in = ctx.value(0).values<float>();
  std::vector<float> out(in.size()), gathered, between, results;
  for (size_t expert = 0; expert < experts; ++expert) {
    const size_t count = routes[expert].size();
    if (count == 0) continue;
    check_room(ctx, DType::Float32, {static_cast<int64_t>(count), static_cast<int64_t>(up)});
    gathered.clear();
    for (const Route& route : routes[expert])
      gathered.insert(gathered.end(), in.data() + route.token * hidden,
                      in.data() + (route.token + 1) * hidden);
    between.resize(count * up);
    first.run(expert, gathered.data(), count, between.data());
    for (size_t i = 0; i < count; ++i) {
      activation.apply(between.data() + i * up, inner);
      std::copy_n(between.data() + i * up, inner, between.data() + i * inner);
    }
    results.resize(count * hidden);
    second.run(expert, between.data(), count, results.data());
    for (size_t i = 0; i < count; ++i)
      for (size_t c = 0; c < hidden; ++c)
        out[routes[expert][i].token * hidden + c] +=
            routes[expert][i].weight * results[i * hidden + c];
  }
  return {Tensor::of<float>(x, out)};
}

std::vector<Tensor> moe(const NodeContext& ctx) {
  constexpr size_t kThird[] = {6, 7};
  return mix(ctx, {.first = {.weights = 2, .scales = 0, .bias = 3, .zeros = 0},
                   .second = {.weights = 4, .scales = 0, .bias = 5, .zeros = 0},
                   .refused = kThird,
                   .router_weights = SIZE_MAX,
                   .normalizes = false});
}

std::vector<Tensor> qmoe(const NodeContext& ctx) {
  constexpr size_t kThird[] = {8, 9, 10, 13};
  return mix(ctx, {.first = {.weights = 2, .scales = 3, .bias = 4, .zeros = 11},
                   .second = {.weights = 5, .scales = 6, .bias = 7, .zeros = 12},
                   .refused = kThird,
                   .router_weights = 14,
                   .normalizes = true});
}
} // namespace

extern const OpDef op_moe{.infer = infer_experts, .compute = moe, .float32 = true};
extern const OpDef op_qmoe{.infer = infer_experts, .compute = qmoe, .float32 = true};

} // namespace octet

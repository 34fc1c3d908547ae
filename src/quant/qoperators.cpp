#include "quant/qoperators.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "graph/edit.h"
#include "passes/code_forms.h"
#include "passes/match.h"
#include "quant/weights.h"

namespace octet {
namespace {
constexpr std::string_view kMicrosoft = "com.microsoft";

// An operator on codes, for an operator of ai.onnx. A quantized operand is three inputs: codes,
// scale, zero point.
// https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
struct QLinearForm {
  std::string_view float_op, domain, op_type;
  size_t first;     // of the operands' inputs, which follow one another
  size_t operands;  // 0: all inputs of the float operator
  size_t result;    // scale of the result; its zero point follows
  size_t plain = 0; // inputs of the float operator, before the operands, that stay as they are
  size_t bias = 0;  // int32, of scale a_scale · b_scale; 0: it has none
};

constexpr QLinearForm kForms[] = {
    // clang-format off
    // stands for         domain, name                   first operands result plain bias
    {"Conv",              "",         "QLinearConv",              0, 2, 6, 0, 8},
    {"MatMul",            "",         "QLinearMatMul",            0, 2, 6},
    {"Gemm",              kMicrosoft, "QGemm",                    0, 2, 7, 0, 6},
    {"Add",               kMicrosoft, "QLinearAdd",               0, 2, 6},
    {"Mul",               kMicrosoft, "QLinearMul",               0, 2, 6},
    {"Concat",            kMicrosoft, "QLinearConcat",            2, 0, 0},
    {"Where",             kMicrosoft, "QLinearWhere",             1, 2, 7, 1},
    {"Sigmoid",           kMicrosoft, "QLinearSigmoid",           0, 1, 3},
    {"LeakyRelu",         kMicrosoft, "QLinearLeakyRelu",         0, 1, 3},
    {"Softmax",           kMicrosoft, "QLinearSoftmax",           0, 1, 3},
    {"AveragePool",       kMicrosoft, "QLinearAveragePool",       0, 1, 3},
    {"GlobalAveragePool", kMicrosoft, "QLinearGlobalAveragePool", 0, 1, 3},
    // clang-format on
};

// Null where there is none.
const QLinearForm* form_of(const Node& node) {
  if (!node.domain.empty()) return nullptr;
  for (const QLinearForm& form : kForms)
    if (form.float_op == node.op_type) return &form;
  return nullptr;
}

bool is_product(const Node& node) {
  return is_op(node, "Conv") || is_op(node, "MatMul") || is_op(node, "Gemm");
}

class OperatorWriter {
public:
  explicit OperatorWriter(Graph& graph) : graph_(graph), uses_(graph), edit_(graph) {}

  bool run() {
    for (NodeId id : std::vector<NodeId>(graph_.nodes())) {
      if (is_op(graph_.node(id), "QuantizeLinear"))
        fold(id);
      else if (is_op(graph_.node(id), "Gemm") && !quantized_behind(graph_.node(id).outputs[0]))
        yield_reals(id);
    }
    edit_.remove_dead();
    return contrib_used_;
  }

private:
  // What lies between an operator and the rounding of its result: y = clamp(x, low, high).
  struct Tail {
    const Node* maker;
    ClipBounds bounds{-std::numeric_limits<float>::infinity(),
                      std::numeric_limits<float>::infinity()};
  };

  std::optional<ClipBounds> bounds_of(const Node& node) const {
    if (is_op(node, "Relu")) return ClipBounds{0, std::numeric_limits<float>::infinity()};
    return is_op(node, "Clip") ? clip_bounds(graph_, node) : std::nullopt;
  }

  // The operator that a value comes from, through Relu and Clip that nobody else reads; its maker
  // is null when others read what it makes.
  Tail tail_of(ValueId value) const {
    Tail tail{.maker = nullptr};
    for (;;) {
      const NodeId id = graph_.value(value).producer;
      if (!id || !uses_.only_reader(value)) return tail;
      const Node& node = graph_.node(id);
      const auto bounds = bounds_of(node);
      if (!bounds) {
        tail.maker = &node;
        return tail;
      }
      tail.bounds = {std::clamp(bounds->low, tail.bounds.low, tail.bounds.high),
                     std::clamp(bounds->high, tail.bounds.low, tail.bounds.high)};
      value = node.inputs[0];
    }
  }

  bool quantized_behind(ValueId value) const {
    const auto readers = uses_.of(value);
    return std::any_of(readers.begin(), readers.end(), [&](NodeId id) {
      const Node& node = graph_.node(id);
      return is_op(node, "QuantizeLinear") ||
             (bounds_of(node) && quantized_behind(node.outputs[0]));
    });
  }

  void fold(NodeId id) {
    const Node quantize = graph_.node(id);
    const auto params = code_params(graph_, quantize, DType::UInt8);
    const Tail tail = tail_of(quantize.inputs[0]);
    if (!params || !tail.maker) return;
    auto made = moves_elements(*tail.maker) ? moving(*tail.maker, *params) : std::optional<Node>();
    if (!made) made = on_codes(*tail.maker, params->type);
    if (!made) return;
    if (const QLinearForm* form = form_of(*tail.maker); form && made->op_type == form->op_type) {
      put(*made, form->result, quantize.inputs[1]);
      put(*made, form->result + 1, quantize.inputs[2]);
    }
    write(id, std::move(*made), tail.bounds, *params);
  }

  static void put(Node& node, size_t input, ValueId value) {
    if (node.inputs.size() <= input) node.inputs.resize(input + 1);
    node.inputs[input] = value;
  }

  // Codes that a Relu or Clip leaves out are left out by saturation, or by a Clip of codes.
  void write(NodeId id, Node made, ClipBounds bounds, const CodeParams& params) {
    contrib_used_ |= !made.domain.empty();
    const int32_t low = params.code(bounds.low), high = params.code(bounds.high);
    if (low == params.low() && high == params.high()) {
      edit_.replace_node(id, std::move(made));
      return;
    }
    made.outputs.clear();
    const std::string name = graph_.value(graph_.node(id).outputs[0]).name;
    const NodeId node = edit_.insert_before(id, std::move(made));
    const ValueId codes = edit_.new_value(name);
    edit_.produce(node, 0, codes);
    const auto bound = [&](std::string_view suffix, int32_t code) {
      return edit_.new_constant(name + std::string(suffix),
                                scalar_code(code + params.zero_point, params.type));
    };
    edit_.replace_node(id, {.name = name + "_clip",
                            .op_type = "Clip",
                            .inputs = {codes, bound("_min", low), bound("_max", high)}});
  }

  // The same operator on codes, where they stand for the same before and after it.
  std::optional<Node> moving(const Node& node, const CodeParams& params) const {
    Node made = node;
    for (size_t i = 0; i < moved_inputs(node); ++i) {
      const Node* dequantize = producer(graph_, node.inputs[i], "DequantizeLinear");
      const auto before = dequantize ? code_params(graph_, *dequantize, params.type) : std::nullopt;
      if (!before || before->scale != params.scale || !before->same_bytes(params))
        return std::nullopt;
      made.inputs[i] = dequantize->inputs[0];
    }
    return made;
  }

  // The operator on codes, its result's parameters still to be put in.
  std::optional<Node> on_codes(const Node& node, DType type) {
    const QLinearForm* form = form_of(node);
    if (!form || !fits(node)) return std::nullopt;
    Node made{.name = node.name,
              .op_type = std::string(form->op_type),
              .domain = std::string(form->domain),
              .attributes = node.attributes};
    for (size_t i = 0; i < form->plain; ++i) put(made, i, node.inputs[i]);
    const size_t count = form->operands != 0 ? form->operands : node.inputs.size();
    for (size_t i = 0; i < count; ++i) {
      const auto operand = quantized(node.inputs[form->plain + i], type);
      if (!operand) return std::nullopt;
      for (size_t k = 0; k < 3; ++k) put(made, form->first + 3 * i + k, (*operand)[k]);
    }
    if (form->bias != 0 && node.input(2)) {
      const Node* bias = producer(graph_, node.inputs[2], "DequantizeLinear");
      if (!bias) return std::nullopt;
      put(made, form->bias, bias->inputs[0]);
    }
    if (node.op_type == "Softmax") made.attributes.set("opset", graph_.model.opset(""));
    made.attributes.erase("beta");
    return made;
  }

  // Codes, scale and zero point: of a DequantizeLinear, or of a constant number.
  std::optional<std::array<ValueId, 3>> quantized(ValueId value, DType type) {
    const Node* node = producer(graph_, value, "DequantizeLinear");
    if (node && node->inputs.size() == 3)
      return std::array{node->inputs[0], node->inputs[1], node->inputs[2]};
    const auto number = scalar_constant(graph_, value);
    return number ? std::optional(exact_code(value, *number, type)) : std::nullopt;
  }

  // A number as scale · (code − zero point) without loss.
  std::array<ValueId, 3> exact_code(ValueId value, float number, DType type) {
    const Shape& shape = graph_.constant(value)->shape();
    const std::string name = graph_.value(value).name;
    const float scale = number == 0 ? 1 : std::abs(number);
    return {edit_.new_constant(name + "_quantized",
                               scalar_code(number > 0 ? 1 : 0, type).reshaped(shape)),
            edit_.new_constant(name + "_scale", Tensor::scalar<float>(scale)),
            edit_.new_constant(name + "_zero_point", scalar_code(number < 0 ? 1 : 0, type))};
  }

  // Whether onnxruntime has a kernel for these operands and attributes.
  bool fits(const Node& node) const {
    if (node.op_type == "AveragePool" && node.attributes.has("dilations")) return false;
    if (!is_product(node)) return true;
    if (node.attributes.get_float("alpha", 1) != 1 || node.attributes.get_float("beta", 1) != 1)
      return false;
    const Node* a = producer(graph_, node.inputs[0], "DequantizeLinear");
    const Node* b = producer(graph_, node.inputs[1], "DequantizeLinear");
    if (!a || !b || a->inputs.size() < 3 || b->inputs.size() < 3) return false;
    const Tensor *a_zero = graph_.constant(a->inputs[2]), *b_zero = graph_.constant(b->inputs[2]);
    if (!a_zero || !b_zero) return false;
    if (a_zero->dtype() == DType::Int8 && b_zero->dtype() != DType::Int8) return false;
    const auto* zeros = static_cast<const uint8_t*>(b_zero->bytes());
    return std::all_of(zeros, zeros + b_zero->elements(), [&](uint8_t z) { return z == *zeros; });
  }

  // QGemm without parameters of the result.
  void yield_reals(NodeId id) {
    auto made = on_codes(graph_.node(id), DType::UInt8);
    if (!made) return;
    contrib_used_ = true;
    edit_.replace_node(id, std::move(*made));
  }

  Graph& graph_;
  const Uses uses_;
  GraphEdit edit_;
  bool contrib_used_ = false;
};
} // namespace

bool write_qoperators(Graph& graph) {
  return OperatorWriter(graph).run();
}

} // namespace octet

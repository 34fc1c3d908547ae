#include "passes/chain_codes.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "graph/edit.h"
#include "ops/evaluate.h"
#include "ops/integer_codes.h"
#include "ops/registry.h"
#include "passes/code_epilogue.h"
#include "passes/match.h"

namespace octet {
namespace {
// Bytes that a QuantizeLinear yielded, as codes; invalid where products yield bytes. When the codes
// came from a table: of what, and the table.
struct Coded {
  ValueId codes;
  CodeParams params;
  CodeForm root;
  std::vector<int64_t> table;
};

class CodeChainer {
public:
  CodeChainer(Graph& graph, GraphFacts& facts)
      : graph_(graph), facts_(facts), uses_(graph), edit_(graph) {}

  void run() {
    for (NodeId id : std::vector<NodeId>(graph_.nodes())) visit(id);
    edit_.remove_dead();
  }

private:
  void visit(NodeId id) {
    const Node& node = graph_.node(id);
    if (is_op(node, "QuantizeLinear"))
      quantize(id);
    else if (is_op(node, "DequantizeLinear"))
      dequantize(id);
    else if (is_product(node))
      read_codes(id);
    else if (is_op(node, "Compare", kLoweredDomain))
      compare_codes(id);
    else if (!move(id))
      note_function(id);
  }

  // As fold_qdq makes them of activations of 8 bits.
  bool is_product(const Node& node) const {
    const bool named = is_op(node, "ConvIntegerToFloat", kLoweredDomain) ||
                       is_op(node, "MatMulIntegerToFloat", kLoweredDomain);
    return named && node.inputs.size() == 7 && graph_.constant(node.inputs[1]) &&
           !node.attributes.has("wide");
  }

  // --- new nodes and values

  // A value like `like`, but of codes.
  ValueId new_codes(ValueId like) {
    const ValueId made = edit_.new_value(graph_.value(like).name + "_codes");
    if (facts_.covers(like))
      facts_.add(made, {.dtype = DType::Int16, .shape = facts_[like].shape, .value = {}});
    return made;
  }

  ValueId insert(NodeId before, Node node, ValueId like) {
    node.outputs.clear();
    const ValueId out = new_codes(like);
    edit_.produce(edit_.insert_before(before, std::move(node)), 0, out);
    return out;
  }

  Node lowered_node(ValueId named_after, std::string_view op_type, std::vector<ValueId> inputs) {
    return {.name = graph_.value(named_after).name,
            .op_type = std::string(op_type),
            .domain = std::string(kLoweredDomain),
            .inputs = std::move(inputs)};
  }

  // The codes of a form, made from its bytes when they are not there yet.
  ValueId codes(const CodeForm& form, NodeId before) {
    if (form.codes) return form.codes;
    ValueId& made = shifted_[{form.bytes.index, form.params.zero_point}];
    if (made) return made;
    if (const Tensor* constant = graph_.constant(form.bytes)) {
      const Tensor centred = centred_codes(*constant, form.params);
      made = edit_.new_constant(graph_.value(form.bytes).name, centred);
      facts_.add(made, {.dtype = DType::Int16, .shape = centred.shape(), .value = centred});
      return made;
    }
    Node shift = lowered_node(form.bytes, "Shift", {form.bytes});
    shift.attributes.set("zero_point", int64_t{form.params.zero_point});
    return made = insert(before, std::move(shift), form.bytes);
  }

  ValueId look_up(const CodeForm& root, std::vector<int64_t> table, ValueId like, NodeId before) {
    Node node = lowered_node(like, "Lookup", {codes(root, before)});
    node.attributes.set("table", std::move(table));
    node.attributes.set("first", int64_t{root.params.low()});
    return insert(before, std::move(node), like);
  }

  // --- between bytes, codes and real numbers

  void quantize(NodeId id) {
    const Node node = graph_.node(id);
    const auto declared = dtype_from_onnx(node.attributes.get_int("output_dtype", 0));
    const bool undeclared = declared.value_or(DType::Undefined) == DType::Undefined;
    const auto params = code_params(graph_, node, undeclared ? DType::UInt8 : *declared);
    if (!params) return;
    const ValueId x = node.inputs[0], bytes = node.outputs[0];
    const bool needs_bytes = multiplied_as_bytes(bytes);
    Coded coded{.codes = {}, .params = *params};
    find_codes(x, coded, id);
    if (!coded.codes) {
      if (needs_bytes && only_quantized(x, *params) && yield_bytes(id, *params)) return;
      compute_codes(x, coded, id);
    }
    if (!coded.codes) {
      if (needs_bytes || !read_as_codes(bytes)) return;
      Node made = lowered_node(x, "Quantize", {x});
      made.attributes.set("scale", params->scale);
      CodeEpilogue{.maker = {}, .low = params->low(), .high = params->high()}.write_to(made);
      coded.codes = insert(id, std::move(made), x);
    }
    Node shift = lowered_node(bytes, "Shift", {coded.codes});
    shift.attributes.set("zero_point", int64_t{params->zero_point});
    shift.attributes.set("to", onnx_type(*params));
    edit_.replace_node(id, std::move(shift));
    coded_[bytes] = std::move(coded);
  }

  bool multiplied_as_bytes(ValueId bytes) const {
    const auto readers = uses_.of(bytes);
    return std::any_of(readers.begin(), readers.end(), [&](NodeId reader) {
      const Node& node = graph_.node(reader);
      return is_product(node) && reads_codes(node, *graph_.constant(node.inputs[1]));
    });
  }

  // Whether codes serve all readers of quantized bytes.
  bool read_as_codes(ValueId bytes) const {
    const auto readers = uses_.of(bytes);
    return graph_.value(bytes).uses == readers.size() &&
           std::all_of(readers.begin(), readers.end(), [&](NodeId reader) {
             const Node& node = graph_.node(reader);
             return (is_op(node, "DequantizeLinear") || is_product(node)) &&
                    node.inputs[0] == bytes;
           });
  }

  // The codes of a float value under `coded.params`, if they need no rounding of real numbers at a
  // run.
  void find_codes(ValueId x, Coded& coded, NodeId before) {
    if (const auto form = forms_.find(x);
        form != forms_.end() && form->second.params.same_codes(coded.params)) {
      coded.codes = codes(form->second, before);
    } else if (const auto function = functions_.find(x); function != functions_.end()) {
      coded.root = function->second.root;
      coded.table = codes_of(function->second.values, coded.params);
      coded.codes = look_up(coded.root, coded.table, x, before);
      name_function(coded.codes, x, coded.params);
    }
  }

  // Says of a Lookup which function of its codes it is, for fuse_lookup.
  void name_function(ValueId looked_up, ValueId x, const CodeParams& params) {
    const CodeEpilogue epilogue = find_code_epilogue(graph_, facts_, x, params);
    if (epilogue.activation.empty() || !epilogue.maker ||
        !is_op(graph_.node(epilogue.maker), "DequantizeLinear"))
      return;
    Node& lookup = graph_.node(graph_.value(looked_up).producer);
    lookup.attributes.set("y_scale", params.scale);
    epilogue.write_to(lookup);
  }

  void compute_codes(ValueId x, Coded& coded, NodeId before) {
    if (!only_quantized(x, coded.params)) return;
    auto made = compute(x, coded.params, before);
    if (!made) return;
    coded.codes = insert(before, std::move(*made), x);
    forms_[x] = {.codes = coded.codes, .params = coded.params};
  }

  // Puts a product that yields bytes in the place of a QuantizeLinear.
  bool yield_bytes(NodeId id, const CodeParams& params) {
    const Node quantize = graph_.node(id);
    auto made = compute(quantize.inputs[0], params, id);
    if (!made || !made->op_type.ends_with("ToCodes")) return false;
    made->attributes.set("zero_point", int64_t{params.zero_point});
    made->attributes.set("to", onnx_type(params));
    made->outputs.clear();
    edit_.replace_node(id, std::move(*made));
    forms_[quantize.inputs[0]] = {.bytes = quantize.outputs[0], .params = params};
    return true;
  }

  static int64_t onnx_type(const CodeParams& params) { return params.type == DType::UInt8 ? 2 : 3; }

  // Whether nobody reads a value but QuantizeLinear, under one set of parameters.
  bool only_quantized(ValueId x, const CodeParams& params) const {
    const auto readers = uses_.of(x);
    return graph_.value(x).uses == readers.size() &&
           std::all_of(readers.begin(), readers.end(), [&](NodeId reader) {
             const Node& node = graph_.node(reader);
             if (!is_op(node, "QuantizeLinear")) return false;
             const auto other = code_params(graph_, node, params.type);
             return other && other->same_codes(params);
           });
  }

  void dequantize(NodeId id) {
    const Node node = graph_.node(id);
    const ValueId bytes = node.inputs[0], y = node.outputs[0];
    const auto coded = coded_.find(bytes);
    const DType type = coded != coded_.end()  ? coded->second.params.type
                       : facts_.covers(bytes) ? facts_[bytes].dtype
                                              : DType::Undefined;
    const auto params = code_params(graph_, node, type);
    if (!params) return;
    CodeForm form{.bytes = bytes, .codes = {}, .scale = node.inputs[1], .params = *params};
    if (coded == coded_.end() || !coded->second.params.same_bytes(*params)) return note(y, form);
    form.codes = coded->second.codes;
    edit_.replace_node(id, dequantizing(form));
    note(y, form);
    if (coded->second.table.empty()) return;
    CodeFunction& function = functions_[y];
    function = {.root = coded->second.root, .values = {}};
    for (int64_t code : coded->second.table)
      function.values.push_back(static_cast<float>(code) * params->scale);
  }

  static Node dequantizing(const CodeForm& form) {
    return {.op_type = "DequantizeLinear", .inputs = {form.codes, form.scale}};
  }

  void note(ValueId y, const CodeForm& form) {
    forms_[y] = form;
    if (!graph_.constant(form.bytes)) functions_[y] = {form, real_values(form.params)};
  }

  void read_codes(NodeId id) {
    const Node& node = graph_.node(id);
    const auto coded = coded_.find(node.inputs[0]);
    if (coded == coded_.end() || reads_codes(node, *graph_.constant(node.inputs[1]))) return;
    const auto params =
        code_params(graph_, {.inputs = {node.inputs[0], node.inputs[2], node.inputs[4]}},
                    coded->second.params.type);
    if (!params || !params->same_bytes(coded->second.params)) return;
    edit_.set_input(id, 0, coded->second.codes);
    edit_.set_input(id, 4, ValueId());
  }

  void compare_codes(NodeId id) {
    const ValueId reference = graph_.node(id).inputs[0];
    const CodeForm* form = form_of(graph_.node(id).inputs[1]);
    if (!form || !facts_.covers(reference) || facts_[reference].dtype != DType::Float32) return;
    Node& node = graph_.node(id);
    node.attributes.set("scale", form->params.scale);
    if (!form->codes) node.attributes.set("zero_point", int64_t{form->params.zero_point});
    edit_.set_input(id, 1, form->codes ? form->codes : form->bytes);
  }

  // --- what moves elements

  // Whether the node can move codes as it moves real numbers: Pad in zeros.
  bool moves(const Node& node) const {
    if (!is_op(node, "Pad")) return moves_elements(node);
    const ValueId value = node.inputs.size() > 2 ? node.inputs[2] : ValueId();
    return value ? scalar_constant(graph_, value) == 0.0f
                 : node.attributes.get_float("value", 0) == 0;
  }

  bool move(NodeId id) {
    const Node node = graph_.node(id);
    if (!moves(node)) return false;
    const size_t data_inputs = moved_inputs(node);
    const CodeForm* form = nullptr;
    for (size_t i = 0; i < data_inputs; ++i) {
      const CodeForm* next = form_of(node.inputs[i]);
      if (!next || (form && !next->params.same_codes(form->params))) return false;
      form = next;
    }
    Node moving = node;
    moving.outputs.clear();
    for (size_t i = 0; i < data_inputs; ++i) moving.inputs[i] = codes(*form_of(node.inputs[i]), id);
    if (node.op_type == "Pad" && node.inputs.size() > 2) moving.inputs[2] = ValueId();
    replace_by_codes(id, std::move(moving), *form);
    return true;
  }

  // Puts a node that yields codes in the place of one that yields real numbers, which are made
  // from them for whoever reads them.
  void replace_by_codes(NodeId id, Node moving, CodeForm form) {
    const std::vector<ValueId> outputs = graph_.node(id).outputs;
    const NodeId moved = edit_.insert_before(id, std::move(moving));
    edit_.remove_node(id);
    form.bytes = ValueId();
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (!outputs[i]) continue;
      form.codes = new_codes(outputs[i]);
      edit_.produce(moved, i, form.codes);
      edit_.produce(edit_.insert_before(id, dequantizing(form)), 0, outputs[i]);
      note(outputs[i], form);
    }
  }

  const CodeForm* form_of(ValueId id) const {
    const auto found = forms_.find(id);
    return found == forms_.end() ? nullptr : &found->second;
  }

  // --- functions of one code

  // The table of a node whose operands are one function of codes, or several of the same, and
  // single numbers.
  void note_function(NodeId id) {
    const Node& node = graph_.node(id);
    const OpDef* op = find_op(node.domain, node.op_type);
    if (!op || op->layout != LayoutRule::Elementwise || !op->deterministic ||
        !node.domain.empty() || node.outputs.size() != 1)
      return;
    const CodeFunction* operand = nullptr;
    for (ValueId in : node.inputs) {
      if (!in || is_single_number(in, node)) continue;
      const auto found = functions_.find(in);
      if (found == functions_.end() || (operand && !same_root(*operand, found->second))) return;
      operand = &found->second;
    }
    if (operand) evaluate_function(node, operand->root);
  }

  // Whether an operand is a constant that adds no dims to the node's result.
  bool is_single_number(ValueId id, const Node& node) const {
    const Tensor* constant = graph_.constant(id);
    if (!constant || constant->elements() != 1) return false;
    const ValueId out = node.outputs[0];
    const bool known = facts_.covers(out) && facts_[out].shape;
    return constant->shape().rank() == 0 ||
           (known && has_operand_of_shape(node, *facts_[out].shape));
  }

  bool has_operand_of_shape(const Node& node, const Shape& shape) const {
    return std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId in) {
      return in && !graph_.constant(in) && facts_.covers(in) && facts_[in].shape == shape;
    });
  }

  static bool same_root(const CodeFunction& a, const CodeFunction& b) {
    return a.root.bytes == b.root.bytes && a.root.codes == b.root.codes &&
           a.root.params.same_codes(b.root.params);
  }

  void evaluate_function(const Node& node, const CodeForm& root) {
    std::vector<Tensor> tables(node.inputs.size());
    std::vector<const Tensor*> inputs(node.inputs.size());
    for (size_t i = 0; i < inputs.size(); ++i) {
      inputs[i] = graph_.constant(node.inputs[i]);
      if (!node.inputs[i] || inputs[i]) continue;
      const std::vector<float>& values = functions_.at(node.inputs[i]).values;
      tables[i] = Tensor::of<float>({static_cast<int64_t>(values.size())}, values);
      inputs[i] = &tables[i];
    }
    const auto results = evaluate(node, graph_.model, inputs);
    if (!results || (*results)[0].dtype() != DType::Float32) return;
    const auto values = (*results)[0].values<float>();
    functions_[node.outputs[0]] = {root, {values.begin(), values.end()}};
  }

  // --- what computes

  // The node that computes the codes of what one, and functions of its result behind it, compute in
  // real numbers, if there is such a form.
  std::optional<Node> compute(ValueId x, const CodeParams& params, NodeId before) {
    const CodeEpilogue epilogue = find_code_epilogue(graph_, facts_, x, params);
    if (!epilogue.maker) return std::nullopt;
    const Node& node = graph_.node(epilogue.maker);
    std::optional<Node> made;
    if (is_product(node))
      made = integer_product(node);
    else if (!epilogue.activation.empty())
      return std::nullopt;
    else if (is_op(node, "Add") || is_op(node, "Sub") || is_op(node, "Mul"))
      made = integer_binary(node, before);
    else if (is_op(node, "GlobalAveragePool"))
      made = integer_average(node, before);
    else if (is_op(node, "Concat"))
      return epilogue.is_plain(params) ? requantized_concat(node, params, before) : std::nullopt;
    if (!made) return std::nullopt;
    made->attributes.set("y_scale", params.scale);
    epilogue.write_to(*made);
    return made;
  }

  std::optional<Node> integer_product(const Node& node) const {
    const bool known = scalar_constant(graph_, node.inputs[2]) && graph_.constant(node.inputs[3]);
    if (node.attributes.has("activation") || !known) return std::nullopt;
    Node made = node;
    made.op_type.replace(made.op_type.size() - 5, 5, "Codes");
    return made;
  }

  std::optional<Node> integer_binary(const Node& node, NodeId before) {
    const CodeForm *a = form_of(node.inputs[0]), *b = form_of(node.inputs[1]);
    if (!a || !b) return std::nullopt;
    const bool subtracts = node.op_type == "Sub";
    Node made = lowered_node(node.outputs[0], subtracts ? "Add" : node.op_type,
                             {codes(*a, before), codes(*b, before)});
    made.attributes.set("a_scale", a->params.scale);
    made.attributes.set("b_scale", subtracts ? -b->params.scale : b->params.scale);
    return made;
  }

  std::optional<Node> integer_average(const Node& node, NodeId before) {
    const CodeForm* x = form_of(node.inputs[0]);
    const bool is_image = facts_.covers(node.inputs[0]) && facts_[node.inputs[0]].shape &&
                          facts_[node.inputs[0]].shape->rank() == 4;
    if (!x || !is_image) return std::nullopt;
    Node made = lowered_node(node.outputs[0], "GlobalAveragePoolCodes", {codes(*x, before)});
    made.attributes.set("x_scale", x->params.scale);
    return made;
  }

  std::optional<Node> requantized_concat(const Node& node, const CodeParams& params,
                                         NodeId before) {
    for (ValueId in : node.inputs)
      if (!form_of(in)) return std::nullopt;
    Node made = node;
    for (ValueId& in : made.inputs) {
      const CodeForm& form = *form_of(in);
      in = form.params.same_codes(params)
               ? codes(form, before)
               : look_up(form, codes_of(real_values(form.params), params), in, before);
    }
    return made;
  }

  Graph& graph_;
  GraphFacts& facts_;
  const Uses uses_;
  GraphEdit edit_;
  std::unordered_map<ValueId, CodeForm> forms_;         // of float values
  std::unordered_map<ValueId, CodeFunction> functions_; // of float values
  std::unordered_map<ValueId, Coded> coded_;            // of bytes
  std::map<std::pair<uint32_t, int32_t>, ValueId> shifted_;
};
} // namespace

void chain_codes(Graph& graph, GraphFacts& facts) {
  CodeChainer(graph, facts).run();
}

} // namespace octet

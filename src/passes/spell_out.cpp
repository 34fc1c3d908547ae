#include "passes/spell_out.h"

#include "passes/spelling.h"

namespace octet {
namespace {
// --- activations

ValueId swish(Spelling& s, ValueId x, float alpha) {
  return s.add("Swish", {x}, one("alpha", alpha));
}

void spell_swiglu(Spelling& s) {
  s.yield(0,
          s.add("Mul", {swish(s, s.input(0), s.attributes().get_float("alpha", 1)), s.input(1)}));
}
void spell_quick_gelu(Spelling& s) {
  s.yield(0, swish(s, s.input(0), s.attributes().get_float("alpha", 1.702f)));
}
void spell_bias_gelu(Spelling& s) {
  s.yield(0, s.add("Gelu", {s.plus(s.input(0), 1)}));
}
void spell_fast_gelu(Spelling& s) {
  s.yield(0, s.add("Gelu", {s.plus(s.input(0), 1)}, one("approximate", std::string("tanh"))));
}
void spell_bias_add(Spelling& s) {
  s.yield(0, s.plus(s.plus(s.input(0), 1), 2));
}
// The second half of the columns gates the first.
void spell_bias_split_gelu(Spelling& s) {
  Attributes halves = one("axis", int64_t{-1});
  const ValueId x = s.add("Split", {s.plus(s.input(0), 1)}, std::move(halves));
  const ValueId gate = s.another(1);
  s.yield(0, s.add("Mul", {x, s.add("Gelu", {gate})}));
}

// What a fused operator applies to its result; parameters in ONNX's order.
ValueId activated(Spelling& s, ValueId x, const std::string& name, std::vector<float> params) {
  const auto param = [&](size_t i, float fallback) {
    return i < params.size() ? params[i] : fallback;
  };
  if (name.empty()) return x;
  if (name == "Relu" || name == "Sigmoid" || name == "Tanh" || name == "Softplus")
    return s.add(name, {x});
  if (name == "LeakyRelu") return s.add(name, {x}, one("alpha", param(0, 0.01f)));
  if (name == "HardSigmoid") {
    Attributes line = one("alpha", param(0, 0.2f));
    line.set("beta", param(1, 0.5f));
    return s.add(name, {x}, std::move(line));
  }
  if (name == "Clip")
    return s.add("Min", {s.add("Max", {x, s.number(param(0, -3.4028235e38f))}),
                         s.number(param(1, 3.4028235e38f))});
  s.unsupported("activation '", name, "'");
}

// --- products

void spell_fused_conv(Spelling& s) {
  std::vector<ValueId> inputs = {s.input(0), s.input(1)};
  if (s.input(2)) inputs.push_back(s.input(2));
  const ValueId y = s.add("Conv", std::move(inputs),
                          without(s.attributes(), {"activation", "activation_params"}));
  s.yield(0, activated(s, s.plus(y, 3), s.attributes().get_string("activation", ""),
                       s.attributes().get_floats("activation_params")));
}

void spell_fused_gemm(Spelling& s) {
  const Attributes& a = s.attributes();
  std::vector<ValueId> inputs = {s.input(0), s.input(1)};
  if (s.input(2)) inputs.push_back(s.input(2));
  const ValueId y =
      s.add("Gemm", std::move(inputs),
            without(a, {"activation", "activation_alpha", "activation_beta", "activation_gamma"}));
  std::vector<float> params;
  for (const char* name : {"activation_alpha", "activation_beta"})
    if (a.has(name)) params.push_back(a.get_float(name, 0));
  s.yield(0, activated(s, y, a.get_string("activation", ""), std::move(params)));
}

void spell_conv_transpose(Spelling& s) {
  Attributes attributes = s.attributes();
  if (s.input(2)) {
    const Tensor* pads = s.constant(2);
    if (!pads) s.unsupported("pads that are not constant");
    attributes.set("pads", int64_values(*pads, "pads"));
  }
  std::vector<ValueId> inputs = {s.input(0), s.input(1)};
  if (s.input(3)) inputs.push_back(s.input(3));
  s.yield(0, s.add("ConvTranspose", std::move(inputs), std::move(attributes)));
}

// --- attention behind its projection

void spell_attention(Spelling& s) {
  if (s.input(6)) s.unsupported("past_sequence_length");
  const ValueId projected = s.plus(s.add("MatMul", {s.input(0), s.input(1)}), 2);
  attend(s, projected, s.input(3), s.input(4), s.input(5));
}

// --- normalizations

Attributes epsilon_of(const Spelling& s, float fallback) {
  return one("epsilon", s.attributes().get_float("epsilon", fallback));
}

void spell_simplified_norm(Spelling& s) {
  if (s.has_output(1)) s.unsupported("a second output");
  Attributes attributes = epsilon_of(s, 1e-5f);
  attributes.set("axis", s.attributes().get_int("axis", -1));
  s.yield(0, s.add("RMSNormalization", {s.input(0), s.input(1)}, std::move(attributes)));
}

// Input, skip, gamma, and from `bias` on what is added to their sum.
ValueId skipped(Spelling& s, size_t bias) {
  if (s.has_output(1) || s.has_output(2)) s.unsupported("statistics");
  const ValueId sum = s.plus(s.add("Add", {s.input(0), s.input(1)}), bias);
  s.yield(3, sum);
  return sum;
}
void spell_skip_norm(Spelling& s) {
  std::vector<ValueId> inputs = {skipped(s, 4), s.input(2)};
  if (s.input(3)) inputs.push_back(s.input(3));
  s.yield(0, s.add("LayerNormalization", std::move(inputs), epsilon_of(s, 1e-12f)));
}
void spell_skip_simplified_norm(Spelling& s) {
  s.yield(0, s.add("RMSNormalization", {skipped(s, 3), s.input(2)}, epsilon_of(s, 1e-12f)));
}

void spell_embed_norm(Spelling& s) {
  const ValueId ids = s.input(0);
  ValueId positions;
  if (s.input(8)) {
    positions = s.add("Gather", {s.input(3), s.input(8)});
  } else {
    const ValueId shape = s.add("Shape", {ids});
    const ValueId rows = s.add("Gather", {shape, s.list({1})});
    positions = s.add("Slice", {s.input(3), s.list({0}), rows, s.list({0})});
  }
  ValueId sum = s.add("Add", {s.add("Gather", {s.input(2), ids}), positions});
  if (s.input(1)) sum = s.add("Add", {sum, s.add("Gather", {s.input(4), s.input(1)})});
  s.yield(0, s.add("LayerNormalization", {sum, s.input(5), s.input(6)}, epsilon_of(s, 1e-12f)));
  s.yield(2, sum);
  if (!s.has_output(1)) return;
  // How many of each batch are not masked: none are, without a mask.
  const ValueId mask = s.input(7) ? s.input(7) : s.add("Sub", {ids, ids});
  Attributes attributes = one("keepdims", int64_t{0});
  s.yield(1, s.add("ReduceSum", {mask, s.list({1})}, std::move(attributes)));
}

void spell_group_norm(Spelling& s) {
  const bool channels_last = s.attributes().get_int("channels_last", 1) != 0;
  ValueId x = s.input(0);
  if (channels_last) x = s.transposed(x, {0, 3, 1, 2});
  Attributes attributes = epsilon_of(s, 1e-5f);
  attributes.set("num_groups", s.attributes().get_int("groups", 0));
  ValueId y = s.add("GroupNormalization", {x, s.input(1), s.input(2)}, std::move(attributes),
                    kLoweredDomain);
  if (s.attributes().get_int("activation", 0) == 1) y = swish(s, y, 1);
  s.yield(0, channels_last ? s.transposed(y, {0, 2, 3, 1}) : y);
}

// --- images

// Of [batch, channels, height, width]; border is left, top, right, bottom, scale height and width.
void spell_crop(Spelling& s) {
  const auto border = s.attributes().get_ints("border"), scale = s.attributes().get_ints("scale");
  if (border.size() != 4 || (!scale.empty() && scale.size() != 2))
    s.unsupported("border of ", border.size(), " numbers and scale of ", scale.size());
  std::vector<int64_t> ends;
  for (size_t i = 0; i < 2; ++i) {
    const int64_t before = border[1 - i], behind = border[3 - i];
    ends.push_back(!scale.empty() ? before + scale[i] : behind == 0 ? INT32_MAX : -behind);
  }
  s.yield(0, s.add("Slice",
                   {s.input(0), s.list({border[1], border[0]}), s.list(ends), s.list({2, 3})}));
}

// --- trees

// Labels that are strings are looked up by the numbers of their classes; a single one is that of
// class 1, beside "".
void spell_tree_classifier(Spelling& s) {
  constexpr const char *kNumbers = "classlabels_int64s", *kStrings = "classlabels_strings";
  Attributes attributes = s.attributes();
  auto labels = attributes.get_strings(kStrings);
  if (attributes.has(kNumbers)) labels.clear();
  if (!labels.empty()) {
    std::vector<int64_t> numbers;
    for (size_t i = 0; i < labels.size(); ++i) numbers.push_back(static_cast<int64_t>(i));
    if (labels.size() == 1) {
      numbers = {1};
      labels.insert(labels.begin(), "");
    }
    attributes.erase(kStrings);
    attributes.set(kNumbers, std::move(numbers));
  }
  ValueId classes =
      s.add("TreeEnsembleClassifier", {s.input(0)}, std::move(attributes), "ai.onnx.ml");
  s.yield(1, s.another(1));
  if (!labels.empty()) {
    const auto count = static_cast<int64_t>(labels.size());
    classes = s.add("Gather", {s.fixed(Tensor({count}, std::move(labels))), classes});
  }
  s.yield(0, classes);
}

constexpr SpellingRow kRows[] = {
    {"", "SwiGLU", spell_swiglu},
    {"", "SimplifiedLayerNormalization", spell_simplified_norm},
    {"", "Crop", spell_crop},
    {"ai.onnx.ml", "TreeEnsembleClassifier", spell_tree_classifier},
    {"com.microsoft", "Attention", spell_attention},
    {"com.microsoft", "BiasAdd", spell_bias_add},
    {"com.microsoft", "BiasGelu", spell_bias_gelu},
    {"com.microsoft", "BiasSplitGelu", spell_bias_split_gelu},
    {"com.microsoft", "ConvTransposeWithDynamicPads", spell_conv_transpose},
    {"com.microsoft", "EmbedLayerNormalization", spell_embed_norm},
    {"com.microsoft", "FastGelu", spell_fast_gelu},
    {"com.microsoft", "FusedConv", spell_fused_conv},
    {"com.microsoft", "FusedGemm", spell_fused_gemm},
    {"com.microsoft", "Gelu", [](Spelling& s) { spell_standard(s, "Gelu"); }},
    {"com.microsoft", "GridSample", [](Spelling& s) { spell_standard(s, "GridSample"); }},
    {"com.microsoft", "GatherND", [](Spelling& s) { spell_standard(s, "GatherND"); }},
    {"com.microsoft", "GroupNorm", spell_group_norm},
    {"com.microsoft", "Pad", [](Spelling& s) { spell_standard(s, "Pad"); }},
    {"com.microsoft", "QuickGelu", spell_quick_gelu},
    {"com.microsoft", "Range", [](Spelling& s) { spell_standard(s, "Range"); }},
    {"com.microsoft", "SkipLayerNormalization", spell_skip_norm},
    {"com.microsoft", "SkipSimplifiedLayerNormalization", spell_skip_simplified_norm},
    {"com.microsoft", "Trilu", [](Spelling& s) { spell_standard(s, "Trilu"); }},
};

const SpellingRow* find_row(const Node& node) {
  const std::string_view domain = node.domain == "ai.onnx" ? std::string_view() : node.domain;
  for (const auto rows : {std::span<const SpellingRow>(kRows), quantized_spellings()})
    for (const SpellingRow& row : rows)
      if (row.op_type == node.op_type && row.domain == domain) return &row;
  return nullptr;
}
} // namespace

void spell_out(Graph& graph) {
  GraphEdit edit(graph);
  for (NodeId id : std::vector<NodeId>(graph.nodes()))
    if (const SpellingRow* row = find_row(graph.node(id))) {
      Spelling spelling(edit, id);
      row->spell(spelling);
      spelling.finish();
    }
}

} // namespace octet

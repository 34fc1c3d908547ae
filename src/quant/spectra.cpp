#include "quant/spectra.h"

#include <algorithm>
#include <unordered_set>

#include "passes/match.h"

namespace octet {
namespace {
constexpr std::string_view kBeforeLog = "a logarithm of the spectrum follows";
constexpr std::string_view kMixedRange = "it reads a spectrum side by side with other values";

template <size_t n>
bool is_any(const Node& node, const std::string_view (&op_types)[n]) {
  return node.domain.empty() &&
         std::find(std::begin(op_types), std::end(op_types), node.op_type) != std::end(op_types);
}

bool is_linear(const Node& node) {
  return is_any(node, {"Conv", "Gemm", "MatMul"});
}

bool is_transform(const Node& node) {
  return is_linear(node) || is_any(node, {"DFT", "STFT"});
}

// Picks or rearranges the elements of its first input.
bool is_view(const Node& node) {
  return is_any(node, {"Cast", "Flatten", "Gather", "Identity", "Pad", "Reshape", "Slice", "Split",
                       "Squeeze", "Transpose", "Unsqueeze"});
}

// Energies in, energies out.
bool keeps_energies(const Node& node) {
  return is_any(node, {"Add", "Clip", "Concat", "Div", "Max", "Min", "Mul", "Sqrt", "Sum"});
}

class Search {
public:
  Search(const Graph& graph, const ConstantLookup& constant) : graph_(graph), constant_(constant) {}

  std::unordered_map<NodeId, NearSpectrum> run() {
    for (NodeId id : graph_.nodes()) classify(id);
    for (auto id = graph_.nodes().rbegin(); id != graph_.nodes().rend(); ++id) trace_logarithm(*id);
    return std::move(found_);
  }

private:
  enum class Kind {
    Other,
    Transformed, // the result of a linear operator
    Energy,      // squares of those, their sums and roots, and what a filter bank makes of them
    Mixed        // energies and others in one tensor
  };

  Kind kind(ValueId id) const {
    const auto found = kinds_.find(id);
    return found == kinds_.end() ? Kind::Other : found->second;
  }

  bool reads_signal(const Node& node) const {
    const Kind read = kind(node.inputs[0]);
    return read == Kind::Other || read == Kind::Transformed;
  }

  bool is_square(const Node& node) const {
    if (is_any(node, {"Mul"})) return node.inputs[0] == node.inputs[1];
    if (!is_any(node, {"Pow"})) return false;
    const Tensor* exponent = constant_(node.inputs[1]);
    return exponent && exponent->elements() == 1 && exponent->dtype() == DType::Float32 &&
           exponent->values<float>()[0] == 2;
  }

  Kind kind_of_combination(const Node& node) const {
    size_t energies = 0, others = 0;
    for (ValueId input : node.inputs)
      if (kind(input) == Kind::Energy)
        ++energies;
      else if (input && !constant_(input))
        ++others;
    if (energies == 0) return Kind::Other;
    if (others == 0) return Kind::Energy;
    return is_any(node, {"Concat"}) ? Kind::Mixed : Kind::Other;
  }

  Kind kind_of_result(const Node& node) const {
    const Kind first = kind(node.inputs[0]);
    if (is_square(node)) return first == Kind::Transformed ? Kind::Energy : first;
    if (is_view(node)) return first;
    if (is_transform(node)) return first == Kind::Energy ? Kind::Energy : Kind::Transformed;
    return keeps_energies(node) ? kind_of_combination(node) : Kind::Other;
  }

  void classify(NodeId id) {
    const Node& node = graph_.node(id);
    if (node.inputs.empty()) return;
    if (is_linear(node) && kind(node.inputs[0]) == Kind::Mixed) found_[id] = {kMixedRange, false};
    const Kind result = kind_of_result(node);
    if (result == Kind::Other) return;
    for (ValueId output : node.outputs)
      if (output) kinds_[output] = result;
  }

  // Called from the last node to the first.
  void trace_logarithm(NodeId id) {
    const Node& node = graph_.node(id);
    const bool is_log = is_any(node, {"Log"}) && kind(node.inputs[0]) == Kind::Energy;
    if (!is_log && std::none_of(node.outputs.begin(), node.outputs.end(),
                                [&](ValueId output) { return before_logarithm_.contains(output); }))
      return;
    if (is_linear(node)) found_[id] = {kBeforeLog, reads_signal(node)};
    for (ValueId input : node.inputs)
      if (kind(input) != Kind::Other) before_logarithm_.insert(input);
  }

  const Graph& graph_;
  const ConstantLookup& constant_;
  std::unordered_map<ValueId, Kind> kinds_;
  std::unordered_set<ValueId> before_logarithm_;
  std::unordered_map<NodeId, NearSpectrum> found_;
};
} // namespace

std::unordered_map<NodeId, NearSpectrum> nodes_near_spectra(const Graph& graph,
                                                            const ConstantLookup& constant) {
  return Search(graph, constant).run();
}

} // namespace octet

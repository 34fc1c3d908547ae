#include "passes/fuse_attention.h"

#include <optional>

#include "graph/edit.h"
#include "ops/registry.h"
#include "passes/match.h"

namespace octet {
namespace {
constexpr size_t kRank = 4;
using Permutation = std::vector<int64_t>;

// A value, and how the axes of what is computed with it lie in it.
struct View {
  ValueId value = {};
  Permutation perm = {0, 1, 2, 3};
};

struct Scores {
  ValueId q, k, condition = {}, mask = {};
  float scale = 1, fill = 0;
};

class AttentionFuser {
public:
  AttentionFuser(Graph& graph, const GraphFacts& facts)
      : graph_(graph), facts_(facts), uses_(graph), edit_(graph) {}

  void run() {
    for (NodeId id : std::vector<NodeId>(graph_.nodes()))
      if (is_op(graph_.node(id), "Softmax")) fuse(graph_.node(id));
    edit_.remove_dead();
  }

private:
  bool has_rank(ValueId id, size_t least, size_t most) const {
    if (!id || !facts_.covers(id) || !facts_[id].shape) return false;
    const size_t rank = facts_[id].shape->rank();
    return least <= rank && rank <= most && facts_[id].dtype != DType::Undefined;
  }
  bool is_operand(ValueId id) const {
    return has_rank(id, kRank, kRank) && facts_[id].dtype == DType::Float32;
  }

  // The producer of a value that only one node reads.
  const Node* inner(ValueId id, std::string_view op_type) const {
    return graph_.value(id).uses == 1 ? producer(graph_, id, op_type) : nullptr;
  }

  bool is_over_last_axis(const Node& softmax) const {
    const bool as_matrix = graph_.model.opset("") < 13;
    const int64_t axis = softmax.attributes.get_int("axis", as_matrix ? 1 : -1);
    return axis == -1 || axis == static_cast<int64_t>(kRank) - 1;
  }

  std::optional<Scores> product(ValueId id) const {
    const Node* matmul = inner(id, "MatMul");
    if (!matmul || !is_operand(matmul->inputs[0]) || !is_operand(matmul->inputs[1]))
      return std::nullopt;
    return Scores{.q = matmul->inputs[0], .k = matmul->inputs[1]};
  }

  std::optional<Scores> scaled(ValueId id) const {
    const Node* div = inner(id, "Div");
    const Node* scale = div ? div : inner(id, "Mul");
    if (!scale) return product(id);
    for (size_t i = 0; i < (div ? 1 : 2); ++i) {
      const auto factor = scalar_constant(graph_, scale->inputs[1 - i]);
      if (!factor) continue;
      auto scores = product(scale->inputs[i]);
      if (scores) scores->scale = div ? 1 / *factor : *factor;
      return scores;
    }
    return std::nullopt;
  }

  std::optional<Scores> chosen(ValueId id) const {
    const Node* where = inner(id, "Where");
    if (!where) return scaled(id);
    const auto fill = scalar_constant(graph_, where->inputs[2]);
    if (!fill || !has_rank(where->inputs[0], 0, kRank)) return std::nullopt;
    auto scores = scaled(where->inputs[1]);
    if (!scores) return std::nullopt;
    scores->condition = where->inputs[0];
    scores->fill = *fill;
    return scores;
  }

  std::optional<Scores> masked(ValueId id) const {
    const Node* add = inner(id, "Add");
    if (!add) return chosen(id);
    for (size_t i = 0; i < 2; ++i) {
      auto scores = chosen(add->inputs[i]);
      if (!scores || !has_rank(add->inputs[1 - i], 0, kRank)) continue;
      scores->mask = add->inputs[1 - i];
      return scores;
    }
    return std::nullopt;
  }

  static std::optional<Permutation> permutation(const Node* transpose) {
    if (!transpose) return std::nullopt;
    auto perm = transpose->attributes.get_ints("perm");
    return perm.size() == kRank ? std::optional(std::move(perm)) : std::nullopt;
  }

  // What a Transpose reads, when axis `contiguous` of its result is the last one there.
  View behind_transpose(ValueId id, size_t contiguous) const {
    const Node* transpose = producer(graph_, id, "Transpose");
    const auto perm = permutation(transpose);
    if (!perm || (*perm)[contiguous] != kRank - 1) return {id};
    return {transpose->inputs[0], *perm};
  }

  // The Transpose that alone reads the result, when it leaves rows contiguous.
  NodeId transpose_after(ValueId id) const {
    const NodeId next = uses_.only_reader(id);
    if (!next || !is_op(graph_.node(next), "Transpose")) return {};
    const auto perm = permutation(&graph_.node(next));
    return perm && perm->back() == kRank - 1 ? next : NodeId();
  }

  static Permutation inverse(const Permutation& perm) {
    Permutation out(perm.size());
    for (size_t i = 0; i < perm.size(); ++i)
      out[static_cast<size_t>(perm[i])] = static_cast<int64_t>(i);
    return out;
  }

  void fuse(const Node& softmax) {
    const NodeId product = uses_.only_reader(softmax.outputs[0]);
    if (!product || !is_op(graph_.node(product), "MatMul") || !is_over_last_axis(softmax)) return;
    const Node& matmul = graph_.node(product);
    if (matmul.inputs[0] != softmax.outputs[0] || !is_operand(matmul.inputs[1])) return;
    const auto scores = masked(softmax.inputs[0]);
    if (!scores) return;
    const View q = behind_transpose(scores->q, 3), k = behind_transpose(scores->k, 2),
               v = behind_transpose(matmul.inputs[1], 3);
    Node fused{.name = matmul.name,
               .op_type = "Attention",
               .domain = std::string(kLoweredDomain),
               .inputs = {q.value, k.value, v.value, scores->mask, scores->condition}};
    const NodeId after = transpose_after(matmul.outputs[0]);
    fused.attributes.set("q_perm", q.perm);
    fused.attributes.set("k_perm", k.perm);
    fused.attributes.set("v_perm", v.perm);
    if (after) fused.attributes.set("y_perm", inverse(*permutation(&graph_.node(after))));
    fused.attributes.set("scale", scores->scale);
    fused.attributes.set("fill", scores->fill);
    edit_.replace_node(after ? after : product, std::move(fused));
  }

  Graph& graph_;
  const GraphFacts& facts_;
  Uses uses_;
  GraphEdit edit_;
};
} // namespace

void fuse_attention(Graph& graph, const GraphFacts& facts) {
  AttentionFuser(graph, facts).run();
}

} // namespace octet

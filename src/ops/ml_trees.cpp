// Ensembles of decision trees (ai.onnx.ml): TreeEnsembleRegressor, TreeEnsembleClassifier and the
// TreeEnsemble of version 5, which keeps leaves apart.
//
// A row goes from each tree's root to a leaf; what leaves give to targets is aggregated and
// transformed. What ONNX leaves open (two classes, one score) is as in onnxruntime. The attributes
// are read once, when a plan is made; that trees end is known by then.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "ops/ml_scores.h"
#include "ops/numbers.h"

namespace octet {
namespace {
enum class Mode : uint8_t {
  LessOrEqual,
  Less,
  GreaterOrEqual,
  Greater,
  Equal,
  NotEqual,
  Member,
  Leaf
};
constexpr std::string_view kModes[] = {"BRANCH_LEQ", "BRANCH_LT",  "BRANCH_GTE",    "BRANCH_GT",
                                       "BRANCH_EQ",  "BRANCH_NEQ", "BRANCH_MEMBER", "LEAF"};
enum class Aggregate : uint8_t { Average, Sum, Min, Max };
constexpr std::string_view kAggregates[] = {"AVERAGE", "SUM", "MIN", "MAX"};

// What a leaf gives to a target.
struct Vote {
  size_t target;
  double weight;
};

struct Branch {
  Mode mode;
  bool missing_is_true;
  size_t feature;
  double split;
  size_t yes, no;              // branches
  std::vector<double> members; // of Member
  std::vector<Vote> votes;     // of Leaf

  bool takes(double x) const {
    if (std::isnan(x) && missing_is_true) return true;
    switch (mode) {
    case Mode::LessOrEqual:
      return x <= split;
    case Mode::Less:
      return x < split;
    case Mode::GreaterOrEqual:
      return x >= split;
    case Mode::Greater:
      return x > split;
    case Mode::Equal:
      return x == split;
    case Mode::NotEqual:
      return x != split;
    default:
      return std::find(members.begin(), members.end(), x) != members.end();
    }
  }
};

struct Forest {
  std::vector<Branch> branches;
  std::vector<size_t> roots;
  size_t targets = 0;
  Aggregate aggregate = Aggregate::Sum;
  PostTransform transform = PostTransform::None;
  std::vector<double> base;

  // Scores of a row, and which of them leaves gave anything to.
  void score(const double* x, std::vector<double>& scores, std::vector<bool>& given) const {
    scores.assign(targets, 0);
    given.assign(targets, false);
    for (const size_t root : roots) {
      const Branch* at = &branches[root];
      while (at->mode != Mode::Leaf) at = &branches[at->takes(x[at->feature]) ? at->yes : at->no];
      for (const auto& [target, weight] : at->votes) {
        double& score = scores[target];
        if (aggregate == Aggregate::Min || aggregate == Aggregate::Max) {
          const bool is_better = aggregate == Aggregate::Min ? weight < score : weight > score;
          if (!given[target] || is_better) score = weight;
        } else {
          score += weight;
        }
        given[target] = true;
      }
    }
    if (aggregate == Aggregate::Average)
      for (double& score : scores) score /= static_cast<double>(std::max<size_t>(1, roots.size()));
  }
};

// Throws InvalidModel when a path from some branch comes back to it.
void check_paths(const NodeContext& ctx, const Forest& forest) {
  enum class Mark : uint8_t { Unseen, OnPath, Ended };
  std::vector<Mark> marks(forest.branches.size(), Mark::Unseen);
  std::vector<size_t> path;
  for (size_t start = 0; start < marks.size(); ++start) {
    if (marks[start] == Mark::Unseen) path.push_back(start);
    while (!path.empty()) {
      const size_t at = path.back();
      const Branch& branch = forest.branches[at];
      if (marks[at] != Mark::Unseen) { // both ways from it end
        marks[at] = Mark::Ended;
        path.pop_back();
        continue;
      }
      marks[at] = branch.mode == Mode::Leaf ? Mark::Ended : Mark::OnPath;
      for (const size_t next : {branch.yes, branch.no}) {
        if (branch.mode == Mode::Leaf || marks[next] == Mark::Ended) continue;
        if (marks[next] == Mark::OnPath) ctx.fail("a tree goes round in a circle");
        path.push_back(next);
      }
    }
  }
}

template <size_t n>
size_t named(const NodeContext& ctx, std::string_view attribute, const std::string& name,
             const std::string_view (&names)[n]) {
  const auto* found = std::find(std::begin(names), std::end(names), name);
  if (found == std::end(names)) ctx.fail(attribute, " holds '", name, "'");
  return static_cast<size_t>(found - std::begin(names));
}

// Floats that newer versions may give as a tensor of doubles.
std::vector<double> reals(const NodeContext& ctx, const std::string& name) {
  const Tensor* tensor = ctx.attributes().find_tensor(name + "_as_tensor");
  if (tensor) return float64_values(*tensor, name.c_str());
  const auto floats = ctx.attributes().get_floats(name);
  return {floats.begin(), floats.end()};
}

void check_count(const NodeContext& ctx, std::string_view name, size_t count, size_t expected) {
  if (count != expected) ctx.fail(name, " has ", count, " elements, not ", expected);
}

size_t checked_index(const NodeContext& ctx, std::string_view what, int64_t index, size_t count) {
  if (index < 0 || static_cast<uint64_t>(index) >= count)
    ctx.fail(what, " ", index, " is not among ", count);
  return static_cast<size_t>(index);
}

size_t width_of(const NodeContext& ctx) {
  return static_cast<size_t>(rows_of(ctx).width);
}

// --- the older form: nodes are found by the numbers of their tree and in it
using NodeKey = std::pair<int64_t, int64_t>;

std::map<NodeKey, size_t> add_branches(const NodeContext& ctx, Forest& forest) {
  const Attributes& a = ctx.attributes();
  const auto trees = a.get_ints("nodes_treeids"), ids = a.get_ints("nodes_nodeids");
  const auto features = a.get_ints("nodes_featureids");
  const auto yes = a.get_ints("nodes_truenodeids"), no = a.get_ints("nodes_falsenodeids");
  const auto missing = a.get_ints("nodes_missing_value_tracks_true");
  const auto modes = ctx.attributes().get_strings("nodes_modes");
  const auto splits = reals(ctx, "nodes_values");
  const size_t count = trees.size(), width = width_of(ctx);
  check_count(ctx, "nodes_nodeids", ids.size(), count);
  check_count(ctx, "nodes_featureids", features.size(), count);
  check_count(ctx, "nodes_truenodeids", yes.size(), count);
  check_count(ctx, "nodes_falsenodeids", no.size(), count);
  check_count(ctx, "nodes_modes", modes.size(), count);
  check_count(ctx, "nodes_values", splits.size(), count);
  if (!missing.empty()) check_count(ctx, "nodes_missing_value_tracks_true", missing.size(), count);
  std::map<NodeKey, size_t> places;
  for (size_t i = 0; i < count; ++i)
    if (!places.try_emplace({trees[i], ids[i]}, i).second)
      ctx.fail("tree ", trees[i], " has two nodes ", ids[i]);
  std::vector<bool> is_child(count);
  for (size_t i = 0; i < count; ++i) {
    Branch branch{.mode = static_cast<Mode>(named(ctx, "nodes_modes", modes[i], kModes)),
                  .missing_is_true = !missing.empty() && missing[i] != 0,
                  .feature = 0,
                  .split = splits[i],
                  .yes = 0,
                  .no = 0,
                  .members = {},
                  .votes = {}};
    if (branch.mode == Mode::Member) ctx.fail("nodes_modes holds 'BRANCH_MEMBER'");
    if (branch.mode != Mode::Leaf) {
      branch.feature = checked_index(ctx, "feature", features[i], width);
      const auto child = [&](int64_t id) {
        const auto found = places.find({trees[i], id});
        if (found == places.end()) ctx.fail("tree ", trees[i], " has no node ", id);
        is_child[found->second] = true;
        return found->second;
      };
      branch.yes = child(yes[i]);
      branch.no = child(no[i]);
    }
    forest.branches.push_back(std::move(branch));
  }
  for (size_t i = 0; i < count; ++i)
    if (!is_child[i]) forest.roots.push_back(i);
  return places;
}

// Reads the ensemble; `kind` is "target" or "class", whose attributes tell of the leaves.
Forest read_forest(const NodeContext& ctx, const std::string& kind, size_t targets) {
  const Attributes& a = ctx.attributes();
  Forest forest{.targets = targets, .transform = post_transform_of(ctx)};
  forest.base = reals(ctx, "base_values");
  const auto places = add_branches(ctx, forest);
  const auto trees = a.get_ints(kind + "_treeids"), ids = a.get_ints(kind + "_nodeids");
  const auto to = a.get_ints(kind + "_ids");
  const auto weights = reals(ctx, kind + "_weights");
  check_count(ctx, kind + "_nodeids", ids.size(), trees.size());
  check_count(ctx, kind + "_ids", to.size(), trees.size());
  check_count(ctx, kind + "_weights", weights.size(), trees.size());
  for (size_t i = 0; i < trees.size(); ++i) {
    const auto place = places.find({trees[i], ids[i]});
    if (place == places.end()) ctx.fail("tree ", trees[i], " has no node ", ids[i]);
    forest.branches[place->second].votes.push_back(
        {checked_index(ctx, kind, to[i], targets), weights[i]});
  }
  return forest;
}

// Reads the input's rows of features, one at a time.
class RowReader {
public:
  explicit RowReader(const NodeContext& ctx)
      : rows_(rows_of(ctx)), type_(wide_type(ctx, ctx.dtype(0))) {}

  int64_t count() const { return rows_.count; }
  // Calls f(x) for each row.
  template <class F>
  void each(const void* data, F&& f) const {
    const auto width = static_cast<size_t>(rows_.width);
    std::vector<uint64_t> wide(width);
    std::vector<double> x(width);
    const WideConvert convert = wide_convert(type_.wide, Wide::F64);
    for (size_t r = 0; r < static_cast<size_t>(rows_.count); ++r) {
      type_.load(static_cast<const uint8_t*>(data) + r * width * type_.bytes, 1, width,
                 wide.data());
      convert(wide.data(), width, x.data());
      f(x.data());
    }
  }

private:
  Rows rows_;
  const WideType& type_;
};

// --- regressors: scores of targets, which have the type of output 0
Kernel prepare_regression(PrepareContext& ctx, Forest forest) {
  if (!forest.base.empty() && forest.base.size() != 1)
    check_count(ctx, "base_values", forest.base.size(), forest.targets);
  check_paths(ctx, forest);
  const WideType& type = wide_type(ctx, ctx.output(0).dtype);
  return [forest = std::move(forest), rows = RowReader(ctx), &type](const RunContext& run) {
    std::vector<double> scores;
    std::vector<bool> given;
    size_t at = 0;
    rows.each(run.inputs[0], [&](const double* x) {
      forest.score(x, scores, given);
      for (size_t t = 0; t < forest.targets && !forest.base.empty(); ++t)
        scores[t] += forest.base[forest.base.size() == 1 ? 0 : t];
      finish_scores(scores, forest.transform, SecondClass::None);
      for (const double score : scores) store_real(type, run.outputs[0], at++, score);
    });
  };
}

int64_t target_count(const NodeContext& ctx) {
  const int64_t count = ctx.attributes().get_int("n_targets", 1);
  if (count < 1 || count > INT32_MAX) ctx.fail("n_targets is ", count);
  return count;
}

void infer_scores(InferContext& ctx, DType dtype) {
  const Shape shape{rows_of(ctx).count, target_count(ctx)};
  check_room(ctx, DType::Float64, shape);
  ctx.set_output(0, dtype, shape);
}

void infer_regressor(InferContext& ctx) {
  infer_scores(ctx, DType::Float32);
}

Kernel prepare_regressor(PrepareContext& ctx) {
  Forest forest = read_forest(ctx, "target", static_cast<size_t>(target_count(ctx)));
  forest.aggregate = static_cast<Aggregate>(
      named(ctx, "aggregate_function", ctx.attributes().get_string("aggregate_function", "SUM"),
            kAggregates));
  return prepare_regression(ctx, std::move(forest));
}

// --- the classifier
struct Votes {
  bool for_one_class = true, are_positive = true;
};

Votes look_at_votes(const Forest& forest) {
  Votes out;
  std::optional<size_t> target;
  for (const Branch& branch : forest.branches)
    for (const Vote& vote : branch.votes) {
      out.are_positive = out.are_positive && vote.weight >= 0;
      if (target && *target != vote.target) out.for_one_class = false;
      target = vote.target;
    }
  return out;
}

// Numbers alone: passes/spell_out looks labels that are strings up by them.
ClassLabels labels_of(const NodeContext& ctx) {
  ClassLabels labels(ctx, "classlabels_int64s", "classlabels_strings");
  if (labels.are_strings()) ctx.unsupported("labels that are strings");
  return labels;
}

void infer_classifier(InferContext& ctx) {
  const int64_t rows = rows_of(ctx).count;
  const Shape scores{rows, static_cast<int64_t>(labels_of(ctx).size())};
  check_room(ctx, DType::Float64, scores);
  ctx.set_output(0, DType::Int64, {rows});
  ctx.set_output(1, DType::Float32, scores);
}

class Classifier {
public:
  explicit Classifier(const NodeContext& ctx)
      : labels_(labels_of(ctx)), forest_(read_forest(ctx, "class", labels_.size())),
        votes_(look_at_votes(forest_)), rows_(ctx) {
    check_paths(ctx, forest_);
    if (const size_t count = forest_.base.size(); count != 0 && !(is_binary() && count == 1))
      check_count(ctx, "base_values", count, labels_.size());
  }

  void run(const RunContext& context) const {
    auto* classes = context.output<int64_t>(0);
    auto* out = context.output<float>(1);
    std::vector<double> scores;
    std::vector<bool> given;
    rows_.each(context.inputs[0], [&](const double* x) {
      forest_.score(x, scores, given);
      const size_t best = choose(scores);
      if (classes) *classes++ = labels_.number(best);
      for (size_t i = 0; out && i < scores.size(); ++i) *out++ = static_cast<float>(scores[i]);
    });
  }

private:
  bool is_binary() const { return labels_.size() <= 2; }
  double base(size_t i) const { return i < forest_.base.size() ? forest_.base[i] : 0; }

  // The class of the scores, which it finishes.
  size_t choose(std::vector<double>& scores) const {
    SecondClass second = SecondClass::None;
    size_t best;
    if (!is_binary() || (scores.size() == 2 && !votes_.for_one_class)) {
      for (size_t i = 0; i < scores.size(); ++i) scores[i] += base(i);
      const auto largest = std::max_element(scores.begin(), scores.end());
      best = is_binary() ? scores[1] > 0 : static_cast<size_t>(largest - scores.begin());
    } else {
      // All votes are for one class: their sum tells the second one from the first.
      const double sum = scores[0] + (scores.size() == 2 ? scores[1] : 0);
      scores = {sum + base(forest_.base.size() == 2 ? 1 : 0)};
      best = scores[0] > (votes_.are_positive ? 0.5 : 0);
      if (labels_.size() == 2)
        second = votes_.are_positive ? SecondClass::Complement : SecondClass::Opposite;
    }
    finish_scores(scores, forest_.transform, second);
    scores.resize(labels_.size()); // of a probit one is left alone
    return best;
  }

  ClassLabels labels_;
  Forest forest_;
  Votes votes_;
  RowReader rows_;
};

Kernel prepare_classifier(PrepareContext& ctx) {
  return [classifier = Classifier(ctx)](const RunContext& run) { classifier.run(run); };
}

// --- version 5: branches and leaves in lists of their own
const Tensor& needed_tensor(const NodeContext& ctx, std::string_view name) {
  const Tensor* tensor = ctx.attributes().find_tensor(name);
  if (!tensor) ctx.fail("attribute '", name, "' is missing");
  return *tensor;
}

// Sets of numbers, each ended by NaN.
std::vector<std::vector<double>> read_sets(const NodeContext& ctx) {
  std::vector<std::vector<double>> out(1);
  const Tensor* tensor = ctx.attributes().find_tensor("membership_values");
  if (!tensor) return {};
  for (const double value : float64_values(*tensor, "membership_values")) {
    if (std::isnan(value))
      out.emplace_back();
    else
      out.back().push_back(value);
  }
  if (out.back().empty()) out.pop_back();
  return out;
}

Forest read_flat_forest(const NodeContext& ctx) {
  const Attributes& a = ctx.attributes();
  Forest forest{.targets = static_cast<size_t>(target_count(ctx)),
                .transform = post_transform_of(ctx)};
  const int64_t aggregate = a.get_int("aggregate_function", 1);
  forest.aggregate = static_cast<Aggregate>(
      checked_index(ctx, "aggregate_function", aggregate, std::size(kAggregates)));
  const auto modes = int64_values(needed_tensor(ctx, "nodes_modes"), "nodes_modes");
  const auto splits = float64_values(needed_tensor(ctx, "nodes_splits"), "nodes_splits");
  const auto weights = float64_values(needed_tensor(ctx, "leaf_weights"), "leaf_weights");
  const auto targets = a.get_ints("leaf_targetids");
  const size_t count = modes.size();
  const auto list = [&](std::string_view name) {
    auto values = a.get_ints(name);
    check_count(ctx, name, values.size(), count);
    return values;
  };
  const auto features = list("nodes_featureids"), yes = list("nodes_truenodeids"),
             no = list("nodes_falsenodeids"), yes_leaf = list("nodes_trueleafs"),
             no_leaf = list("nodes_falseleafs");
  const auto missing = a.has("nodes_missing_value_tracks_true")
                           ? list("nodes_missing_value_tracks_true")
                           : std::vector<int64_t>(count);
  check_count(ctx, "nodes_splits", splits.size(), count);
  check_count(ctx, "leaf_targetids", targets.size(), weights.size());
  const auto sets = read_sets(ctx);
  const size_t width = width_of(ctx);
  size_t set = 0;
  // Leaves follow the branches.
  const auto child = [&](int64_t index, bool is_leaf) {
    return is_leaf ? count + checked_index(ctx, "leaf", index, weights.size())
                   : checked_index(ctx, "node", index, count);
  };
  for (size_t i = 0; i < count; ++i) {
    Branch branch{.mode = static_cast<Mode>(checked_index(ctx, "mode", modes[i], 7)),
                  .missing_is_true = missing[i] != 0,
                  .feature = checked_index(ctx, "feature", features[i], width),
                  .split = splits[i],
                  .yes = child(yes[i], yes_leaf[i] != 0),
                  .no = child(no[i], no_leaf[i] != 0),
                  .members = {},
                  .votes = {}};
    if (branch.mode == Mode::Member) {
      if (set == sets.size()) ctx.fail("membership_values has only ", set, " sets");
      branch.members = sets[set++];
    }
    forest.branches.push_back(std::move(branch));
  }
  for (size_t i = 0; i < weights.size(); ++i)
    forest.branches.push_back(
        {.mode = Mode::Leaf,
         .missing_is_true = false,
         .feature = 0,
         .split = 0,
         .yes = 0,
         .no = 0,
         .members = {},
         .votes = {{checked_index(ctx, "target", targets[i], forest.targets), weights[i]}}});
  for (const int64_t root : a.get_ints("tree_roots"))
    forest.roots.push_back(checked_index(ctx, "root", root, count));
  return forest;
}

void infer_tree_ensemble(InferContext& ctx) {
  infer_scores(ctx, ctx.dtype(0));
}

Kernel prepare_tree_ensemble(PrepareContext& ctx) {
  return prepare_regression(ctx, read_flat_forest(ctx));
}
} // namespace

extern const OpDef op_tree_ensemble_regressor{.infer = infer_regressor,
                                              .prepare = prepare_regressor};
extern const OpDef op_tree_ensemble_classifier{.infer = infer_classifier,
                                               .prepare = prepare_classifier};
extern const OpDef op_tree_ensemble{.infer = infer_tree_ensemble, .prepare = prepare_tree_ensemble};

} // namespace octet

// TfIdfVectorizer: counts the n-grams of a pool in rows of numbers or strings, weighted.
#include <algorithm>
#include <map>

#include "ops/numbers.h"

namespace octet {
namespace {
constexpr int64_t kUnknownToken = -1;

// The n-grams of the pool as a tree of tokens.
struct GramTree {
  struct Branch {
    std::map<int64_t, size_t> next;
    int64_t gram = -1; // the n-gram that ends here
  };
  std::vector<Branch> branches = std::vector<Branch>(1);

  size_t grow(size_t from, int64_t token) {
    const auto [at, is_new] = branches[from].next.try_emplace(token, branches.size());
    const size_t to = at->second;
    if (is_new) branches.emplace_back();
    return to;
  }
};

struct Vectorizer {
  int64_t shortest, longest, skips;
  std::vector<int64_t> columns; // of the n-grams
  std::vector<int64_t> counts;  // where in the pool those of each length begin
  size_t width;
  std::vector<float> weights;
  bool counts_once, is_weighted;
  GramTree tree;
};

Vectorizer read_attributes(const NodeContext& ctx) {
  const Attributes& a = ctx.attributes();
  const std::string mode = a.get_string("mode", "");
  if (mode != "TF" && mode != "IDF" && mode != "TFIDF")
    ctx.fail("mode must be TF, IDF or TFIDF, not '", mode, "'");
  Vectorizer v{.shortest = a.get_int("min_gram_length", 1),
               .longest = a.get_int("max_gram_length", 1),
               .skips = a.get_int("max_skip_count", 0),
               .columns = a.get_ints("ngram_indexes"),
               .counts = a.get_ints("ngram_counts"),
               .width = 0,
               .weights = a.get_floats("weights"),
               .counts_once = mode == "IDF",
               .is_weighted = mode != "TF",
               .tree = {}};
  if (v.shortest < 1 || v.longest < v.shortest || v.skips < 0)
    ctx.fail("n-grams of ", v.shortest, " to ", v.longest, " with ", v.skips, " skips");
  if (v.columns.empty()) ctx.fail("ngram_indexes is empty");
  for (const int64_t column : v.columns) {
    if (column < 0 || column >= int64_t{1} << 31) ctx.fail("an n-gram of index ", column);
    v.width = std::max(v.width, static_cast<size_t>(column) + 1);
  }
  if (!v.weights.empty() && v.weights.size() != v.columns.size())
    ctx.fail(v.weights.size(), " weights for ", v.columns.size(), " n-grams");
  v.is_weighted = v.is_weighted && !v.weights.empty();
  return v;
}

void grow_tree(const NodeContext& ctx, Vectorizer& v, const std::vector<int64_t>& pool) {
  size_t gram = 0;
  for (size_t i = 0; i < v.counts.size(); ++i) {
    const auto size = static_cast<int64_t>(pool.size());
    const int64_t begin = v.counts[i], end = i + 1 < v.counts.size() ? v.counts[i + 1] : size;
    const auto length = static_cast<int64_t>(i) + 1;
    if (begin < 0 || end < begin || end > size || (end - begin) % length != 0)
      ctx.fail("ngram_counts does not fit a pool of ", size);
    for (int64_t at = begin; at < end; at += length, ++gram) {
      if (gram >= v.columns.size()) ctx.fail("the pool has more n-grams than ngram_indexes");
      if (length < v.shortest || length > v.longest) continue;
      size_t branch = 0;
      for (int64_t k = 0; k < length; ++k)
        branch = v.tree.grow(branch, pool[static_cast<size_t>(at + k)]);
      v.tree.branches[branch].gram = static_cast<int64_t>(gram);
    }
  }
}

// Adds the n-grams of a row to its counts.
void count_grams(const Vectorizer& v, std::span<const int64_t> row, double* counts) {
  const auto size = static_cast<int64_t>(row.size());
  int64_t shortest = v.shortest;
  // Skips of more than the row are all alike: nothing beyond unigrams.
  for (int64_t stride = 1; stride <= std::min(v.skips, size) + 1; ++stride) {
    for (int64_t start = 0; start < size; ++start) {
      size_t branch = 0;
      int64_t at = start;
      for (int64_t length = 1; length <= v.longest && at < size; ++length, at += stride) {
        const auto& next = v.tree.branches[branch].next;
        const auto found = next.find(row[static_cast<size_t>(at)]);
        if (found == next.end()) break;
        branch = found->second;
        const int64_t gram = v.tree.branches[branch].gram;
        if (gram < 0 || length < shortest) continue;
        counts[v.columns[static_cast<size_t>(gram)]] += 1;
      }
    }
    // Single tokens have nothing to skip: they count once.
    if (shortest == 1 && ++shortest > v.longest) break;
  }
}

// Tokens as numbers: of strings their place in the pool.
std::vector<int64_t> tokens_of(const NodeContext& ctx, std::vector<int64_t>& pool) {
  if (ctx.dtype(0) != DType::String) {
    pool = ctx.attributes().get_ints("pool_int64s");
    return *ctx.int_values(0);
  }
  std::map<std::string, int64_t> numbers;
  for (const std::string& token : ctx.attributes().get_strings("pool_strings"))
    pool.push_back(numbers.try_emplace(token, static_cast<int64_t>(numbers.size())).first->second);
  std::vector<int64_t> out;
  for (const std::string& token : ctx.value(0).strings()) {
    const auto found = numbers.find(token);
    out.push_back(found == numbers.end() ? kUnknownToken : found->second);
  }
  return out;
}

std::vector<Tensor> tf_idf_vectorizer(const NodeContext& ctx) {
  const Shape& shape = ctx.shape(0);
  if (shape.rank() > 2) ctx.fail("rows of tokens expected, not ", to_string(shape));
  Vectorizer v = read_attributes(ctx);
  const size_t rows = shape.rank() == 2 ? dim(shape, 0) : 1;
  Shape out_shape{static_cast<int64_t>(v.width)};
  if (shape.rank() == 2) out_shape = {shape[0], out_shape[0]};
  check_room(ctx, DType::Float64, out_shape);
  std::vector<int64_t> pool;
  const auto tokens = tokens_of(ctx, pool);
  grow_tree(ctx, v, pool);
  std::vector<double> counts(rows * v.width), weights(v.width, 1);
  for (size_t i = 0; v.is_weighted && i < v.weights.size(); ++i)
    weights[static_cast<size_t>(v.columns[i])] = v.weights[i];
  const size_t length = rows ? tokens.size() / rows : 0;
  for (size_t r = 0; r < rows; ++r) {
    double* row = counts.data() + r * v.width;
    count_grams(v, {tokens.data() + r * length, length}, row);
    for (size_t c = 0; c < v.width; ++c)
      row[c] = (v.counts_once ? (row[c] > 0 ? 1 : 0) : row[c]) * weights[c];
  }
  return {make_tensor(ctx, DType::Float32, out_shape, counts)};
}
} // namespace

extern const OpDef op_tf_idf_vectorizer{.compute = tf_idf_vectorizer};

} // namespace octet

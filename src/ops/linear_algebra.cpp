// Einsum and Det.
//
// Einsum takes its operands from left to right. Of each pair, first what only one of them has is
// summed away; then both are laid out as [batch, rows, depth] and [batch, depth, columns], where
// the depth is what nobody asks for later, and multiplied.
#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string>

#include "ops/numbers.h"

namespace octet {
namespace {
// A label is a letter, or a number below 'A' for an axis of the ellipsis, counted from the right.
using Labels = std::string;

constexpr char kFirstLetter = 'A';
constexpr size_t kMaxEllipsis = 32;

struct Equation {
  std::vector<Labels> terms;
  Labels output;
  std::array<int64_t, 256> sizes{}; // by label

  int64_t size(char label) const { return sizes[static_cast<uint8_t>(label)]; }
  Shape shape(const Labels& labels) const {
    Shape out;
    for (const char label : labels) out.push_back(size(label));
    return out;
  }
};

// Letters of a term with `rank` axes, its ellipsis spelled out.
Labels spell_out(const NodeContext& ctx, const std::string& term, size_t rank, bool is_output) {
  const size_t dots = term.find("...");
  std::string letters = term;
  if (dots != std::string::npos) letters.erase(dots, 3);
  for (const char c : letters)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
      ctx.fail("the equation has '", std::string(1, c), "' in it");
  const size_t hidden = is_output ? rank : rank - letters.size();
  if (dots == std::string::npos) {
    if (!is_output && letters.size() != rank)
      ctx.fail("'", term, "' does not fit an operand of rank ", rank);
    return letters;
  }
  if (!is_output && letters.size() > rank)
    ctx.fail("'", term, "' does not fit an operand of rank ", rank);
  if (hidden > kMaxEllipsis) ctx.unsupported("an ellipsis of ", hidden, " axes");
  Labels ellipsis;
  for (size_t i = hidden; i-- > 0;) ellipsis.push_back(static_cast<char>(i + 1));
  return letters.insert(dots, ellipsis);
}

Equation parse_equation(const NodeContext& ctx) {
  std::string text = ctx.attributes().get_string("equation", "");
  std::erase(text, ' ');
  const size_t arrow = text.find("->");
  std::string left = text.substr(0, arrow);
  Equation out;
  out.sizes.fill(-1);
  size_t hidden = 0;
  std::string counted;
  for (size_t begin = 0; begin <= left.size();) {
    const size_t end = std::min(left.find(',', begin), left.size());
    const size_t input = out.terms.size();
    if (input >= ctx.input_count()) ctx.fail("'", text, "' has more terms than operands");
    const Shape& shape = ctx.shape(input);
    out.terms.push_back(spell_out(ctx, left.substr(begin, end - begin), shape.rank(), false));
    const Labels& labels = out.terms.back();
    for (size_t i = 0; i < labels.size(); ++i) {
      int64_t& size = out.sizes[static_cast<uint8_t>(labels[i])];
      if (size <= 1 && size != 0) size = shape[i];
      if (shape[i] != size && shape[i] != 1)
        ctx.fail("axis ", i, " of operand ", input, " is ", shape[i], ", not ", size);
      if (labels[i] < kFirstLetter)
        hidden = std::max<size_t>(hidden, static_cast<size_t>(labels[i]));
      counted.push_back(labels[i]);
    }
    begin = end + 1;
  }
  if (out.terms.size() != ctx.input_count())
    ctx.fail("'", text, "' has ", out.terms.size(), " terms for ", ctx.input_count(), " operands");
  std::string right = "...";
  if (arrow != std::string::npos)
    right = text.substr(arrow + 2);
  else
    for (int label = kFirstLetter; label <= 'z'; ++label)
      if (std::count(counted.begin(), counted.end(), static_cast<char>(label)) == 1)
        right.push_back(static_cast<char>(label));
  out.output = spell_out(ctx, right, hidden, true);
  for (const char label : out.output) {
    if (out.size(label) < 0) ctx.fail("'", text, "' gives an output label that no operand has");
    if (std::count(out.output.begin(), out.output.end(), label) != 1)
      ctx.fail("'", text, "' gives an output label twice");
  }
  return out;
}

// Numbers with a label for each axis; a label may come twice (a diagonal).
template <class T>
struct Labelled {
  Labels labels;
  Shape shape;
  std::vector<T> values;

  bool has(char label) const { return labels.find(label) != Labels::npos; }
};

// Strides by which a tensor is read along other labels: 0 for those it does not have.
template <class T>
std::vector<ptrdiff_t> strides_along(const Labelled<T>& x, const Labels& labels) {
  const auto dense = dense_strides(x.shape);
  std::vector<ptrdiff_t> out(labels.size());
  for (size_t i = 0; i < labels.size(); ++i)
    for (size_t d = 0; d < x.labels.size(); ++d)
      if (x.labels[d] == labels[i] && x.shape[d] != 1) out[i] += dense[d];
  return out;
}

// x under other labels; what is not among them is summed away.
template <class T>
Labelled<T> project(const NodeContext& ctx, const Equation& equation, const Labelled<T>& x,
                    const Labels& labels) {
  Labels summed;
  for (const char label : x.labels)
    if (labels.find(label) == Labels::npos && summed.find(label) == Labels::npos)
      summed.push_back(label);
  Labelled<T> out{labels, equation.shape(labels), {}};
  check_room(ctx, DType::Float64, out.shape);
  out.values.resize(out.shape.elements());
  const auto inner_strides = strides_along(x, summed);
  const Shape inner = equation.shape(summed);
  walk(out.shape, strides_along(x, labels), [&](size_t i, size_t base) {
    T sum = 0;
    walk(inner, inner_strides, [&](size_t, size_t at) { sum += x.values[base + at]; });
    out.values[i] = sum;
  });
  return out;
}

// [batch, m, k] times [batch, k, n].
template <class T>
std::vector<T> multiply(const NodeContext& ctx, const Labelled<T>& a, const Labelled<T>& b,
                        const std::array<int64_t, 4>& sizes) {
  const auto [batch, m, k, n] = sizes;
  check_room(ctx, DType::Float64, {batch, m, n});
  if constexpr (std::is_same_v<T, float>) {
    const std::array operands{Tensor::of<float>({batch, m, k}, a.values),
                              Tensor::of<float>({batch, k, n}, b.values)};
    const Tensor product = apply_op(ctx, "MatMul", operands);
    const auto values = product.values<float>();
    return {values.begin(), values.end()};
  }
  std::vector<T> out(static_cast<size_t>(batch * m * n));
  const T *x = a.values.data(), *y = b.values.data();
  T* to = out.data();
  for (int64_t row = 0; row < batch * m; ++row, to += n)
    for (int64_t i = 0; i < k; ++i) {
      const T factor = x[row * k + i];
      const T* from = y + (row / m * k + i) * n;
      for (int64_t j = 0; j < n; ++j) to[j] += factor * from[j];
    }
  return out;
}

// The product of two operands under the labels that `needed` holds or the output has.
template <class T>
Labelled<T> contract(const NodeContext& ctx, const Equation& equation, Labelled<T> a, Labelled<T> b,
                     const std::set<char>& needed) {
  Labels batch, rows, columns, depth;
  for (const char label : std::set<char>(a.labels.begin(), a.labels.end()))
    if (b.has(label))
      (needed.count(label) ? batch : depth).push_back(label);
    else if (needed.count(label))
      rows.push_back(label);
  for (const char label : std::set<char>(b.labels.begin(), b.labels.end()))
    if (!a.has(label) && needed.count(label)) columns.push_back(label);
  const auto size = [&](const Labels& labels) {
    return static_cast<int64_t>(equation.shape(labels).elements());
  };
  a = project(ctx, equation, a, batch + rows + depth);
  b = project(ctx, equation, b, batch + depth + columns);
  Labelled<T> out{batch + rows + columns, equation.shape(batch + rows + columns), {}};
  out.values = multiply(ctx, a, b, {size(batch), size(rows), size(depth), size(columns)});
  return out;
}

template <class T>
Tensor einsum_of(const NodeContext& ctx, const Equation& equation) {
  std::vector<Labelled<T>> operands;
  for (size_t i = 0; i < ctx.input_count(); ++i)
    operands.push_back({equation.terms[i], ctx.shape(i), wide_values<T>(ctx, ctx.value(i))});
  Labelled<T> result = std::move(operands[0]);
  for (size_t i = 1; i < operands.size(); ++i) {
    std::set<char> needed(equation.output.begin(), equation.output.end());
    for (size_t later = i + 1; later < operands.size(); ++later)
      needed.insert(operands[later].labels.begin(), operands[later].labels.end());
    result = contract(ctx, equation, std::move(result), std::move(operands[i]), needed);
  }
  result = project(ctx, equation, result, equation.output);
  if constexpr (std::is_same_v<T, float>)
    return make_tensor(ctx, ctx.dtype(0), result.shape,
                       std::vector<double>(result.values.begin(), result.values.end()));
  else
    return make_tensor(ctx, ctx.dtype(0), result.shape, std::span<const T>(result.values));
}

void infer_einsum(InferContext& ctx) {
  for (size_t i = 1; i < ctx.input_count(); ++i)
    if (ctx.dtype(i) != ctx.dtype(0)) ctx.fail("operands of several types");
  const Equation equation = parse_equation(ctx);
  ctx.set_output(0, ctx.dtype(0), equation.shape(equation.output));
}

std::vector<Tensor> einsum(const NodeContext& ctx) {
  const Equation equation = parse_equation(ctx);
  switch (wide_type(ctx, ctx.dtype(0)).wide) {
  case Wide::F32:
    return {einsum_of<float>(ctx, equation)};
  case Wide::F64:
    return {einsum_of<double>(ctx, equation)};
  default:
    return {einsum_of<int64_t>(ctx, equation)};
  }
}

// --- Det, Inverse: of matrices in the last two axes
void check_square(const NodeContext& ctx) {
  const Shape& x = ctx.shape(0);
  if (x.rank() < 2 || x.back() != x[x.rank() - 2])
    ctx.fail("square matrices expected, not ", to_string(x));
  if (!is_float(ctx.dtype(0))) ctx.unsupported("elements of type ", dtype_name(ctx.dtype(0)));
}

Shape det_shape(const NodeContext& ctx) {
  check_square(ctx);
  const Shape& x = ctx.shape(0);
  Shape out;
  for (size_t i = 0; i + 2 < x.rank(); ++i) out.push_back(x[i]);
  return out;
}

void infer_det(InferContext& ctx) {
  ctx.set_output(0, ctx.dtype(0), det_shape(ctx));
}

// The row from i on whose element of column i is the largest.
size_t pivot_row(const double* a, size_t n, size_t i) {
  size_t pivot = i;
  for (size_t r = i + 1; r < n; ++r)
    if (std::abs(a[r * n + i]) > std::abs(a[pivot * n + i])) pivot = r;
  return pivot;
}

// By elimination with the largest pivot; overwrites the matrix.
double determinant(double* a, size_t n) {
  double result = 1;
  for (size_t i = 0; i < n; ++i) {
    const size_t pivot = pivot_row(a, n, i);
    if (a[pivot * n + i] == 0) return 0;
    if (pivot != i) {
      std::swap_ranges(a + pivot * n, a + pivot * n + n, a + i * n);
      result = -result;
    }
    result *= a[i * n + i];
    for (size_t r = i + 1; r < n; ++r) {
      const double factor = a[r * n + i] / a[i * n + i];
      for (size_t c = i; c < n; ++c) a[r * n + c] -= factor * a[i * n + c];
    }
  }
  return result;
}

std::vector<Tensor> det(const NodeContext& ctx) {
  Shape shape = det_shape(ctx);
  const auto n = static_cast<size_t>(ctx.shape(0).back());
  std::vector<double> values = *ctx.float_values(0), out(shape.elements());
  for (size_t i = 0; i < out.size(); ++i) out[i] = determinant(values.data() + i * n * n, n);
  return {make_tensor(ctx, ctx.dtype(0), shape, out)};
}

void infer_inverse(InferContext& ctx) {
  check_square(ctx);
  ctx.pass_through();
}

// By elimination in all other rows; `a`, which it overwrites, becomes the identity and `out`, which
// was that, the inverse. That of a singular matrix has infinite elements, as in onnxruntime.
void invert(double* a, double* out, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    const size_t pivot = pivot_row(a, n, i);
    for (double* m : {a, out})
      if (pivot != i) std::swap_ranges(m + pivot * n, m + pivot * n + n, m + i * n);
    const double scale = 1 / a[i * n + i];
    for (double* m : {a, out})
      for (size_t c = 0; c < n; ++c) m[i * n + c] *= scale;
    for (size_t r = 0; r < n; ++r) {
      const double factor = a[r * n + i];
      if (r == i) continue;
      for (double* m : {a, out})
        for (size_t c = 0; c < n; ++c) m[r * n + c] -= factor * m[i * n + c];
    }
  }
}

std::vector<Tensor> inverse(const NodeContext& ctx) {
  const auto n = static_cast<size_t>(ctx.shape(0).back());
  std::vector<double> a = *ctx.float_values(0), out(a.size());
  for (size_t at = 0; at < a.size(); at += n * n) {
    for (size_t i = 0; i < n; ++i) out[at + i * (n + 1)] = 1;
    invert(a.data() + at, out.data() + at, n);
  }
  return {make_tensor(ctx, ctx.dtype(0), ctx.shape(0), out)};
}
} // namespace

extern const OpDef op_einsum{.infer = infer_einsum, .compute = einsum};
extern const OpDef op_det{.infer = infer_det, .compute = det};
extern const OpDef op_inverse{.infer = infer_inverse, .compute = inverse};

} // namespace octet

// Linear models and support vector machines of ai.onnx.ml. Scores of SVMs are those of libsvm
// (Chang and Lin 2011), their probabilities the pairwise coupling of Wu, Lin and Weng (2004).
#include <algorithm>
#include <cmath>

#include "ops/ml_scores.h"
#include "ops/numbers.h"

namespace octet {
namespace {
using Scores = std::vector<double>;

size_t largest_of(const Scores& scores) {
  return static_cast<size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

std::vector<double> doubles_attribute(const NodeContext& ctx, std::string_view name) {
  const auto floats = ctx.attributes().get_floats(name);
  return {floats.begin(), floats.end()};
}

double dot(const double* a, const double* b, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

// Rows of coefficients, and a number for each that is added.
struct Planes {
  std::vector<double> coefficients, offsets;
  size_t count, width;

  Scores scores(const double* x) const {
    Scores out(count);
    for (size_t i = 0; i < count; ++i)
      out[i] = dot(&coefficients[i * width], x, width) + (offsets.empty() ? 0 : offsets[i]);
    return out;
  }
};

Planes read_planes(const NodeContext& ctx, size_t width, std::optional<int64_t> targets) {
  Planes out{doubles_attribute(ctx, "coefficients"), doubles_attribute(ctx, "intercepts"), 0,
             width};
  out.count = width ? out.coefficients.size() / width : 0;
  if (out.count == 0 || out.count * width != out.coefficients.size() ||
      (targets && static_cast<int64_t>(out.count) != *targets))
    ctx.fail(out.coefficients.size(), " coefficients for ", width, " features");
  if (!out.offsets.empty() && out.offsets.size() != out.count)
    ctx.fail(out.offsets.size(), " intercepts for ", out.count, " rows of coefficients");
  return out;
}

// Makes [rows, as many as f gives] float32 numbers: f(x, row) yields a row's.
template <class F>
Tensor map_rows(const NodeContext& ctx, const Rows& rows, F&& f) {
  const auto x = *ctx.float_values(0);
  std::vector<double> out;
  for (int64_t r = 0; r < rows.count; ++r) {
    const Scores scores = f(x.data() + r * rows.width);
    out.insert(out.end(), scores.begin(), scores.end());
  }
  const int64_t columns = rows.count ? static_cast<int64_t>(out.size()) / rows.count : 0;
  return make_tensor(ctx, DType::Float32, {rows.count, columns}, out);
}

std::vector<Tensor> linear_regressor(const NodeContext& ctx) {
  const Rows rows = rows_of(ctx);
  const Planes planes =
      read_planes(ctx, static_cast<size_t>(rows.width), ctx.attributes().get_int("targets", 1));
  const PostTransform transform = post_transform_of(ctx);
  return {map_rows(ctx, rows, [&](const double* x) {
    Scores scores = planes.scores(x);
    finish_scores(scores, transform, SecondClass::None);
    return scores;
  })};
}

std::vector<Tensor> finish_classifier(const NodeContext& ctx, const ClassLabels& labels,
                                      const std::vector<size_t>& classes, Tensor scores) {
  std::vector<Tensor> out = {labels.pick(classes), std::move(scores)};
  out.resize(ctx.node().outputs.size());
  return out;
}

std::vector<Tensor> linear_classifier(const NodeContext& ctx) {
  const Rows rows = rows_of(ctx);
  const ClassLabels labels(ctx, "classlabels_ints", "classlabels_strings");
  const Planes planes = read_planes(ctx, static_cast<size_t>(rows.width), std::nullopt);
  const bool is_single = planes.count == 1;
  if (labels.size() > 2 ? planes.count != labels.size() : planes.count > 2)
    ctx.fail(planes.count, " rows of coefficients for ", labels.size(), " classes");
  if (planes.count == 2 && labels.size() == 1) ctx.fail("two rows of coefficients for one class");
  const PostTransform transform = post_transform_of(ctx);
  std::vector<size_t> classes;
  Tensor scores = map_rows(ctx, rows, [&](const double* x) {
    Scores row = planes.scores(x);
    classes.push_back(is_single ? row[0] > 0 : largest_of(row));
    finish_scores(row, transform,
                  is_single && labels.size() == 2 ? SecondClass::Complement : SecondClass::None);
    return row;
  });
  return finish_classifier(ctx, labels, classes, std::move(scores));
}

// --- support vector machines
struct Svm {
  enum class Kernel : uint8_t { Linear, Poly, Rbf, Sigmoid } kernel = Kernel::Linear;
  double gamma = 0, offset = 0, degree = 0;
  std::vector<double> vectors, coefficients, rho;
  size_t width = 0;

  double apply(const double* a, const double* b) const {
    switch (kernel) {
    case Kernel::Linear:
      break;
    case Kernel::Poly:
      return std::pow(gamma * dot(a, b, width) + offset, degree);
    case Kernel::Rbf: {
      double sum = 0;
      for (size_t i = 0; i < width; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
      return std::exp(-gamma * sum);
    }
    case Kernel::Sigmoid:
      return std::tanh(gamma * dot(a, b, width) + offset);
    }
    return dot(a, b, width);
  }
};

Svm read_svm(const NodeContext& ctx, size_t width, size_t vectors) {
  constexpr std::string_view kKernels[] = {"LINEAR", "POLY", "RBF", "SIGMOID"};
  const std::string kernel = ctx.attributes().get_string("kernel_type", "LINEAR");
  const auto* found = std::find(std::begin(kKernels), std::end(kKernels), kernel);
  if (found == std::end(kKernels)) ctx.fail("kernel_type is '", kernel, "'");
  auto parameters = doubles_attribute(ctx, "kernel_params");
  parameters.resize(3);
  Svm out{.kernel = static_cast<Svm::Kernel>(found - std::begin(kKernels)),
          .gamma = parameters[0],
          .offset = parameters[1],
          .degree = parameters[2],
          .vectors = doubles_attribute(ctx, "support_vectors"),
          .coefficients = doubles_attribute(ctx, "coefficients"),
          .rho = doubles_attribute(ctx, "rho"),
          .width = width};
  if (out.vectors.size() != checked_mul(vectors, width))
    ctx.fail(out.vectors.size(), " numbers in ", vectors, " support vectors of ", width);
  if (out.rho.empty()) ctx.fail("rho is empty");
  return out;
}

std::vector<Tensor> svm_regressor(const NodeContext& ctx) {
  const Rows rows = rows_of(ctx);
  const int64_t given = ctx.attributes().get_int("n_supports", 0);
  if (given < 0) ctx.fail("n_supports is ", given);
  const auto width = static_cast<size_t>(rows.width), count = static_cast<size_t>(given);
  Svm svm = read_svm(ctx, width, count);
  if (count == 0) svm.kernel = Svm::Kernel::Linear;
  if (svm.coefficients.size() != (count ? count : width))
    ctx.fail(svm.coefficients.size(), " coefficients for ", count, " support vectors");
  const bool one_class = ctx.attributes().get_int("one_class", 0) != 0;
  const PostTransform transform = post_transform_of(ctx);
  return {map_rows(ctx, rows, [&](const double* x) {
    double sum = svm.rho[0];
    if (count == 0) sum += svm.apply(svm.coefficients.data(), x);
    for (size_t j = 0; j < count; ++j)
      sum += svm.coefficients[j] * svm.apply(x, &svm.vectors[j * width]);
    Scores scores{one_class ? (sum > 0 ? 1.0 : -1.0) : sum};
    finish_scores(scores, transform, SecondClass::None);
    return scores;
  })};
}

// Probabilities of k classes, given those of each in every pair (k × k).
Scores couple(const std::vector<double>& pairs, size_t k) {
  std::vector<double> q(k * k), qp(k);
  Scores p(k, 1.0 / static_cast<double>(k));
  for (size_t t = 0; t < k; ++t)
    for (size_t j = 0; j < k; ++j) {
      if (j == t) continue;
      q[t * k + t] += pairs[j * k + t] * pairs[j * k + t];
      q[t * k + j] = -pairs[j * k + t] * pairs[t * k + j];
    }
  for (size_t round = 0; round < std::max<size_t>(100, k); ++round) {
    double total = 0, error = 0;
    for (size_t t = 0; t < k; ++t) qp[t] = dot(&q[t * k], p.data(), k), total += p[t] * qp[t];
    for (size_t t = 0; t < k; ++t) error = std::max(error, std::abs(qp[t] - total));
    if (error < 0.005 / static_cast<double>(k)) break;
    for (size_t t = 0; t < k; ++t) {
      const double step = (total - qp[t]) / q[t * k + t];
      p[t] += step;
      total = (total + step * (step * q[t * k + t] + 2 * qp[t])) / (1 + step) / (1 + step);
      for (size_t j = 0; j < k; ++j) {
        qp[j] = (qp[j] + step * q[t * k + j]) / (1 + step);
        p[j] /= 1 + step;
      }
    }
  }
  return p;
}

// One machine for each pair of classes; the classes' vectors follow each other.
struct PairMachines {
  Svm svm;
  std::vector<size_t> begins; // where each class's vectors begin, and the end
  std::vector<double> a, b;   // of the sigmoids that give probabilities, or nothing

  size_t classes() const { return begins.size() - 1; }

  Scores pair_scores(const double* x, std::vector<double>& votes) const {
    const size_t k = classes(), total = begins.back();
    std::vector<double> near(total);
    for (size_t j = 0; j < total; ++j) near[j] = svm.apply(x, &svm.vectors[j * svm.width]);
    Scores out;
    votes.assign(k, 0);
    const auto part = [&](size_t row, size_t of) {
      const size_t begin = begins[of];
      return dot(&svm.coefficients[row * total + begin], &near[begin], begins[of + 1] - begin);
    };
    for (size_t i = 0; i < k; ++i)
      for (size_t j = i + 1; j < k; ++j) {
        out.push_back(svm.rho[out.size()] + part(j - 1, i) + part(i, j));
        votes[out.back() > 0 ? i : j] += 1;
      }
    return out;
  }

  Scores probabilities(const Scores& scores) const {
    const size_t k = classes();
    std::vector<double> pairs(k * k);
    for (size_t i = 0, at = 0; i < k; ++i)
      for (size_t j = i + 1; j < k; ++j, ++at) {
        const double p = 1 / (1 + std::exp(scores[at] * a[at] + b[at]));
        pairs[i * k + j] = std::clamp(p, 1e-7, 1 - 1e-7);
        pairs[j * k + i] = 1 - pairs[i * k + j];
      }
    return couple(pairs, k);
  }
};

PairMachines read_machines(const NodeContext& ctx, size_t width, size_t classes) {
  PairMachines out;
  size_t total = 0;
  for (const int64_t count : ctx.attributes().get_ints("vectors_per_class")) {
    if (count < 0) ctx.fail("a class of ", count, " support vectors");
    out.begins.push_back(total);
    total = checked_add(total, static_cast<size_t>(count));
  }
  out.begins.push_back(total);
  if (out.classes() != classes || classes < 2)
    ctx.fail(out.classes(), " counts of support vectors for ", classes, " classes");
  out.svm = read_svm(ctx, width, total);
  out.a = doubles_attribute(ctx, "prob_a");
  out.b = doubles_attribute(ctx, "prob_b");
  const size_t pairs = classes * (classes - 1) / 2;
  if (out.svm.coefficients.size() != checked_mul(classes - 1, total) ||
      out.svm.rho.size() != pairs || out.a.size() != out.b.size() ||
      (!out.a.empty() && out.a.size() != pairs))
    ctx.fail("coefficients, rho or prob_a do not fit ", classes, " classes");
  return out;
}

std::vector<Tensor> svm_by_pairs(const NodeContext& ctx, const Rows& rows,
                                 const ClassLabels& labels) {
  const PairMachines machines = read_machines(ctx, static_cast<size_t>(rows.width), labels.size());
  const auto& coefficients = machines.svm.coefficients;
  const bool all_positive =
      std::all_of(coefficients.begin(), coefficients.end(), [](double c) { return c >= 0; });
  const PostTransform transform = post_transform_of(ctx);
  const bool has_probabilities = !machines.a.empty();
  std::vector<size_t> classes;
  Tensor scores = map_rows(ctx, rows, [&](const double* x) {
    std::vector<double> votes;
    Scores row = machines.pair_scores(x, votes);
    size_t best = largest_of(votes);
    // Of two classes whose votes are all positive, as onnxruntime has it.
    if (row.size() == 1 && !has_probabilities && all_positive && votes[best] >= 0.5) best = 1;
    classes.push_back(best);
    if (has_probabilities) row = machines.probabilities(row);
    finish_scores(row, transform, SecondClass::Opposite);
    return row;
  });
  return finish_classifier(ctx, labels, classes, std::move(scores));
}

// Without support vectors: one linear function for each class, all with the first offset.
std::vector<Tensor> svm_by_planes(const NodeContext& ctx, const Rows& rows,
                                  const ClassLabels& labels) {
  Planes planes =
      read_planes(ctx, static_cast<size_t>(rows.width), static_cast<int64_t>(labels.size()));
  const auto rho = doubles_attribute(ctx, "rho");
  if (rho.empty()) ctx.fail("rho is empty");
  planes.offsets.assign(planes.count, rho[0]);
  const PostTransform transform = post_transform_of(ctx);
  std::vector<size_t> classes;
  Tensor scores = map_rows(ctx, rows, [&](const double* x) {
    Scores row = planes.scores(x);
    classes.push_back(row.size() == 1 ? row[0] > 0 : largest_of(row));
    finish_scores(row, transform, SecondClass::None);
    return row;
  });
  return finish_classifier(ctx, labels, classes, std::move(scores));
}

std::vector<Tensor> svm_classifier(const NodeContext& ctx) {
  const Rows rows = rows_of(ctx);
  const ClassLabels labels(ctx, "classlabels_ints", "classlabels_strings");
  const bool has_vectors = !ctx.attributes().get_ints("vectors_per_class").empty();
  return (has_vectors ? svm_by_pairs : svm_by_planes)(ctx, rows, labels);
}
} // namespace

extern const OpDef op_linear_regressor{.compute = linear_regressor};
extern const OpDef op_linear_classifier{.compute = linear_classifier};
extern const OpDef op_svm_regressor{.compute = svm_regressor};
extern const OpDef op_svm_classifier{.compute = svm_classifier};

} // namespace octet

// The lowered Attention against the formula in double precision, for every way to lay out operands.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>
#include <random>

#include "tests/ops/run_op.h"

using namespace octet;

namespace {
using Dims = std::array<int64_t, 4>;
using Axes = std::vector<int64_t>;

// A tensor of `dims` whose axes lie as `perm` says: dim i is dim perm[i] in memory.
struct Operand {
  Dims dims;
  Axes perm;
  std::vector<float> values;

  Shape shape() const {
    Shape out{0, 0, 0, 0};
    for (size_t i = 0; i < 4; ++i) out[static_cast<size_t>(perm[i])] = dims[i];
    return out;
  }
  // Indices past a length of 1 repeat it.
  float at(const Dims& index) const {
    const Shape memory = shape();
    std::array<size_t, 4> place{};
    for (size_t i = 0; i < 4; ++i)
      place[static_cast<size_t>(perm[i])] = static_cast<size_t>(dims[i] == 1 ? 0 : index[i]);
    size_t offset = 0;
    for (size_t i = 0; i < 4; ++i) offset = offset * static_cast<size_t>(memory[i]) + place[i];
    return values[offset];
  }
  Tensor tensor() const { return floats(shape(), values); }
};

class Cases {
public:
  int64_t size(int64_t least, int64_t most) {
    return std::uniform_int_distribution<int64_t>(least, most)(random_);
  }
  bool chance() { return size(0, 1) == 1; }
  // One of the lengths, or 1 where it may broadcast.
  int64_t length(int64_t n) { return size(0, 4) == 0 ? 1 : n; }
  std::vector<float> numbers(const Dims& dims) {
    std::vector<float> out(static_cast<size_t>(dims[0] * dims[1] * dims[2] * dims[3]));
    for (float& x : out) x = std::uniform_real_distribution<float>(-2, 2)(random_);
    return out;
  }
  // `last`: the axis that stays the last one in memory.
  Operand operand(Dims dims, int64_t last) {
    Axes others{0, 1, 2}, perm(4);
    std::shuffle(others.begin(), others.end(), random_);
    for (size_t i = 0, next = 0; i < 4; ++i)
      perm[i] = static_cast<int64_t>(i) == last ? 3 : others[next++];
    return {dims, perm, numbers(dims)};
  }

private:
  std::mt19937 random_{7};
};

struct Attention {
  Operand q, k, v, mask, condition; // condition: above 0 is true
  bool has_mask, has_condition;
  float scale, fill;

  double score(int64_t b, int64_t h, int64_t m, int64_t n) const {
    double sum = 0;
    for (int64_t d = 0; d < q.dims[3]; ++d)
      sum += static_cast<double>(q.at({b, h, m, d})) * k.at({b, h, d, n});
    sum *= scale;
    if (has_condition && !(condition.at({b, h, m, n}) > 0)) sum = fill;
    return has_mask ? sum + mask.at({b, h, m, n}) : sum;
  }

  double result(int64_t b, int64_t h, int64_t m, int64_t e) const {
    const int64_t columns = v.dims[2];
    std::vector<double> weights;
    for (int64_t n = 0; n < columns; ++n) weights.push_back(score(b, h, m, n));
    const double max = *std::max_element(weights.begin(), weights.end());
    double sum = 0, out = 0;
    for (double& w : weights) sum += w = std::exp(w - max);
    for (int64_t n = 0; n < columns; ++n)
      out += weights[static_cast<size_t>(n)] / sum * v.at({b, h, n, e});
    return out;
  }

  Tensor run(const Axes& y_perm) const {
    std::vector<uint8_t> seen;
    for (float x : condition.values) seen.push_back(x > 0);
    const Tensor choice(
        DType::Bool, condition.shape(),
        Tensor::of<uint8_t>(condition.shape(), std::span<const uint8_t>(seen)).data());
    return run_op(
        {.op_type = "Attention",
         .inputs = {q.tensor(), k.tensor(), v.tensor(), has_mask ? mask.tensor() : Tensor(),
                    has_condition ? choice : Tensor()},
         .attributes = {{"q_perm", q.perm},
                        {"k_perm", k.perm},
                        {"v_perm", v.perm},
                        {"y_perm", y_perm},
                        {"scale", scale},
                        {"fill", fill}},
         .domain = "octet"})[0];
  }
};
} // namespace

TEST_CASE("attention of any layout is softmax of scores times values") {
  Cases cases;
  for (int round = 0; round < 120; ++round) {
    const int64_t batch = cases.size(1, 3), heads = cases.size(1, 3), depth = cases.size(1, 9),
                  values = cases.size(1, 19), rows = cases.chance() ? cases.size(1, 11) : 1,
                  columns = round == 0 ? 1100 : cases.size(1, 21);
    const auto scores = [&](int64_t last) {
      return Dims{cases.length(batch), cases.length(heads), cases.length(rows), last};
    };
    const Axes plain{0, 1, 2, 3};
    Attention a{.q = cases.operand({batch, cases.length(heads), rows, depth}, 3),
                .k = cases.operand({cases.length(batch), cases.length(heads), depth, columns},
                                   cases.size(2, 3)),
                .v = cases.operand({cases.length(batch), heads, columns, values}, 3),
                .mask = {scores(cases.length(columns)), plain, {}},
                .condition = {scores(cases.length(columns)), plain, {}},
                .has_mask = cases.chance(),
                .has_condition = cases.chance(),
                .scale = 0.5f,
                .fill = -3};
    a.mask.values = cases.numbers(a.mask.dims);
    a.condition.values = cases.numbers(a.condition.dims);
    Operand y = cases.operand({batch, heads, rows, values}, 3);
    const Tensor result = a.run(y.perm);
    REQUIRE(result.shape() == y.shape());
    y.values = values_of<float>(result);
    for (int64_t b = 0; b < batch; ++b)
      for (int64_t h = 0; h < heads; ++h)
        for (int64_t m = 0; m < rows; ++m)
          for (int64_t e = 0; e < values; ++e)
            REQUIRE(y.at({b, h, m, e}) == Approx(a.result(b, h, m, e)).margin(1e-5));
  }
}

TEST_CASE("attention refuses operands that do not multiply") {
  const Tensor q = counting({1, 2, 3, 4}), k = counting({1, 2, 4, 5}), v = counting({1, 2, 5, 6});
  const auto refuses = [](std::vector<Tensor> inputs) {
    CHECK_THROWS_AS(
        run_op({.op_type = "Attention", .inputs = std::move(inputs), .domain = "octet"}), Error);
  };
  CHECK(run_op({.op_type = "Attention", .inputs = {q, k, v}, .domain = "octet"})[0].shape() ==
        Shape{1, 2, 3, 6});
  refuses({q, counting({1, 2, 3, 5}), v});
  refuses({q, k, counting({1, 2, 4, 6})});
  refuses({q, k, counting({1, 3, 5, 6})});
  refuses({q, k, counting({2, 5, 6})});
  refuses({q, k, v, counting({2, 2, 2, 5})});
}

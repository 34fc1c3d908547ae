#include "quant/gptq.h"

#include <algorithm>
#include <cmath>

#include "quant/sample.h"

namespace octet {
namespace {
constexpr size_t kTile = kGptqRows;
constexpr size_t kEnoughProducts = 20'000'000; // between two chances to stop

// h[0 … count) += Σ a[r] · x[r][0 … count) for four rows x.
void add_products(const float* const* x, const float* a, size_t count, float* __restrict h) {
  const float* __restrict x0 = x[0], * __restrict x1 = x[1];
  const float* __restrict x2 = x[2], * __restrict x3 = x[3];
  const float a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3];
  for (size_t j = 0; j < count; ++j) h[j] += (a0 * x0[j] + a1 * x1[j]) + (a2 * x2[j] + a3 * x3[j]);
}

float dot(const float* a, const float* b, size_t count) {
  float sums[8] = {};
  size_t i = 0;
  for (; i + 8 <= count; i += 8)
    for (size_t lane = 0; lane < 8; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  float sum = 0;
  for (const float lane : sums) sum += lane;
  for (; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

// to[i] += l[i] · x for each i < count, on tiles of rows.
void spread(const float* __restrict l, size_t count, const float* x, float* __restrict to) {
  float values[kTile];
  std::copy_n(x, kTile, values);
  for (size_t i = 0; i < count; ++i, to += kTile)
    for (size_t n = 0; n < kTile; ++n) to[n] += l[i] * values[n];
}

// Σ over rows of ‖x L‖² − damping · ‖x‖², where x(position, to) gives a tile of rows.
template <class Source>
double energy(const Gram& gram, const Source& x) {
  const size_t columns = gram.columns();
  std::vector<float> sums(columns * kTile);
  double total = 0, plain = 0;
  for (size_t t = columns; t-- > 0;) {
    float tile[kTile] = {};
    x(t, tile);
    const float* l = gram.row(t);
    spread(l, t + 1, tile, sums.data());
    for (size_t n = 0; n < kTile; ++n) {
      total += double{sums[t * kTile + n]} * sums[t * kTile + n];
      plain += double{tile[n]} * tile[n];
    }
  }
  return std::max(total - double{gram.damping()} * plain, 0.0);
}

int32_t code_value(uint8_t bits, DType type) {
  return type == DType::UInt8 || type == DType::UInt4 ? bits : static_cast<int8_t>(bits);
}

// Rounds one tile of rows.
class TileRounder {
public:
  TileRounder(const WeightMatrix& matrix, const BlockRule& rule, const Gram& gram, size_t begin,
              size_t end, BlockWeights& out)
      : matrix_(matrix), rule_(rule), gram_(gram), begin_(begin), rows_(end - begin), out_(out),
        sums_(gram.columns() * kTile) {}

  void run() {
    for (size_t b = 0, end = gram_.columns(); b < matrix_.blocks.count(); ++b) {
      const size_t first = end;
      end -= matrix_.blocks.columns_of(b).size();
      choose_params(b, first, end);
      for (size_t t = first; t-- > end;) round_column(t);
    }
  }

private:
  float weight(size_t n, size_t t) const { return matrix_.at(begin_ + n, gram_.order()[t]); }

  // The weights of a block as they would be without rounding, given those rounded before: what its
  // range follows from.
  void choose_params(size_t block, size_t first, size_t last) {
    std::vector<float> sums(sums_.begin() + static_cast<ptrdiff_t>(last * kTile),
                            sums_.begin() + static_cast<ptrdiff_t>(first * kTile));
    std::vector<float> free(sums.size());
    for (size_t t = first; t-- > last;) {
      const float* l = gram_.row(t);
      float shift[kTile] = {};
      for (size_t n = 0; n < rows_; ++n) {
        shift[n] = -sums[(t - last) * kTile + n] / l[t];
        free[n * (first - last) + t - last] = weight(n, t) - shift[n];
      }
      spread(l + last, t - last, shift, sums.data());
    }
    for (size_t n = 0; n < rows_; ++n) {
      params_[n] = rule_.params(std::span(free).subspan(n * (first - last), first - last));
      const size_t at = (begin_ + n) * matrix_.blocks.count() + block;
      out_.scales[at] = params_[n].scale;
      out_.zeros[at] = static_cast<uint8_t>(params_[n].zero_point);
    }
  }

  void round_column(size_t t) {
    const float* l = gram_.row(t);
    const size_t column = gram_.order()[t];
    float shift[kTile] = {};
    for (size_t n = 0; n < rows_; ++n) {
      const float w = weight(n, t), wanted = w + sums_[t * kTile + n] / l[t];
      const int32_t code = quantize_value(wanted, params_[n], rule_.codes());
      out_.codes[(begin_ + n) * gram_.columns() + column] = static_cast<uint8_t>(code);
      shift[n] = w - dequantize_value(code, params_[n]);
      out_.signal += double{w} * w;
      out_.noise += double{shift[n]} * shift[n];
    }
    spread(l, t, shift, sums_.data());
  }

  const WeightMatrix& matrix_;
  const BlockRule& rule_;
  const Gram& gram_;
  size_t begin_, rows_;
  BlockWeights& out_;
  std::vector<float> sums_; // Σ_{i > j} (w_i − q_i) L_ij, [position, row]
  ScaleAndZero params_[kTile];
};
} // namespace

void Gram::add(std::span<const float> rows) {
  constexpr size_t kChunk = 32, kTogether = 4;
  matrix_.resize(columns_ * columns_);
  const std::vector<float> zeros(columns_);
  const size_t count = rows.size() / columns_;
  for (size_t begin = 0; begin < count; begin += kChunk) {
    const size_t end = std::min(begin + kChunk, count);
    for (size_t i = 0; i < columns_; ++i) {
      for (size_t r = begin; r < end; r += kTogether) {
        const float* x[kTogether];
        float a[kTogether];
        for (size_t j = 0; j < kTogether; ++j) {
          x[j] = r + j < end ? rows.data() + (r + j) * columns_ : zeros.data();
          a[j] = x[j][i];
        }
        add_products(x, a, i + 1, &matrix_[i * columns_]);
      }
    }
  }
}

float Gram::mean_diagonal() const {
  double sum = 0;
  if (!matrix_.empty())
    for (size_t i = 0; i < columns_; ++i) sum += matrix_[i * columns_ + i];
  return columns_ ? static_cast<float>(sum / static_cast<double>(columns_)) : 0;
}

void Gram::put_in_order(const BlockLayout& blocks) {
  for (size_t b = blocks.count(); b-- > 0;) {
    const std::vector<size_t> members = blocks.columns_of(b);
    order_.insert(order_.end(), members.rbegin(), members.rend());
  }
  constexpr float kDamping = 0.01f;
  damping_ = kDamping * mean_diagonal();
  std::vector<float> ordered(matrix_.size());
  for (size_t i = 0; i < columns_; ++i)
    for (size_t j = 0; j <= i; ++j) {
      const size_t a = std::max(order_[i], order_[j]), b = std::min(order_[i], order_[j]);
      ordered[i * columns_ + j] = matrix_[a * columns_ + b];
    }
  for (size_t i = 0; i < columns_; ++i) ordered[i * columns_ + i] += damping_;
  matrix_ = std::move(ordered);
}

bool Gram::factor(const BlockLayout& blocks) {
  if (order_.empty()) put_in_order(blocks);
  for (size_t work = 0; factored_ < columns_ && work < kEnoughProducts; ++factored_) {
    const size_t i = factored_;
    float* l = &matrix_[i * columns_];
    for (size_t j = 0; j < i; ++j) l[j] = (l[j] - dot(l, row(j), j)) / row(j)[j];
    l[i] = std::sqrt(std::max(l[i] - dot(l, l, i), damping_));
    work += i * i / 2;
  }
  return factored_ == columns_;
}

size_t GramSink::add_taps(const std::string& name, size_t columns, size_t count) {
  taps_.insert(taps_.end(), count, {name, Gram(columns), {}});
  return taps_.size() - count;
}

void GramSink::observe(size_t tap, std::span<const float> values) {
  Tap& tapped = taps_.at(tap);
  check_sample(tapped.name, values);
  tapped.seen.insert(tapped.seen.end(), values.begin(), values.end());
  next_ = std::min(next_, tap);
}

bool GramSink::digest() {
  for (size_t work = 0; next_ < taps_.size() && work < kEnoughProducts;) {
    auto& [name, gram, seen] = taps_[next_];
    const size_t columns = gram.columns(), row_work = columns * columns / 2 + 1;
    const size_t rows = std::min(kEnoughProducts / row_work + 1, seen.size() / columns);
    gram.add(std::span(seen).last(rows * columns));
    seen.resize(seen.size() - rows * columns);
    work += rows * row_work;
    if (!seen.empty()) continue;
    seen.shrink_to_fit();
    ++next_;
  }
  return next_ < taps_.size();
}

void gptq_rows(const WeightMatrix& matrix, const BlockRule& rule, const Gram& gram, size_t begin,
               size_t end, BlockWeights& out) {
  TileRounder(matrix, rule, gram, begin, end, out).run();
}

void measure_rows(const WeightMatrix& matrix, const BlockWeights& weights, DType type,
                  const Gram& gram, size_t begin, size_t end, OutputError& out) {
  const BlockLayout& blocks = matrix.blocks;
  std::vector<size_t> block_of(blocks.columns());
  for (size_t b = 0; b < blocks.count(); ++b)
    for (const size_t column : blocks.columns_of(b)) block_of[column] = b;
  out.signal += energy(gram, [&](size_t t, float* to) {
    for (size_t row = begin; row < end; ++row) to[row - begin] = matrix.at(row, gram.order()[t]);
  });
  out.noise += energy(gram, [&](size_t t, float* to) {
    const size_t column = gram.order()[t];
    for (size_t row = begin; row < end; ++row) {
      const size_t at = row * blocks.count() + block_of[column];
      const ScaleAndZero params{weights.scales[at], code_value(weights.zeros[at], type)};
      const uint8_t code = weights.codes[row * blocks.columns() + column];
      to[row - begin] = matrix.at(row, column) - dequantize_value(code_value(code, type), params);
    }
  });
}

} // namespace octet

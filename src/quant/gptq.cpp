#include "quant/gptq.h"

#include <algorithm>

namespace octet {
namespace {
constexpr size_t kTile = kGptqRows;

// to[i] += l[i] · x for each i < count, on tiles of rows.
void spread(const float* __restrict l, size_t count, const float* x, float* __restrict to) {
  float values[kTile];
  std::copy_n(x, kTile, values);
  for (size_t i = 0; i < count; ++i, to += kTile)
    for (size_t n = 0; n < kTile; ++n) to[n] += l[i] * values[n];
}

// Σ over rows of ‖x L‖² − damping · ‖x‖², where x(column, to) gives a tile of rows.
template <class Source>
double factored_energy(const Gram& gram, const Source& x) {
  const size_t columns = gram.columns();
  std::vector<float> sums(columns * kTile);
  double total = 0, plain = 0;
  for (size_t t = columns; t-- > 0;) {
    float tile[kTile] = {};
    x(gram.order()[t], tile);
    const float* l = gram.row(t);
    spread(l, t + 1, tile, sums.data());
    for (size_t n = 0; n < kTile; ++n) {
      total += double{sums[t * kTile + n]} * sums[t * kTile + n];
      plain += double{tile[n]} * tile[n];
    }
  }
  return std::max(total - double{gram.damping()} * plain, 0.0);
}

// to[n] = Σ h[j] · x[j, n] over j < count, on tiles of rows.
void gather(const float* __restrict h, size_t count, const float* __restrict x,
            float* __restrict to) {
  float sums[kTile] = {};
  for (size_t j = 0; j < count; ++j, x += kTile)
    for (size_t n = 0; n < kTile; ++n) sums[n] += h[j] * x[n];
  std::copy_n(sums, kTile, to);
}

// Σ over rows of x H xᵀ, of the lower triangle of H.
template <class Source>
double plain_energy(const Gram& gram, const Source& x) {
  const size_t columns = gram.columns();
  std::vector<float> tiles(columns * kTile);
  double total = 0;
  for (size_t i = 0; i < columns; ++i) {
    float* tile = &tiles[i * kTile];
    x(i, tile);
    const float* h = gram.row(i);
    float below[kTile];
    gather(h, i, tiles.data(), below);
    for (size_t n = 0; n < kTile; ++n)
      total += double{tile[n]} * (2 * double{below[n]} + double{h[i]} * tile[n]);
  }
  return std::max(total, 0.0);
}

template <class Source>
double energy(const Gram& gram, const Source& x) {
  return gram.is_factored() ? factored_energy(gram, x) : plain_energy(gram, x);
}

// Rounds one tile of rows.
class TileRounder {
public:
  TileRounder(const WeightMatrix& matrix, const RangeRule& rule, const Gram& gram, size_t begin,
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
  const RangeRule& rule_;
  const Gram& gram_;
  size_t begin_, rows_;
  BlockWeights& out_;
  std::vector<float> sums_; // Σ_{i > j} (w_i − q_i) L_ij, [position, row]
  ScaleAndZero params_[kTile];
};
} // namespace

void gptq_rows(const WeightMatrix& matrix, const RangeRule& rule, const Gram& gram, size_t begin,
               size_t end, BlockWeights& out) {
  TileRounder(matrix, rule, gram, begin, end, out).run();
}

void measure_rows(const WeightMatrix& matrix, const BlockWeights& weights, DType type,
                  const Gram& gram, size_t begin, size_t end, OutputError& out) {
  const BlockLayout& blocks = matrix.blocks;
  std::vector<size_t> block_of(blocks.columns());
  for (size_t b = 0; b < blocks.count(); ++b)
    for (const size_t column : blocks.columns_of(b)) block_of[column] = b;
  out.signal += energy(gram, [&](size_t column, float* to) {
    for (size_t row = begin; row < end; ++row) to[row - begin] = matrix.at(row, column);
  });
  out.noise += energy(gram, [&](size_t column, float* to) {
    for (size_t row = begin; row < end; ++row) {
      const size_t at = row * blocks.count() + block_of[column];
      const ScaleAndZero params{weights.scales[at], code_value(weights.zeros[at], type)};
      const uint8_t code = weights.codes[row * blocks.columns() + column];
      to[row - begin] = matrix.at(row, column) - dequantize_value(code_value(code, type), params);
    }
  });
}

} // namespace octet

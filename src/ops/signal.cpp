// Fourier transforms and what goes with them: DFT, STFT, MelWeightMatrix, windows.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "ops/numbers.h"

namespace octet {
namespace {
constexpr double kPi = std::numbers::pi;

struct Complex {
  double re = 0, im = 0;
};
Complex operator*(Complex a, Complex b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
Complex operator+(Complex a, Complex b) {
  return {a.re + b.re, a.im + b.im};
}
Complex operator-(Complex a, Complex b) {
  return {a.re - b.re, a.im - b.im};
}
Complex conjugate(Complex a) {
  return {a.re, -a.im};
}
Complex on_circle(double turns) {
  return {std::cos(2 * kPi * turns), std::sin(2 * kPi * turns)};
}

// Σ x[j]·exp(∓2πi·jk/n) of a power of two of elements, in place (Cooley and Tukey 1965).
void transform_power(std::vector<Complex>& x, bool inverse) {
  const size_t n = x.size();
  for (size_t i = 1, j = 0; i < n; ++i) {
    size_t bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(x[i], x[j]);
  }
  for (size_t half = 1; half < n; half *= 2) {
    const double turn = (inverse ? 0.5 : -0.5) / static_cast<double>(half);
    for (size_t k = 0; k < half; ++k) {
      const Complex root = on_circle(turn * static_cast<double>(k));
      for (size_t i = k; i < n; i += 2 * half) {
        const Complex odd = x[i + half] * root;
        x[i + half] = x[i] - odd;
        x[i] = x[i] + odd;
      }
    }
  }
}

// The same for any number of elements, as a convolution of a power of two of them (Bluestein 1970).
class Fourier {
public:
  Fourier(size_t n, bool inverse) : n_(n), inverse_(inverse) {
    if ((n & (n - 1)) == 0) return;
    size_t size = 1;
    while (size < 2 * n - 1) size *= 2;
    chirp_.resize(n);
    response_.resize(size);
    for (size_t k = 0; k < n; ++k) {
      const double turns = static_cast<double>(k * k % (2 * n)) / static_cast<double>(2 * n);
      chirp_[k] = on_circle(inverse ? turns : -turns);
      response_[k] = response_[(size - k) % size] = conjugate(chirp_[k]);
    }
    transform_power(response_, false);
  }

  void operator()(std::vector<Complex>& x) const {
    if (chirp_.empty()) return transform_power(x, inverse_);
    std::vector<Complex> y(response_.size());
    for (size_t k = 0; k < n_; ++k) y[k] = x[k] * chirp_[k];
    transform_power(y, false);
    for (size_t k = 0; k < y.size(); ++k) y[k] = y[k] * response_[k];
    transform_power(y, true);
    const double scale = 1 / static_cast<double>(y.size());
    for (size_t k = 0; k < n_; ++k) x[k] = y[k] * chirp_[k] * Complex{scale, 0};
  }

private:
  size_t n_;
  bool inverse_;
  std::vector<Complex> chirp_, response_;
};

void check_signal(const NodeContext& ctx, size_t least_rank) {
  const Shape& x = ctx.shape(0);
  if (!is_float(ctx.dtype(0))) ctx.unsupported("elements of type ", dtype_name(ctx.dtype(0)));
  if (x.rank() < least_rank || (x.back() != 1 && x.back() != 2))
    ctx.fail("a signal of 1 or 2 parts in the last axis expected, not ", to_string(x));
}

// Throws unless a transform of `length` fits memory.
void check_length(const NodeContext& ctx, int64_t length) {
  if (length < 1) ctx.fail("a transform of length ", length);
  check_room(ctx, DType::Float64, {length, 16});
}

std::optional<int64_t> one_integer(const NodeContext& ctx, size_t input, int64_t fallback) {
  if (!ctx.has_input(input)) return fallback;
  const auto values = ctx.int_values(input);
  if (!values) return std::nullopt;
  if (values->size() != 1) ctx.fail("input ", input, " must be one integer");
  return values->front();
}

// --- DFT: the axis is an attribute before operator set 20, input 2 since.
struct Dft {
  bool inverse, one_sided;
  size_t axis;
  int64_t length;
  Shape output;
};

std::optional<Dft> read_dft(const NodeContext& ctx) {
  check_signal(ctx, 2);
  const Shape& x = ctx.shape(0);
  Dft out{.inverse = ctx.attributes().get_int("inverse", 0) != 0,
          .one_sided = ctx.attributes().get_int("onesided", 0) != 0,
          .axis = 0,
          .length = 0,
          .output = x};
  const auto axis =
      one_integer(ctx, 2, ctx.attributes().get_int("axis", ctx.opset() < 20 ? 1 : -2));
  if (!axis) return std::nullopt;
  out.axis = ctx.normalize_axis(*axis, x.rank());
  if (out.axis + 1 == x.rank()) ctx.fail("axis ", *axis, " is that of the complex parts");
  const int64_t size = x[out.axis];
  const bool to_real = out.inverse && out.one_sided;
  const auto length = one_integer(ctx, 1, to_real ? 2 * (size - 1) : size);
  if (!length) return std::nullopt;
  check_length(ctx, *length);
  if (out.one_sided && x.back() != (out.inverse ? 2 : 1))
    ctx.fail("a one-sided transform of a signal with ", x.back(), " parts");
  out.length = *length;
  out.output[out.axis] = out.one_sided && !out.inverse ? *length / 2 + 1 : *length;
  out.output[x.rank() - 1] = to_real ? 1 : 2;
  check_room(ctx, DType::Float64, out.output);
  return out;
}

void infer_dft(InferContext& ctx) {
  if (const auto plan = read_dft(ctx)) return ctx.set_output(0, ctx.dtype(0), plan->output);
  ctx.set_output_dtype(0, ctx.dtype(0));
}

// The missing half of a spectrum that a real signal has.
void mirror(std::vector<Complex>& x) {
  const size_t n = x.size();
  x[0].im = 0;
  if (n % 2 == 0) x[n / 2].im = 0;
  for (size_t k = n / 2 + 1; k < n; ++k) x[k] = conjugate(x[n - k]);
}

std::vector<Tensor> dft(const NodeContext& ctx) {
  const Dft plan = *read_dft(ctx);
  const Shape& shape = ctx.shape(0);
  const auto x = *ctx.float_values(0);
  const size_t parts = dim(shape, shape.rank() - 1);
  const size_t out_parts = dim(plan.output, plan.output.rank() - 1);
  // Lines of complex numbers: the last axis is inside of an element.
  const auto view_of = [&](const Shape& s) {
    return view_axis(Shape(std::vector<int64_t>(s.begin(), s.end() - 1)), plan.axis);
  };
  const AxisView from = view_of(shape), to = view_of(plan.output);
  const auto n = static_cast<size_t>(plan.length);
  const Fourier transform(n, plan.inverse);
  std::vector<double> out(plan.output.elements());
  const size_t given = std::min(from.size, n);
  const double scale = plan.inverse ? 1 / static_cast<double>(n) : 1;
  std::vector<Complex> line;
  for (size_t i = 0; i < from.lines(); ++i) {
    line.assign(n, {});
    for (size_t k = 0; k < given; ++k) {
      const double* p = &x[(from.line(i) + k * from.inner) * parts];
      line[k] = {p[0], parts == 2 ? p[1] : 0};
    }
    if (plan.inverse && plan.one_sided) mirror(line);
    transform(line);
    for (size_t k = 0; k < to.size; ++k) {
      double* p = &out[(to.line(i) + k * to.inner) * out_parts];
      p[0] = line[k].re * scale;
      if (out_parts == 2) p[1] = line[k].im * scale;
    }
  }
  return {make_tensor(ctx, ctx.dtype(0), plan.output, out)};
}

// --- STFT of [batch, length, parts]: frames of `length` samples, weighted by the window.
struct Stft {
  int64_t step, length;
  bool one_sided;
  Shape output;
};

std::optional<Stft> read_stft(const NodeContext& ctx) {
  check_signal(ctx, 2);
  const Shape& given = ctx.shape(0);
  // A real signal may come without an axis of parts.
  const Shape x = given.rank() == 2 ? Shape{given[0], given[1], 1} : given;
  if (x.rank() != 3) ctx.fail("a signal of shape ", to_string(given));
  const bool has_window = ctx.has_input(2);
  if (has_window && ctx.shape(2).rank() != 1) ctx.fail("a window must be a list");
  const auto step = one_integer(ctx, 1, 0);
  const auto length = one_integer(ctx, 3, has_window ? ctx.shape(2)[0] : x[1]);
  if (!step || !length) return std::nullopt;
  if (*step < 1) ctx.fail("frame_step is ", *step);
  check_length(ctx, *length);
  if (has_window && ctx.shape(2)[0] != *length)
    ctx.fail("a window of ", ctx.shape(2)[0], " for frames of ", *length);
  if (*length > x[1]) ctx.fail("frames of ", *length, " of a signal of ", x[1]);
  Stft out{*step, *length, ctx.attributes().get_int("onesided", 1) != 0, {}};
  out.output = {x[0], (x[1] - *length) / *step + 1, out.one_sided ? *length / 2 + 1 : *length, 2};
  if (out.one_sided && x[2] == 2) ctx.fail("a one-sided transform of a complex signal");
  check_room(ctx, DType::Float64, out.output);
  return out;
}

void infer_stft(InferContext& ctx) {
  if (const auto plan = read_stft(ctx)) return ctx.set_output(0, ctx.dtype(0), plan->output);
  ctx.set_output_dtype(0, ctx.dtype(0));
}

std::vector<Tensor> stft(const NodeContext& ctx) {
  const Stft plan = *read_stft(ctx);
  const Shape& shape = ctx.shape(0);
  const auto x = *ctx.float_values(0);
  const size_t parts = shape.rank() == 2 ? 1 : dim(shape, 2);
  const auto n = static_cast<size_t>(plan.length), step = static_cast<size_t>(plan.step);
  const auto window = ctx.has_input(2) ? *ctx.float_values(2) : std::vector<double>(n, 1);
  const Fourier transform(n, false);
  const size_t bins = dim(plan.output, 2);
  std::vector<double> out(plan.output.elements());
  double* to = out.data();
  std::vector<Complex> line(n);
  for (size_t b = 0; b < dim(shape, 0); ++b)
    for (size_t frame = 0; frame < dim(plan.output, 1); ++frame) {
      const double* p = &x[(b * dim(shape, 1) + frame * step) * parts];
      for (size_t k = 0; k < n; ++k, p += parts)
        line[k] = {p[0] * window[k], parts == 2 ? p[1] * window[k] : 0};
      transform(line);
      for (size_t k = 0; k < bins; ++k) *to++ = line[k].re, *to++ = line[k].im;
    }
  return {make_tensor(ctx, ctx.dtype(0), plan.output, out)};
}

// --- MelWeightMatrix: num_mel_bins, dft_length, sample_rate, lower and upper edge in hertz
std::vector<Tensor> mel_weight_matrix(const NodeContext& ctx) {
  std::array<double, 5> given;
  for (size_t i = 0; i < given.size(); ++i) given[i] = number_of(ctx, i, 0);
  const auto [bands, length, rate, lower, upper] = given;
  if (!(bands >= 1 && bands < 0x1p31 && length >= 1 && length < 0x1p31 && rate > 0))
    ctx.fail(bands, " bands of a spectrum of length ", length, " at ", rate, " hertz");
  if (!(lower >= 0 && upper > lower && upper <= rate))
    ctx.fail("bands from ", lower, " to ", upper, " hertz at ", rate);
  const auto columns = static_cast<size_t>(bands), rows = static_cast<size_t>(length) / 2 + 1;
  const Shape shape{static_cast<int64_t>(rows), static_cast<int64_t>(columns)};
  check_room(ctx, DType::Float64, shape);
  const auto to_mel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
  const double low = to_mel(lower), step = (to_mel(upper) - low) / (bands + 2);
  const auto bin = [&](size_t i) {
    const double mel = static_cast<double>(i) * step + low;
    const double hertz = 700 * (std::pow(10, mel / 2595) - 1);
    const double at = std::floor((length + 1) * hertz / rate);
    return static_cast<size_t>(std::clamp(at, 0.0, static_cast<double>(rows)));
  };
  std::vector<double> out(rows * columns);
  for (size_t c = 0; c < columns; ++c) {
    const size_t left = bin(c), center = bin(c + 1), right = bin(c + 2);
    const auto set = [&](size_t row, size_t part, size_t whole) {
      if (row < rows)
        out[row * columns + c] = static_cast<double>(part) / static_cast<double>(whole);
    };
    if (left == center) set(center, 1, 1);
    for (size_t r = left; r <= center && left != center; ++r) set(r, r - left, center - left);
    for (size_t r = center; r < right; ++r) set(r, right - r, right - center);
  }
  const DType dtype = dtype_attribute(ctx, "output_datatype", DType::Float32);
  return {make_tensor(ctx, dtype, shape, out)};
}

// --- windows: a[0] + a[1]·cos(2πk/n) + a[2]·cos(4πk/n); n is one less when they are symmetric
struct WindowTerms {
  double a[3];
};

std::vector<Tensor> make_window(const NodeContext& ctx, const WindowTerms& terms) {
  const int64_t size = *one_integer(ctx, 0, 0);
  if (size < 0) ctx.fail("a window of size ", size);
  check_room(ctx, DType::Float64, {size});
  const bool is_periodic = ctx.attributes().get_int("periodic", 1) != 0;
  const double n = static_cast<double>(std::max<int64_t>(1, is_periodic ? size : size - 1));
  std::vector<double> out(static_cast<size_t>(size));
  for (size_t k = 0; k < out.size(); ++k) {
    const double turns = static_cast<double>(k) / n;
    out[k] = terms.a[0] + terms.a[1] * on_circle(turns).re + terms.a[2] * on_circle(2 * turns).re;
  }
  const DType dtype = dtype_attribute(ctx, "output_datatype", DType::Float32);
  return {make_tensor(ctx, dtype, {size}, out)};
}

constexpr WindowTerms kHann{{0.5, -0.5, 0}};
constexpr WindowTerms kHamming{{25.0 / 46, -21.0 / 46, 0}};
constexpr WindowTerms kBlackman{{0.42, -0.5, 0.08}};

template <const WindowTerms& terms>
std::vector<Tensor> window(const NodeContext& ctx) {
  return make_window(ctx, terms);
}
} // namespace

extern const OpDef op_dft{.infer = infer_dft, .compute = dft};
extern const OpDef op_stft{.infer = infer_stft, .compute = stft};
extern const OpDef op_mel_weight_matrix{.compute = mel_weight_matrix};
extern const OpDef op_hann_window{.compute = window<kHann>};
extern const OpDef op_hamming_window{.compute = window<kHamming>};
extern const OpDef op_blackman_window{.compute = window<kBlackman>};

} // namespace octet

// Operands of integer products: activations widened to int16 minus their zero point, weights packed
// with the arrays that the output step reads.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "kernels/convert/convert.h"
#include "kernels/qgemm/output.h"
#include "ops/activation.h"
#include "ops/op_def.h"

namespace octet {

template <class T>
const T* data_or_null(const std::vector<T>& v) {
  return v.empty() ? nullptr : v.data();
}

// The left operand of a product. Codes of 8 bits are widened into scratch at each run; int16 ones
// (made by the lowered DynamicQuantize) have no zero point and are read in place.
class IntegerActivation {
public:
  // `zero_input`: a scalar zero point, constant or not, may be absent. Throws UnsupportedOperator
  // for other types and for zero points per row.
  IntegerActivation(const NodeContext& ctx, size_t input, size_t zero_input);

  // Whether the elements are codes, so that byte dot products can read them.
  bool has_codes() const { return dtype_ != DType::Int16; }
  // Whether they may lie outside of ±255 (the attribute "wide"), where the ways of multiplying that
  // add activations up as int16 do not reach.
  bool is_wide() const { return is_wide_; }

  size_t scratch_bytes() const;
  // The widened elements; `scratch` holds scratch_bytes().
  const int16_t* widen(const RunContext& run, uint8_t* scratch) const noexcept;
  // Pairs of codes in the signedness of kernels::byte_dot(), shifted by 128 where theirs is the
  // other; the same for their zero point.
  const int16_t* codes(const RunContext& run, uint8_t* scratch) const noexcept;
  int32_t code_zero(const RunContext& run) const noexcept;

private:
  size_t input_, zero_input_, elements_;
  DType dtype_;
  bool has_zero_, is_wide_;
};

// Constant weights in the form of kernels/qdot/pack.h, where the engine has byte dot products that
// are exact for them.
class ByteDotWeights {
public:
  // Packs; what follows the packed bytes are the sums of the columns.
  using Pack = std::function<void(const uint8_t* source, int8_t* packed, int32_t* sums)>;

  struct Size {
    size_t columns, column_codes; // codes: of a column
    size_t packed_bytes;
    size_t part = 0; // which matrix of the tensor
  };

  // Weights of other forms.
  ByteDotWeights() = default;
  // `zero`: as column_zero_points returns it.
  ByteDotWeights(PrepareContext& ctx, size_t input, const std::vector<int32_t>& zero,
                 const Size& size, const Pack& pack);

  explicit operator bool() const { return packed_ != nullptr; }
  const int8_t* data() const { return reinterpret_cast<const int8_t*>(packed_->data()); }

  size_t scratch_bytes() const;
  // Completes the output step for activations of zero point `a_zero`.
  void set(kernels::QOutputParams& params, int32_t a_zero, uint8_t* scratch) const noexcept;

private:
  void move_zero_points(size_t columns, int32_t by);

  std::shared_ptr<const Buffer> packed_;
  std::vector<int32_t> zero_;
  std::vector<int32_t> centered_sums_; // of columns, zero points subtracted
};

// Quantizes to codes in the signedness of kernels::byte_dot() and returns their zero point.
int32_t quantize_for_byte_dot(const float* x, size_t n, kernels::DynamicQuantParams params,
                              uint8_t* codes) noexcept;

// Leaves out zero points that are all 0.
void drop_zeros(std::vector<int32_t>& points);

// Zero points of weights as the kernels want them: one per column (padded), those of uint8 shifted
// by 128 like the weights themselves. Empty when all are 0. `zero_input` must be known and have one
// element or `columns`.
std::vector<int32_t> column_zero_points(const PrepareContext& ctx, size_t weight_input,
                                        size_t zero_input, size_t columns);

// The same of an operand that may only be known at a run, like weights that are not constant.
class ColumnZeroPoints {
public:
  ColumnZeroPoints(const PrepareContext& ctx, size_t weight_input, size_t zero_input,
                   size_t columns);

  size_t scratch_bytes() const;
  // Null when all are 0; `scratch` holds scratch_bytes().
  const int32_t* get(const RunContext& run, uint8_t* scratch) const noexcept;

private:
  size_t input_, columns_, count_ = 0; // count_: of zero points that are not constant
  bool is_unsigned_;
  std::vector<int32_t> known_;
};

// A float operand with one element or one per column, spread over padded columns; `fallback` when
// absent. Throws UnsupportedOperator when it is not a constant, naming `what`.
std::vector<float> column_floats(const PrepareContext& ctx, size_t input, size_t columns,
                                 float fallback, const char* what);

// Columns of a product and codes that are multiplied for each.
struct ProductSize {
  size_t columns, depth;
};

// How QLinearConv and QLinearMatMul finish: y = saturate(round(acc · a_scale · w_scale / y_scale) +
// zero).
struct Requantize {
  std::vector<float> scale; // per column, padded
  kernels::QOutput output = kernels::QOutput::u8;
  int32_t zero_point = 0, qmin = 0, qmax = 255;
  bool bounded = false;

  void set(kernels::QOutputParams& params) const noexcept {
    params.scale = scale.data();
    params.zero_point = zero_point;
    params.qmin = qmin;
    params.qmax = qmax;
    params.bounded = bounded;
  }
};
// `bias`: padded per column, or empty.
Requantize requantize_params(const PrepareContext& ctx, size_t a_scale, size_t w_scale,
                             size_t y_scale, size_t y_zero, const ProductSize& size,
                             const std::vector<int32_t>& bias);

// How the lowered …ToFloat operators finish: y = activation(acc · a_scale · scale + bias). Their
// operands are (a, b, a_scale, b_scale, a_zero_point, b_zero_point, bias).
struct ToFloat {
  std::vector<float> scale, bias; // per column, padded
  FusedActivation activation;

  kernels::QOutputParams params(const RunContext& run) const noexcept {
    return {.scale = scale.data(),
            .bias_f32 = bias.data(),
            .a_scale = *run.input<float>(2),
            .lo = activation.lo,
            .hi = activation.hi};
  }
};
ToFloat to_float_params(const PrepareContext& ctx, size_t columns);

// How the lowered …ToCodes operators finish: y = saturate(round(acc · a_scale · b_scale /
// y_scale)), or with an `activation` f, HardSwish or LeakyRelu of slope `alpha`,
// saturate(round((f(acc · a_scale · b_scale) · out_scale + out_shift) / y_scale)), out_scale > 0,
// where f takes the factors behind it into its argument (kernels/qgemm/output.h). With
// `inner_scale` f is given its argument rounded to codes of that scale between `inner_low` and
// `inner_high`. The results are codes between the attributes `low` and `high` (ops/codes.cpp), or
// bytes, which are `zero_point` more, when `to` is the number of their type. The operands are those
// of ToFloat; all but `a` are constant, and the bias is rounded to a multiple of a_scale · b_scale,
// in which form exporters store it anyway, unless some are too many multiples for 32 bits.
struct ToCodes {
  std::vector<float> scale;    // per column, padded
  std::vector<int32_t> bias;   // the same, or empty
  std::vector<float> bias_f32; // in its place
  kernels::QOutput output = kernels::QOutput::s16;
  int32_t zero_point = 0, low = 0, high = 0;
  kernels::QActivation activation;
  bool bounded = false;

  kernels::QOutputParams params() const noexcept {
    return {.bias = data_or_null(bias),
            .scale = scale.data(),
            .bias_f32 = data_or_null(bias_f32),
            .zero_point = zero_point,
            .qmin = low + zero_point,
            .qmax = high + zero_point,
            .activation = activation,
            .bounded = bounded};
  }
};
ToCodes to_codes_params(const PrepareContext& ctx, const ProductSize& size);
// The type of their result.
DType to_codes_type(const NodeContext& ctx);
// The codes that they make of the codes from `inner_low` to `inner_high`, under these attributes.
std::vector<int64_t> codes_of_inner_codes(const Attributes& attributes);

// True for uint8, false for int8; throws UnsupportedOperator for other types of the input.
bool is_unsigned_code(const NodeContext& ctx, size_t input);

} // namespace octet

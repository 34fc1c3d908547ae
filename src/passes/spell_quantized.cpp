// onnxruntime's operators on codes of 8 bits: as integer products, or as the operator of real
// numbers between DequantizeLinear and QuantizeLinear, out of which fold_qdq and chain_codes make
// integer operators again.
// https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
#include "base/float16.h"
#include "passes/spelling.h"

namespace octet {

void attend(Spelling& s, ValueId projected, ValueId mask, ValueId past, ValueId bias) {
  const ValueId y =
      s.add("PackedAttention", {projected, mask, past, bias}, s.attributes(), kLoweredDomain);
  s.yield(0, y);
  if (s.has_output(1)) s.yield(1, s.another(1));
}

namespace {
// --- products

// Codes multiplied, and what they stand for.
ValueId integer_product(Spelling& s, std::vector<ValueId> codes, ValueId a_scale, ValueId b_scale) {
  while (!codes.back()) codes.pop_back();
  const ValueId sums = s.add("MatMulInteger", std::move(codes));
  const ValueId real = s.add("Cast", {sums}, one("to", static_cast<int64_t>(DType::Float32)));
  return s.add("Mul", {real, s.add("Mul", {a_scale, b_scale})});
}

void spell_matmul_integer_to_float(Spelling& s) {
  const ValueId y =
      integer_product(s, {s.input(0), s.input(1), s.input(4), s.input(5)}, s.input(2), s.input(3));
  s.yield(0, s.plus(y, 6));
}

void spell_dynamic_quantize_matmul(Spelling& s) {
  const ValueId codes = s.add("DynamicQuantizeLinear", {s.input(0)});
  const ValueId scale = s.another(1), zero = s.another(2);
  const ValueId y = integer_product(s, {codes, s.input(1), zero, s.input(3)}, scale, s.input(2));
  s.yield(0, s.plus(y, 4));
}

void spell_qattention(Spelling& s) {
  const ValueId product =
      integer_product(s, {s.input(0), s.input(1), s.input(6), s.input(7)}, s.input(3), s.input(4));
  attend(s, s.plus(product, 2), s.input(5), s.input(8), ValueId());
}

// --- real numbers in between

// What codes stand for, whose scale and zero point are the next two operands. `axis` is that of
// scales that are many.
ValueId real(Spelling& s, size_t codes, int64_t axis = 1) {
  std::vector<ValueId> inputs = {s.required(codes), s.required(codes + 1)};
  if (const ValueId zero = s.input(codes + 2)) inputs.push_back(zero);
  return s.add("DequantizeLinear", std::move(inputs), one("axis", axis));
}

// Codes of real numbers, by the scale and the zero point that are operands `scale` and the next
// one. A zero point that is left out is 0 of the type of operand `like`.
void yield_codes(Spelling& s, ValueId value, size_t scale, size_t like) {
  ValueId zero = s.input(scale + 1);
  if (!zero) zero = s.add("CastLike", {s.number(0), s.input(like)});
  s.yield(0, s.add("QuantizeLinear", {value, s.input(scale), zero}));
}

void spell_unary(Spelling& s, std::string_view op_type, Attributes attributes) {
  yield_codes(s, s.add(op_type, {real(s, 0)}, std::move(attributes)), 3, 0);
}

void spell_binary(Spelling& s, std::string_view op_type) {
  const ValueId a = real(s, 0), b = real(s, 3);
  yield_codes(s, s.add(op_type, {a, b}), 6, 0);
}

void spell_concat(Spelling& s) {
  std::vector<ValueId> parts;
  for (size_t i = 2; i < s.input_count(); i += 3) parts.push_back(real(s, i));
  if (parts.empty()) s.unsupported("nothing to join");
  yield_codes(s, s.add("Concat", std::move(parts), s.attributes()), 0, 2);
}

void spell_where(Spelling& s) {
  const ValueId a = real(s, 1), b = real(s, 4);
  yield_codes(s, s.add("Where", {s.input(0), a, b}), 7, 1);
}

// Before version 13 all axes from `axis` on were one. The attribute says which version is meant; it
// is the model's own but for models that mix them.
void spell_softmax(Spelling& s) {
  constexpr int64_t kNewer = 13;
  const int64_t meant = s.attributes().get_int("opset", s.opset());
  const int64_t axis = s.attributes().get_int("axis", meant < kNewer ? 1 : -1);
  if ((meant < kNewer) != (s.opset() < kNewer))
    s.unsupported("opset ", meant, " in a model of operator set ", s.opset());
  spell_unary(s, "Softmax", one("axis", axis));
}

// --- weights in bitsandbytes' types of 4 bits, of which each block has a largest magnitude

// Floats of a sign, two bits of exponent and one of mantissa, as bitsandbytes scales them;
// quantiles of the normal distribution (Dettmers et al. 2023, arXiv 2305.14314, appendix E).
constexpr float kFp4[] = {0,         1 / 192.0f, 2 / 3.0f,  1,           1 / 3.0f,  0.5f,
                          1 / 6.0f,  0.25f,      -0.0f,     -1 / 192.0f, -2 / 3.0f, -1.0f,
                          -1 / 3.0f, -0.5f,      -1 / 6.0f, -0.25f};
constexpr float kNf4[] = {-1.0f,
                          -0.6961928009986877f,
                          -0.5250730514526367f,
                          -0.39491748809814453f,
                          -0.28444138169288635f,
                          -0.18477343022823334f,
                          -0.09105003625154495f,
                          0.0f,
                          0.07958029955625534f,
                          0.16093020141124725f,
                          0.24611230194568634f,
                          0.33791524171829224f,
                          0.44070982933044434f,
                          0.5626170039176941f,
                          0.7229568362236023f,
                          1.0f};

// [K, N] out of rows of K codes, the first of each two in the upper bits.
Tensor bnb4_weights(const Spelling& s) {
  const auto positive = [&](const char* name) {
    const int64_t value = s.attributes().get_int(name, 0);
    if (value < 1 || value > INT32_MAX) s.invalid(name, " is ", value);
    return static_cast<uint64_t>(value);
  };
  const uint64_t n = positive("N"), k = positive("K"), block = positive("block_size");
  const int64_t type = s.attributes().get_int("quant_type", 1);
  if (type != 0 && type != 1) s.invalid("quant_type is ", type);
  if (s.attributes().get_int("transB", 1) != 1) s.unsupported("weights that are not transposed");
  const Tensor *codes = s.constant(1), *largest = s.constant(2);
  const bool is_half = largest && largest->dtype() == DType::Float16;
  if (!codes || !largest || codes->dtype() != DType::UInt8 ||
      (!is_half && largest->dtype() != DType::Float32))
    s.unsupported("weights that are not constants of uint8 and float32 or float16");
  const uint64_t blocks = (n * k + block - 1) / block;
  if (codes->elements() != (n * k + 1) / 2 || largest->elements() != blocks)
    s.invalid("B of ", codes->elements(), " bytes and absmax of ", largest->elements(), " for ", n,
              " rows of ", k);
  const std::span<const float> values(type == 1 ? kNf4 : kFp4);
  const auto scale = [&](size_t i) {
    return is_half ? float16_to_float32(largest->values<uint16_t>()[i])
                   : largest->values<float>()[i];
  };
  const uint8_t* bytes = codes->bytes();
  Buffer out(dtype_bytes(DType::Float32, static_cast<size_t>(n * k)));
  auto* to = reinterpret_cast<float*>(out.data());
  for (size_t row = 0, i = 0; row < n; ++row)
    for (size_t column = 0; column < k; ++column, ++i)
      to[column * n + row] = values[bytes[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15] * scale(i / block);
  return Tensor(DType::Float32, Shape{static_cast<int64_t>(k), static_cast<int64_t>(n)},
                SharedBytes(std::move(out)));
}

void spell_matmul_bnb4(Spelling& s) {
  ValueId weights = s.fixed(bnb4_weights(s));
  if (s.constant(2)->dtype() != DType::Float32) weights = s.add("CastLike", {weights, s.input(2)});
  s.yield(0, s.add("MatMul", {s.input(0), weights}));
}

// --- images, which may be laid out with their channels last

// `rank` counts spatial axes.
std::vector<int64_t> channels_second(size_t rank) {
  std::vector<int64_t> perm = {0, static_cast<int64_t>(rank) + 1};
  for (size_t i = 1; i <= rank; ++i) perm.push_back(static_cast<int64_t>(i));
  return perm;
}
std::vector<int64_t> channels_behind(size_t rank) {
  std::vector<int64_t> perm = {0};
  for (size_t i = 2; i < rank + 2; ++i) perm.push_back(static_cast<int64_t>(i));
  perm.push_back(1);
  return perm;
}

// op_type of operand 0 in either layout; `rest` are further operands.
ValueId on_image(Spelling& s, std::string_view op_type, ValueId x, std::vector<ValueId> rest,
                 bool is_last) {
  constexpr size_t kPlane = 2;
  const auto window = s.attributes().get_ints("kernel_shape");
  const size_t rank = window.empty() ? kPlane : window.size();
  rest.insert(rest.begin(), is_last ? s.transposed(x, channels_second(rank)) : x);
  const ValueId y = s.add(op_type, std::move(rest), without(s.attributes(), {"channels_last"}));
  return is_last ? s.transposed(y, channels_behind(rank)) : y;
}

bool is_channels_last(const Spelling& s) {
  return s.attributes().get_int("channels_last", 0) != 0;
}

void spell_nhwc_max_pool(Spelling& s) {
  s.yield(0, on_image(s, "MaxPool", s.input(0), {}, true));
}

void spell_pool(Spelling& s, std::string_view op_type) {
  yield_codes(s, on_image(s, op_type, real(s, 0), {}, is_channels_last(s)), 3, 0);
}

void spell_conv(Spelling& s) {
  std::vector<ValueId> rest;
  for (size_t i = 1; i < s.input_count(); ++i) rest.push_back(s.input(i));
  s.yield(0, on_image(s, "QLinearConv", s.input(0), std::move(rest), is_channels_last(s)));
}

// What the bias of a Gemm stands for, whose scale is that of the product: the spelling that integer
// products know, where the scales can be told to go with the last axis.
ValueId gemm_bias(Spelling& s) {
  const ValueId scale = s.add("Mul", {s.input(1), s.input(4)});
  const Tensor *bias = s.constant(6), *b_scale = s.constant(4);
  const bool fits =
      b_scale && (b_scale->elements() == 1 ||
                  (bias && bias->shape().rank() == 1 && bias->elements() == b_scale->elements()));
  if (fits) return s.add("DequantizeLinear", {s.input(6), scale}, one("axis", int64_t{0}));
  const ValueId real = s.add("Cast", {s.input(6)}, one("to", static_cast<int64_t>(DType::Float32)));
  return s.add("Mul", {real, scale});
}

// alpha · (A · B + C).
void spell_gemm(Spelling& s) {
  const Attributes& a = s.attributes();
  const float alpha = a.get_float("alpha", 1);
  const bool turned = a.get_int("transB", 0) != 0;
  std::vector<ValueId> inputs = {real(s, 0), real(s, 3, turned ? 0 : 1)};
  if (s.input(6)) inputs.push_back(gemm_bias(s));
  Attributes product = one("transA", a.get_int("transA", 0));
  product.set("transB", int64_t{turned});
  product.set("alpha", alpha);
  product.set("beta", alpha);
  const ValueId y = s.add("Gemm", std::move(inputs), std::move(product));
  if (s.input(7))
    yield_codes(s, y, 7, 0);
  else
    s.yield(0, y);
}

constexpr std::string_view kDomain = "com.microsoft";
constexpr SpellingRow kRows[] = {
    {kDomain, "DequantizeLinear", [](Spelling& s) { spell_standard(s, "DequantizeLinear"); }},
    {kDomain, "DynamicQuantizeMatMul", spell_dynamic_quantize_matmul},
    {kDomain, "MatMulBnb4", spell_matmul_bnb4},
    {kDomain, "MatMulIntegerToFloat", spell_matmul_integer_to_float},
    {kDomain, "NhwcMaxPool", spell_nhwc_max_pool},
    {kDomain, "QAttention", spell_qattention},
    {kDomain, "QGemm", spell_gemm},
    {kDomain, "QLinearAdd", [](Spelling& s) { spell_binary(s, "Add"); }},
    {kDomain, "QLinearAveragePool", [](Spelling& s) { spell_pool(s, "AveragePool"); }},
    {kDomain, "QLinearConcat", spell_concat},
    {kDomain, "QLinearConv", spell_conv},
    {kDomain, "QLinearGlobalAveragePool", [](Spelling& s) { spell_pool(s, "GlobalAveragePool"); }},
    {kDomain, "QLinearLeakyRelu", [](Spelling& s) { spell_unary(s, "LeakyRelu", s.attributes()); }},
    {kDomain, "QLinearMul", [](Spelling& s) { spell_binary(s, "Mul"); }},
    {kDomain, "QLinearReduceMean",
     [](Spelling& s) { spell_unary(s, "ReduceMean", s.attributes()); }},
    {kDomain, "QLinearSigmoid", [](Spelling& s) { spell_unary(s, "Sigmoid", {}); }},
    {kDomain, "QLinearSoftmax", spell_softmax},
    {kDomain, "QLinearWhere", spell_where},
    {kDomain, "QuantizeLinear", [](Spelling& s) { spell_standard(s, "QuantizeLinear"); }},
};
} // namespace

std::span<const SpellingRow> quantized_spellings() {
  return kRows;
}

} // namespace octet

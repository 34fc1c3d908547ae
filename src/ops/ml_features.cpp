// Operators of ai.onnx.ml on features: ArrayFeatureExtractor, Binarizer, FeatureVectorizer,
// Imputer, Normalizer, OneHotEncoder, Scaler.
#include <algorithm>
#include <cmath>
#include <map>

#include "ops/ml_scores.h"
#include "ops/numbers.h"

namespace octet {
namespace {
// --- ArrayFeatureExtractor: columns of the last axis; a list is one row
std::vector<Tensor> extract_features(const NodeContext& ctx) {
  const Shape& shape = ctx.shape(0);
  if (shape.rank() == 0) ctx.fail("features expected, not a number");
  if (ctx.dtype(1) != DType::Int64) ctx.fail("indices must be int64");
  const Tensor indices = ctx.value(1).reshaped({static_cast<int64_t>(ctx.shape(1).elements())});
  for (const int64_t index : indices.values<int64_t>())
    if (index < 0 || index >= shape.back())
      fail(ErrorCode::InvalidInput, ctx.describe_node(), ": index ", index, " of ", shape.back(),
           " features");
  Attributes attributes;
  attributes.set("axis", int64_t{-1});
  Tensor out = apply_op(ctx, "Gather", std::array{ctx.value(0), indices}, std::move(attributes));
  if (shape.rank() == 1) out = out.reshaped({1, out.shape()[0]});
  return {out};
}

// --- element by element
void infer_like_input(InferContext& ctx) {
  ctx.pass_through();
}
void infer_to_floats(InferContext& ctx) {
  ctx.set_output(0, DType::Float32, ctx.shape(0));
}

std::vector<Tensor> binarizer(const NodeContext& ctx) {
  const double threshold = ctx.attributes().get_float("threshold", 0);
  std::vector<double> x = *ctx.float_values(0);
  for (double& value : x) value = value > threshold;
  return {make_tensor(ctx, ctx.dtype(0), ctx.shape(0), x)};
}

// A list with one number for all features, or one for each.
struct PerFeature {
  std::vector<double> values;
  size_t width;

  PerFeature(const NodeContext& ctx, std::string_view name, std::vector<double> given)
      : values(std::move(given)),
        width(ctx.shape(0).rank() ? dim(ctx.shape(0), ctx.shape(0).rank() - 1) : 1) {
    if (values.size() != 1 && values.size() != width)
      ctx.fail(name, " has ", values.size(), " elements for ", width, " features");
  }
  double at(size_t i) const { return values[values.size() == 1 ? 0 : i % width]; }
};

std::vector<double> floats_attribute(const NodeContext& ctx, std::string_view name) {
  const auto floats = ctx.attributes().get_floats(name);
  return {floats.begin(), floats.end()};
}

std::vector<Tensor> scaler(const NodeContext& ctx) {
  auto offsets = floats_attribute(ctx, "offset"), scales = floats_attribute(ctx, "scale");
  if (offsets.empty()) offsets = {0};
  if (scales.empty()) scales = {1};
  const PerFeature offset(ctx, "offset", offsets), scale(ctx, "scale", scales);
  std::vector<double> x = *ctx.float_values(0);
  for (size_t i = 0; i < x.size(); ++i) x[i] = (x[i] - offset.at(i)) * scale.at(i);
  return {make_tensor(ctx, DType::Float32, ctx.shape(0), x)};
}

std::vector<Tensor> imputer(const NodeContext& ctx) {
  const Attributes& a = ctx.attributes();
  const bool is_real = is_float(ctx.dtype(0));
  std::vector<double> given = floats_attribute(ctx, "imputed_value_floats");
  if (!is_real) {
    const auto integers = a.get_ints("imputed_value_int64s");
    given.assign(integers.begin(), integers.end());
  }
  const PerFeature imputed(ctx, "the list of imputed values", given);
  const double replaced = is_real ? static_cast<double>(a.get_float("replaced_value_float", 0))
                                  : static_cast<double>(a.get_int("replaced_value_int64", 0));
  std::vector<double> x = *ctx.float_values(0);
  for (size_t i = 0; i < x.size(); ++i)
    if (x[i] == replaced || (std::isnan(x[i]) && std::isnan(replaced))) x[i] = imputed.at(i);
  return {make_tensor(ctx, ctx.dtype(0), ctx.shape(0), x)};
}

// --- Normalizer: rows divided by their largest element or their norm; rows of zeros stay
std::vector<Tensor> normalizer(const NodeContext& ctx) {
  const Rows rows = rows_of(ctx);
  const std::string norm = ctx.attributes().get_string("norm", "MAX");
  if (norm != "MAX" && norm != "L1" && norm != "L2")
    ctx.fail("norm must be MAX, L1 or L2, not '", norm, "'");
  std::vector<double> x = *ctx.float_values(0);
  const auto width = static_cast<size_t>(rows.width);
  for (size_t begin = 0; begin < x.size(); begin += width) {
    double divisor = norm == "MAX" ? x[begin] : 0;
    for (size_t i = begin; i < begin + width; ++i)
      divisor = norm == "MAX"  ? std::max(divisor, x[i])
                : norm == "L1" ? divisor + std::abs(x[i])
                               : divisor + x[i] * x[i];
    if (norm == "L2") divisor = std::sqrt(divisor);
    for (size_t i = begin; i < begin + width && divisor != 0; ++i) x[i] /= divisor;
  }
  return {make_tensor(ctx, DType::Float32, ctx.shape(0), x)};
}

// --- FeatureVectorizer: the inputs' columns after each other, each cut or filled to its width
std::vector<Tensor> feature_vectorizer(const NodeContext& ctx) {
  const auto widths = ctx.attributes().get_ints("inputdimensions");
  if (widths.size() != ctx.input_count())
    ctx.fail(widths.size(), " inputdimensions for ", ctx.input_count(), " inputs");
  if (ctx.shape(0).rank() == 0) ctx.fail("features expected, not a number");
  const int64_t rows = ctx.shape(0)[0];
  int64_t total = 0;
  for (const int64_t width : widths) {
    if (width < 0 || width > int64_t{1} << 31) ctx.fail("an input of width ", width);
    total += width;
  }
  check_room(ctx, DType::Float64, {rows, total});
  std::vector<double> out(static_cast<size_t>(rows * total));
  size_t column = 0;
  for (size_t i = 0; i < widths.size(); ++i) {
    const Shape& shape = ctx.shape(i);
    if (shape.rank() == 0 || shape[0] != rows)
      ctx.fail("input ", i, " of shape ", to_string(shape), " has not ", rows, " rows");
    const auto x = *ctx.float_values(i);
    const size_t given = shape.elements(1, shape.rank());
    const auto width = static_cast<size_t>(widths[i]);
    for (size_t r = 0; r < static_cast<size_t>(rows); ++r)
      std::copy_n(x.data() + r * given, std::min(given, width),
                  out.data() + r * static_cast<size_t>(total) + column);
    column += width;
  }
  return {make_tensor(ctx, DType::Float32, {rows, total}, out)};
}

// --- OneHotEncoder
std::vector<Tensor> one_hot_encoder(const NodeContext& ctx) {
  std::vector<int64_t> categories; // of each element, or -1
  size_t count = 0;
  const auto encode = [&](const auto& names, const auto& values) {
    std::map<typename std::decay_t<decltype(names)>::value_type, int64_t> places;
    count = names.size();
    for (size_t i = 0; i < count; ++i) places.try_emplace(names[i], static_cast<int64_t>(i));
    for (const auto& value : values) {
      const auto found = places.find(value);
      categories.push_back(found == places.end() ? -1 : found->second);
    }
  };
  if (ctx.dtype(0) == DType::String)
    encode(ctx.attributes().get_strings("cats_strings"), ctx.value(0).strings());
  else
    encode(ctx.attributes().get_ints("cats_int64s"), wide_values<int64_t>(ctx, ctx.value(0)));
  if (count == 0) ctx.fail("there are no categories for ", dtype_name(ctx.dtype(0)));
  Shape shape = ctx.shape(0);
  shape.push_back(static_cast<int64_t>(count));
  check_room(ctx, DType::Float64, shape);
  std::vector<double> out(shape.elements());
  const bool skips_unknown = ctx.attributes().get_int("zeros", 1) != 0;
  for (size_t i = 0; i < categories.size(); ++i)
    if (categories[i] >= 0)
      out[i * count + static_cast<size_t>(categories[i])] = 1;
    else if (!skips_unknown)
      fail(ErrorCode::InvalidInput, ctx.describe_node(), ": element ", i, " is of no category");
  return {make_tensor(ctx, DType::Float32, shape, out)};
}
} // namespace

extern const OpDef op_array_feature_extractor{.compute = extract_features};
extern const OpDef op_binarizer{.infer = infer_like_input, .compute = binarizer};
extern const OpDef op_feature_vectorizer{.compute = feature_vectorizer};
extern const OpDef op_imputer{.infer = infer_like_input, .compute = imputer};
extern const OpDef op_normalizer{.infer = infer_to_floats, .compute = normalizer};
extern const OpDef op_one_hot_encoder{.compute = one_hot_encoder};
extern const OpDef op_scaler{.infer = infer_to_floats, .compute = scaler};

} // namespace octet

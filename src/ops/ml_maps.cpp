// Operators of ai.onnx.ml between labels, maps and tensors: LabelEncoder, CategoryMapper,
// DictVectorizer, CastMap, ZipMap.
#include <cmath>
#include <cstring>
#include <map>

#include "ops/ml_scores.h"
#include "ops/numbers.h"
#include "ops/strings.h"

namespace octet {
namespace {
Tensor strings_tensor(std::vector<std::string> strings) {
  const auto count = static_cast<int64_t>(strings.size());
  return Tensor({count}, std::move(strings));
}

Tensor floats_tensor(const std::vector<float>& values) {
  return Tensor::of<float>({static_cast<int64_t>(values.size())}, std::span(values));
}

// Elements as texts that are equal for equal elements of a kind: strings, reals, integers.
std::vector<std::string> keys_of(const NodeContext& ctx, const Tensor& tensor) {
  if (tensor.dtype() == DType::String) return tensor.strings();
  std::vector<std::string> out;
  if (is_float(tensor.dtype()))
    for (double value : float64_values(tensor, "keys")) {
      if (value == 0) value = 0; // of either sign
      char bytes[sizeof value];
      std::memcpy(bytes, &value, sizeof value);
      out.push_back(std::isnan(value) ? "NaN" : std::string(bytes, sizeof value));
    }
  else
    for (const int64_t value : wide_values<int64_t>(ctx, tensor)) out.push_back(concat(value));
  return out;
}

Tensor append(const NodeContext& ctx, const Tensor& list, const Tensor& element) {
  Attributes axis;
  axis.set("axis", int64_t{0});
  return apply_op(ctx, "Concat", std::array{list, element}, std::move(axis));
}

Tensor zero_of(const NodeContext& ctx, DType dtype, double zero = 0) {
  return dtype == DType::String ? strings_tensor({""})
                                : make_tensor(ctx, dtype, {1}, std::array{zero});
}

bool same_kind(DType a, DType b) {
  return a == b || (is_float(a) && is_float(b)) || (is_integer(a) && is_integer(b));
}

// The values of x's elements, as `keys` and `values` pair them; the last value is that of all
// others.
Tensor look_up(const NodeContext& ctx, const Tensor& x, const Tensor& keys, const Tensor& values) {
  if (!same_kind(x.dtype(), keys.dtype()))
    ctx.fail("keys are ", dtype_name(keys.dtype()), ", the input ", dtype_name(x.dtype()));
  if (keys.elements() + 1 != values.elements())
    ctx.fail(keys.elements(), " keys for ", values.elements() - 1, " values");
  std::map<std::string, int64_t> places;
  for (const std::string& key : keys_of(ctx, keys))
    places.try_emplace(key, static_cast<int64_t>(places.size()));
  if (places.size() != keys.elements()) ctx.fail("a key comes twice");
  std::vector<int64_t> indices;
  for (const std::string& key : keys_of(ctx, x)) {
    const auto found = places.find(key);
    indices.push_back(found == places.end() ? static_cast<int64_t>(keys.elements())
                                            : found->second);
  }
  const std::array operands{values, Tensor::of<int64_t>(x.shape(), indices)};
  return apply_op(ctx, "Gather", operands);
}

// --- LabelEncoder: keys and values as lists of one type each, or (since version 4) as tensors
// What attributes of a prefix ("keys", "values") hold, with the default as one more element.
std::optional<Tensor> read_list(const NodeContext& ctx, const std::string& prefix,
                                bool with_default) {
  const Attributes& a = ctx.attributes();
  if (const Tensor* tensor = a.find_tensor(prefix + "_tensor")) {
    const Tensor list = tensor->reshaped({static_cast<int64_t>(tensor->elements())});
    if (!with_default) return list;
    const Tensor* given = a.find_tensor("default_tensor");
    return append(ctx, list,
                  given ? given->reshaped({1})
                  : list.dtype() == DType::String
                      ? strings_tensor({"_Unused"})
                      : zero_of(ctx, list.dtype(), is_float(list.dtype()) ? -0.0 : -1));
  }
  if (a.has(prefix + "_strings")) {
    auto strings = ctx.attributes().get_strings(prefix + "_strings");
    if (with_default) strings.push_back(a.get_string("default_string", "_Unused"));
    return strings_tensor(std::move(strings));
  }
  if (a.has(prefix + "_int64s")) {
    auto numbers = a.get_ints(prefix + "_int64s");
    if (with_default) numbers.push_back(a.get_int("default_int64", -1));
    return Tensor::of_dims(numbers);
  }
  if (a.has(prefix + "_floats")) {
    auto numbers = a.get_floats(prefix + "_floats");
    if (with_default) numbers.push_back(a.get_float("default_float", -0.0f));
    return floats_tensor(numbers);
  }
  return std::nullopt;
}

std::vector<int64_t> positions(size_t count) {
  std::vector<int64_t> out;
  for (size_t i = 0; i < count; ++i) out.push_back(static_cast<int64_t>(i));
  return out;
}

// Between strings and numbers, either way.
std::vector<Tensor> map_strings(const NodeContext& ctx, std::vector<std::string> strings,
                                std::vector<int64_t> numbers) {
  const Tensor& x = ctx.value(0);
  const Attributes& a = ctx.attributes();
  if (x.dtype() == DType::String) {
    const Tensor keys = strings_tensor(std::move(strings));
    numbers.push_back(a.get_int("default_int64", -1));
    return {look_up(ctx, x, keys, Tensor::of_dims(numbers))};
  }
  const Tensor keys = Tensor::of_dims(numbers);
  strings.push_back(a.get_string("default_string", "_Unused"));
  return {look_up(ctx, x, keys, strings_tensor(std::move(strings)))};
}

std::vector<Tensor> label_encoder(const NodeContext& ctx) {
  if (ctx.attributes().has("classes_strings")) { // version 1
    const auto classes = ctx.attributes().get_strings("classes_strings");
    return map_strings(ctx, classes, positions(classes.size()));
  }
  const auto keys = read_list(ctx, "keys", false), values = read_list(ctx, "values", true);
  if (!keys || !values) ctx.fail("keys and values must be given");
  return {look_up(ctx, ctx.value(0), *keys, *values)};
}

std::vector<Tensor> category_mapper(const NodeContext& ctx) {
  return map_strings(ctx, ctx.attributes().get_strings("cats_strings"),
                     ctx.attributes().get_ints("cats_int64s"));
}

// --- maps
std::span<const Tensor> map_of(const NodeContext& ctx) {
  if (ctx.dtype(0) != DType::Map) ctx.fail("a map expected, not ", dtype_name(ctx.dtype(0)));
  return ctx.value(0).items();
}

// The values of a vocabulary's keys as a row; 0 or "" for those that the map has not.
std::vector<Tensor> dict_vectorizer(const NodeContext& ctx) {
  const auto items = map_of(ctx);
  const bool by_string = ctx.attributes().has("string_vocabulary");
  const Tensor vocabulary = by_string
                                ? strings_tensor(ctx.attributes().get_strings("string_vocabulary"))
                                : Tensor::of_dims(ctx.attributes().get_ints("int64_vocabulary"));
  const Tensor values = append(ctx, items[1], zero_of(ctx, items[1].dtype()));
  const Tensor row = look_up(ctx, vocabulary, items[0], values);
  return {row.reshaped({1, row.shape()[0]})};
}

// The values in the order of their keys; in sparse form each at the place that its key tells.
std::vector<Tensor> cast_map(const NodeContext& ctx) {
  const auto items = map_of(ctx);
  const Attributes& a = ctx.attributes();
  const std::string to = a.get_string("cast_to", "TO_FLOAT"),
                    form = a.get_string("map_form", "DENSE");
  const DType dtype = to == "TO_FLOAT"    ? DType::Float32
                      : to == "TO_STRING" ? DType::String
                      : to == "TO_INT64"  ? DType::Int64
                                          : DType::Undefined;
  if (dtype == DType::Undefined) ctx.fail("cast_to is '", to, "'");
  if (form != "DENSE" && form != "SPARSE") ctx.fail("map_form is '", form, "'");
  std::map<int64_t, int64_t> places; // of the values, by their keys
  for (const int64_t key : int64_values(items[0], "keys of the map"))
    places.try_emplace(key, static_cast<int64_t>(places.size()));
  std::vector<int64_t> order;
  const auto absent = static_cast<int64_t>(places.size());
  if (form == "SPARSE") {
    const int64_t width = a.get_int("max_map", 1);
    if (width < 0) ctx.fail("max_map is ", width);
    check_room(ctx, DType::String, {width});
    order.assign(static_cast<size_t>(width), absent);
  }
  for (const auto& [key, place] : places) {
    if (form == "DENSE")
      order.push_back(place);
    else if (key >= 0 && key < static_cast<int64_t>(order.size()))
      order[static_cast<size_t>(key)] = place;
    else
      fail(ErrorCode::InvalidInput, ctx.describe_node(), ": key ", key, " is not below max_map");
  }
  const Tensor& values = items[1];
  const Tensor cast = values.dtype() == dtype           ? values
                      : values.dtype() == DType::String ? from_strings(ctx, values, dtype)
                      : dtype == DType::String ? to_strings(ctx, values)
                                               : make_tensor(ctx, dtype, values.shape(),
                                                             float64_values(values, "CastMap"));
  const Tensor all = append(ctx, cast, zero_of(ctx, dtype));
  const Tensor row = apply_op(ctx, "Gather", std::array{all, Tensor::of_dims(order)});
  return {row.reshaped({1, row.shape()[0]})};
}

// One map from labels to numbers for each row.
std::vector<Tensor> zip_map(const NodeContext& ctx) {
  const Rows rows = rows_of(ctx);
  auto strings = ctx.attributes().get_strings("classlabels_strings");
  const auto numbers = ctx.attributes().get_ints("classlabels_int64s");
  if (strings.empty() == numbers.empty())
    ctx.fail("either classlabels_strings or classlabels_int64s must be given");
  const Tensor keys =
      strings.empty() ? Tensor::of_dims(numbers) : strings_tensor(std::move(strings));
  if (static_cast<int64_t>(keys.elements()) != rows.width)
    ctx.fail(keys.elements(), " labels for ", rows.width, " columns");
  const auto x = *ctx.float_values(0);
  std::vector<Tensor> maps;
  for (int64_t r = 0; r < rows.count; ++r)
    maps.push_back(Tensor::map(
        keys, make_tensor(ctx, DType::Float32, {rows.width},
                          std::span(x.data() + r * rows.width, static_cast<size_t>(rows.width)))));
  return {Tensor::sequence(std::move(maps))};
}
} // namespace

extern const OpDef op_label_encoder{.compute = label_encoder};
extern const OpDef op_category_mapper{.compute = category_mapper};
extern const OpDef op_dict_vectorizer{.compute = dict_vectorizer};
extern const OpDef op_cast_map{.compute = cast_map};
extern const OpDef op_zip_map{.compute = zip_map};

} // namespace octet

// Operators on strings: StringNormalizer, StringConcat, StringSplit, RegexFullMatch; what Equal and
// Cast do with them.
#include "ops/strings.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cwctype>
#include <set>

#include "base/utf8.h"
#include "ops/broadcast.h"
#include "ops/numbers.h"
#include "ops/regex.h"

namespace octet {
namespace {
const std::vector<std::string>& strings_of(const NodeContext& ctx, size_t input) {
  if (ctx.dtype(input) != DType::String)
    ctx.fail("input ", input, " must hold strings, not ", dtype_name(ctx.dtype(input)));
  return ctx.value(input).strings();
}

// --- StringNormalizer
std::string change_case(const std::string& text, bool upper) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const auto code = static_cast<wint_t>(next_code_point(text, at));
    append_code_point(out,
                      static_cast<uint32_t>(upper ? std::towupper(code) : std::towlower(code)));
  }
  return out;
}

std::vector<Tensor> normalize_strings(const NodeContext& ctx) {
  const auto& words = strings_of(ctx, 0);
  const Shape& shape = ctx.shape(0);
  if (shape.rank() != 1 && !(shape.rank() == 2 && shape[0] == 1))
    ctx.fail("strings of shape [C] or [1, C] expected, not ", to_string(shape));
  const std::string action = ctx.attributes().get_string("case_change_action", "NONE");
  if (action != "NONE" && action != "LOWER" && action != "UPPER")
    ctx.fail("case_change_action must be NONE, LOWER or UPPER, not '", action, "'");
  const bool is_sensitive = ctx.attributes().get_int("is_case_sensitive", 0) != 0;
  const auto folded = [&](const std::string& word) {
    return is_sensitive ? word : change_case(word, false);
  };
  std::set<std::string> stopwords;
  for (const std::string& word : ctx.attributes().get_strings("stopwords"))
    stopwords.insert(folded(word));
  std::vector<std::string> out;
  for (const std::string& word : words)
    if (stopwords.empty() || !stopwords.count(folded(word)))
      out.push_back(action == "NONE" ? word : change_case(word, action == "UPPER"));
  if (out.empty()) out.emplace_back();
  Shape result = shape;
  result[shape.rank() - 1] = static_cast<int64_t>(out.size());
  return {Tensor(std::move(result), std::move(out))};
}

// --- StringConcat, and Equal on strings: f(a, b) of broadcast strings
template <class F>
void for_each_pair(const NodeContext& ctx, const Shape& shape, F&& f) {
  const auto &a = strings_of(ctx, 0), &b = strings_of(ctx, 1);
  broadcast_nest<3>({&ctx.shape(0), &ctx.shape(1)}, shape)
      .for_each([&](const kernels::LoopNest<3>::Offsets& at) {
        f(a[static_cast<size_t>(at[0])], b[static_cast<size_t>(at[1])]);
      });
}

Shape broadcast_pair(const NodeContext& ctx) {
  try {
    return broadcast_shapes(ctx.shape(0), ctx.shape(1));
  } catch (const Error& error) {
    ctx.fail(error.message());
  }
}

std::vector<Tensor> concat_strings(const NodeContext& ctx) {
  const Shape shape = broadcast_pair(ctx);
  check_room(ctx, DType::String, shape);
  std::vector<std::string> out;
  out.reserve(shape.elements());
  for_each_pair(ctx, shape, [&](const auto& a, const auto& b) { out.push_back(a + b); });
  return {Tensor(shape, std::move(out))};
}

// --- StringSplit
bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// At runs of spaces, without those at the ends; after `most` splits the rest stays whole.
std::vector<std::string> split_words(std::string_view text, size_t most) {
  std::vector<std::string> out;
  size_t at = 0;
  while (true) {
    while (at < text.size() && is_space(text[at])) ++at;
    if (at == text.size()) return out;
    size_t end = at;
    if (out.size() == most) end = text.size();
    while (end < text.size() && !is_space(text[end])) ++end;
    out.emplace_back(text.substr(at, end - at));
    at = end;
  }
}

std::vector<std::string> split_at(std::string_view text, std::string_view delimiter, size_t most) {
  std::vector<std::string> out;
  while (true) {
    const size_t end = out.size() == most ? std::string_view::npos : text.find(delimiter);
    out.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + delimiter.size());
  }
}

std::vector<Tensor> split_strings(const NodeContext& ctx) {
  const std::string delimiter = ctx.attributes().get_string("delimiter", "");
  const int64_t given = ctx.attributes().get_int("maxsplit", -1);
  const size_t most = given < 0 ? SIZE_MAX : static_cast<size_t>(given);
  std::vector<std::vector<std::string>> rows;
  std::vector<int64_t> counts;
  size_t columns = 0;
  for (const std::string& text : strings_of(ctx, 0)) {
    rows.push_back(delimiter.empty() ? split_words(text, most) : split_at(text, delimiter, most));
    counts.push_back(static_cast<int64_t>(rows.back().size()));
    columns = std::max(columns, rows.back().size());
  }
  Shape shape = ctx.shape(0);
  shape.push_back(static_cast<int64_t>(columns));
  check_room(ctx, DType::String, shape);
  std::vector<std::string> out;
  for (auto& row : rows) {
    row.resize(columns);
    std::move(row.begin(), row.end(), std::back_inserter(out));
  }
  std::vector<Tensor> results = {Tensor(std::move(shape), std::move(out)),
                                 Tensor::of<int64_t>(ctx.shape(0), counts)};
  results.resize(ctx.node().outputs.size());
  return results;
}

Tensor make_flags(const Shape& shape, const std::vector<uint8_t>& flags) {
  Buffer bytes(flags.size());
  std::copy(flags.begin(), flags.end(), bytes.data());
  return Tensor(DType::Bool, shape, SharedBytes(std::move(bytes)));
}

// --- RegexFullMatch
void infer_regex(InferContext& ctx) {
  ctx.set_output(0, DType::Bool, ctx.shape(0));
}

std::vector<Tensor> regex_full_match(const NodeContext& ctx) {
  const auto& texts = strings_of(ctx, 0);
  const auto regex = [&] {
    try {
      return Regex(ctx.attributes().get_string("pattern", ""));
    } catch (const Error& error) {
      octet::fail(error.code(), ctx.describe_node(), ": ", error.message());
    }
  }();
  std::vector<uint8_t> out;
  for (const std::string& text : texts) out.push_back(regex.matches(text));
  return {make_flags(ctx.shape(0), out)};
}

// --- numbers as text
std::string text_of(double value, bool is_float32) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-INF" : "INF";
  char text[32];
  for (int digits = is_float32 ? 6 : 15;; ++digits) {
    std::snprintf(text, sizeof text, "%.*g", digits, value);
    const double read = std::strtod(text, nullptr);
    if (read == value || (is_float32 && static_cast<float>(read) == static_cast<float>(value)) ||
        digits == 17)
      return text;
  }
}

[[noreturn]] void refuse_text(const NodeContext& ctx, const std::string& text) {
  octet::fail(ErrorCode::InvalidInput, ctx.describe_node(), ": '", text, "' is not a number");
}

// The number that all of a text but its outer spaces is, by strtod or its kind.
template <class T, class F>
T number_in(const NodeContext& ctx, const std::string& text, F&& parse) {
  char* end = nullptr;
  const T value = parse(text.c_str(), &end);
  const char* const last = text.c_str() + text.size();
  if (end == text.c_str()) refuse_text(ctx, text);
  if (std::all_of<const char*>(end, last, is_space)) return value;
  if constexpr (std::is_integral_v<T>) { // "100.5", "1e3"
    const auto real =
        number_in<double>(ctx, text, [](const char* t, char** e) { return std::strtod(t, e); });
    T out;
    wide_convert(Wide::F64, wide_of<T>)(&real, 1, &out);
    return out;
  }
  refuse_text(ctx, text);
}
} // namespace

Tensor to_strings(const NodeContext& ctx, const Tensor& numbers) {
  const WideType& type = wide_type(ctx, numbers.dtype());
  std::vector<std::string> out;
  if (type.wide == Wide::F32 || type.wide == Wide::F64) {
    for (const double x : float64_values(numbers, "Cast"))
      out.push_back(text_of(x, type.wide == Wide::F32));
  } else if (type.wide == Wide::U64) {
    for (const uint64_t x : numbers.values<uint64_t>()) out.push_back(concat(x));
  } else {
    for (const int64_t x : int64_values(numbers, "Cast")) out.push_back(concat(x));
  }
  return Tensor(numbers.shape(), std::move(out));
}

Tensor from_strings(const NodeContext& ctx, const Tensor& strings, DType dtype) {
  const Wide wide = wide_type(ctx, dtype).wide;
  if (wide == Wide::F32 || wide == Wide::F64 || dtype == DType::Bool) {
    std::vector<double> out;
    for (const std::string& text : strings.strings())
      out.push_back(number_in<double>(
          ctx, text, [](const char* t, char** end) { return std::strtod(t, end); }));
    return make_tensor(ctx, dtype, strings.shape(), out);
  }
  std::vector<int64_t> out;
  for (const std::string& text : strings.strings())
    out.push_back(
        wide == Wide::U64
            ? static_cast<int64_t>(number_in<uint64_t>(
                  ctx, text, [](const char* t, char** end) { return std::strtoull(t, end, 10); }))
            : number_in<int64_t>(ctx, text, [](const char* t, char** end) {
                return static_cast<int64_t>(std::strtoll(t, end, 10));
              }));
  return make_tensor(ctx, dtype, strings.shape(), out);
}

std::vector<Tensor> equal_strings(const NodeContext& ctx) {
  const Shape shape = broadcast_pair(ctx);
  std::vector<uint8_t> out;
  out.reserve(shape.elements());
  for_each_pair(ctx, shape, [&](const auto& a, const auto& b) { out.push_back(a == b); });
  return {make_flags(shape, out)};
}

extern const OpDef op_string_normalizer{.compute = normalize_strings};
extern const OpDef op_string_concat{.compute = concat_strings};
extern const OpDef op_string_split{.compute = split_strings};
extern const OpDef op_regex_full_match{.infer = infer_regex, .compute = regex_full_match};

} // namespace octet

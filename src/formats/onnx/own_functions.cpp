#include "formats/onnx/own_functions.h"

#include <initializer_list>
#include <span>

#include "formats/onnx/onnx_schema.h"
#include "formats/wire/message_writer.h"
#include "ops/log2_ops.h"

namespace octet::onnx {
namespace {
using wire::MessageWriter;

using Names = std::initializer_list<std::string_view>;

constexpr float kThreeQuarters = 0.75f;
constexpr float kOctavesPerE = 1.44269504f; // 1 / ln 2
// Added to log2(|x| / smallest), which is from log2(¾) up to log2(1½) above the index minus 1, this
// lies between the index and that of the next level, 0.28 away from both ends.
constexpr float kAbove = 1.7f;

// Writes the nodes of one body.
class BodyWriter {
public:
  explicit BodyWriter(MessageWriter& writer) : writer_(writer) {}

  void integer(std::string_view output, int64_t value) const {
    constant(output, "value_int", AttributeKind::Int,
             [&] { writer_.integer(attribute::kInt, value); });
  }
  void number(std::string_view output, float value) const {
    constant(output, "value_float", AttributeKind::Float,
             [&] { writer_.float32(attribute::kFloat, value); });
  }
  void node(std::string_view output, std::string_view op_type, Names inputs) const {
    add(output, op_type, inputs, [] {});
  }
  void cast(std::string_view output, std::string_view input, DType to) const {
    add(output, "Cast", {input}, [&] {
      attribute("to", AttributeKind::Int,
                [&] { writer_.integer(attribute::kInt, static_cast<int64_t>(to)); });
    });
  }

private:
  template <class Value>
  void attribute(std::string_view name, AttributeKind kind, Value value) const {
    writer_.message(node::kAttribute, [&] {
      writer_.text(attribute::kName, name);
      value();
      writer_.integer(attribute::kType, static_cast<int64_t>(kind));
    });
  }
  template <class Value>
  void constant(std::string_view output, std::string_view name, AttributeKind kind,
                Value value) const {
    add(output, "Constant", {}, [&] { attribute(name, kind, value); });
  }
  template <class Attributes>
  void add(std::string_view output, std::string_view op_type, Names inputs,
           Attributes attributes) const {
    writer_.message(function::kNode, [&] {
      for (std::string_view input : inputs) writer_.text(node::kInput, input);
      writer_.text(node::kOutput, output);
      writer_.text(node::kOpType, op_type);
      attributes();
    });
  }

  MessageWriter& writer_;
};

void write_log2_quantize(const BodyWriter& body) {
  body.integer("one", 1);
  body.integer("last", -1);
  body.number("three_quarters", kThreeQuarters);
  body.number("octaves_per_e", kOctavesPerE);
  body.number("above", kAbove);
  body.number("unit", 1);
  body.number("zero", 0);
  body.node("magnitude", "Abs", {"x"});
  body.node("smallest", "Gather", {"levels", "one"});
  body.node("largest", "Gather", {"levels", "last"});
  body.node("least", "Mul", {"smallest", "three_quarters"});
  body.node("counts", "GreaterOrEqual", {"magnitude", "least"});
  body.node("counted", "Where", {"counts", "magnitude", "least"});
  body.node("bounded", "Min", {"counted", "largest"});
  body.node("ratio", "Div", {"bounded", "smallest"});
  body.node("logarithm", "Log", {"ratio"});
  body.node("octaves", "Mul", {"logarithm", "octaves_per_e"});
  body.node("raised", "Add", {"octaves", "above"});
  body.cast("guess", "raised", DType::Int64);
  body.node("level", "Gather", {"levels", "guess"});
  body.node("bound", "Mul", {"level", "three_quarters"});
  body.node("reached", "GreaterOrEqual", {"magnitude", "bound"});
  body.cast("upper", "guess", DType::Float32);
  body.node("lower", "Sub", {"upper", "unit"});
  body.node("index", "Where", {"reached", "upper", "lower"});
  body.node("is_negative", "Less", {"x", "zero"});
  body.node("opposite", "Neg", {"index"});
  body.node("signed", "Where", {"is_negative", "opposite", "index"});
  body.node("codes", "QuantizeLinear", {"signed", "unit", "zero_point"});
}

void write_log2_dequantize(const BodyWriter& body) {
  body.number("unit", 1);
  body.node("signed", "DequantizeLinear", {"codes", "unit", "zero_point"});
  body.node("magnitude", "Abs", {"signed"});
  body.cast("index", "magnitude", DType::Int64);
  body.node("level", "Gather", {"levels", "index"});
  body.node("sign", "Sign", {"signed"});
  body.node("real", "Mul", {"level", "sign"});
}

constexpr struct {
  std::string_view name, input, output;
  void (*write)(const BodyWriter&);
} kFunctions[] = {
    {"Log2Quantize", "x", "codes", write_log2_quantize},
    {"Log2Dequantize", "codes", "real", write_log2_dequantize},
};
} // namespace

std::string own_function(std::string_view domain, std::string_view name, int64_t opset) {
  if (domain != kFunctionDomain) return {};
  for (const auto& row : kFunctions)
    if (row.name == name)
      return wire::encode_text([&](MessageWriter& writer) {
        writer.text(function::kName, row.name);
        for (std::string_view input :
             {row.input, std::string_view("zero_point"), std::string_view("levels")})
          writer.text(function::kInput, input);
        writer.text(function::kOutput, row.output);
        row.write(BodyWriter(writer));
        writer.message(function::kOpsetImport, [&] {
          writer.text(opset::kDomain, "");
          writer.integer(opset::kVersion, opset);
        });
        writer.text(function::kDomain, domain);
      });
  return {};
}

bool runs_as_operator(const Graph& graph, const Node& call) {
  return log2_codes(graph, call).has_value();
}

} // namespace octet::onnx

// Empty tensors, the forms that attributes and operands had in older operator sets, and corners of
// the arithmetic that the ONNX backend tests leave out. Expectations are the specification's,
// worked out by hand or with numpy.
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "tests/ops/run_op.h"

namespace octet {
namespace {
using Ints = std::vector<int64_t>;
using Floats = std::vector<float>;

std::vector<Shape> shapes_of(const std::vector<Tensor>& tensors) {
  std::vector<Shape> out;
  for (const Tensor& t : tensors) out.push_back(t.shape());
  return out;
}
} // namespace

TEST_CASE("operators accept empty tensors") {
  const Tensor empty = counting({0, 3}), rows = counting({3, 0});
  struct Row {
    OpCall call;
    Shape expected;
  };
  const Row kRows[] = {
      {{"Relu", {empty}}, {0, 3}},
      {{"Add", {empty, counting({1, 3})}}, {0, 3}},
      {{"Add", {counting({1, 3}), empty}}, {0, 3}},
      {{"Equal", {empty, counting({3})}}, {0, 3}},
      {{"Pow", {empty, floats({}, {2})}}, {0, 3}},
      {{"Where", {Tensor::of<bool>({1, 1}, {true}), empty, empty}}, {0, 3}},
      {{"Cast", {empty}, {{"to", int64_t{7}}}}, {0, 3}},
      {{"Clip", {empty}}, {0, 3}},
      {{"Transpose", {empty}}, {3, 0}},
      {{"Reshape", {empty, ints({0, -1})}}, {0, 0}},
      {{"Reshape",
        {
            empty,
            ints({5, 0}),
        },
        {{"allowzero", int64_t{1}}}},
       {5, 0}},
      {{"Flatten", {empty}}, {0, 3}},
      {{"Expand", {counting({1, 3}), ints({0, 3})}}, {0, 3}},
      {{"Tile", {counting({2, 3}), ints({0, 2})}}, {0, 6}},
      {{"Concat", {empty, counting({2, 3})}, {{"axis", int64_t{0}}}}, {2, 3}},
      {{"Slice", {counting({2, 3}), ints({5}), ints({9})}}, {0, 3}},
      {{"Pad", {empty, ints({1, 0, 1, 0})}}, {2, 3}},
      {{"Gather", {counting({2, 3}), ints({})}}, {0, 3}},
      {{"GatherElements", {counting({2, 3}), Tensor::of<int64_t>({0, 3}, {})}}, {0, 3}},
      {{"GatherND", {counting({2, 3}), Tensor::of<int64_t>({0, 1}, {})}}, {0, 3}},
      {{"ScatterND", {counting({2, 3}), Tensor::of<int64_t>({0, 1}, {}), empty}}, {2, 3}},
      {{"ScatterElements", {counting({2, 3}), Tensor::of<int64_t>({0, 3}, {}), empty}}, {2, 3}},
      {{"ReduceSum", {empty, ints({0})}}, {1, 3}},
      {{"ReduceSum", {rows, ints({0})}}, {1, 0}},
      {{"ReduceMean", {rows, ints({1})}, {{"keepdims", int64_t{0}}}}, {3}},
      {{"ArgMax", {rows}, {{"axis", int64_t{0}}}}, {1, 0}},
      {{"TopK", {empty, ints({1})}}, {0, 1}},
      {{"CumSum", {empty, Tensor::scalar(int64_t{0})}}, {0, 3}},
      {{"NonZero", {empty}}, {2, 0}},
      {{"Trilu", {empty}}, {0, 3}},
      {{"OneHot", {ints({}), ints({3}), floats({2}, {0, 1})}}, {0, 3}},
      {{"Range", {ints({3}), ints({3}), ints({1})}}, {0}},
      {{"ConstantOfShape", {ints({0, 2})}}, {0, 2}},
      {{"ConstantOfShape", {ints({})}}, {}},
      {{"Softmax", {empty}}, {0, 3}},
      {{"LayerNormalization", {empty, counting({3})}}, {0, 3}},
      {{"BatchNormalization",
        {counting({0, 3}), counting({3}), counting({3}), counting({3}), counting({3})}},
       {0, 3}},
      {{"InstanceNormalization", {counting({2, 3, 0}), counting({3}), counting({3})}}, {2, 3, 0}},
      {{"MatMul", {empty, counting({3, 4})}}, {0, 4}},
      {{"MatMul", {rows, counting({0, 4})}}, {3, 4}},
      {{"Gemm", {rows, counting({0, 4}), counting({4})}}, {3, 4}},
      {{"GlobalAveragePool", {counting({0, 3, 2, 2})}}, {0, 3, 1, 1}},
      {{"GlobalAveragePool", {counting({2, 3, 0, 2})}}, {2, 3, 1, 1}},
      {{"Conv", {counting({0, 4, 4, 2}), counting({3, 2, 3, 3})}, {}, 21, 1, "octet"},
       {0, 2, 2, 3}},
      {{"MaxPool", {counting({0, 4, 4, 2})}, {{"kernel_shape", Ints{2, 2}}}, 21, 1, "octet"},
       {0, 3, 3, 2}},
      {{"LSTM", {counting({0, 1, 3}), counting({1, 8, 3}), counting({1, 8, 2})}}, {0, 1, 1, 2}},
      {{"GRU", {counting({2, 0, 3}), counting({1, 6, 3}), counting({1, 6, 2})}}, {2, 1, 0, 2}},
  };
  for (const Row& row : kRows) {
    INFO(row.call.op_type);
    CHECK(run_op(row.call)[0].shape() == row.expected);
  }
}

TEST_CASE("products over an empty axis are zero plus the bias") {
  const Tensor a = counting({2, 0}), b = counting({0, 3});
  CHECK(values_of<float>(run_op({"MatMul", {a, b}})[0]) == Floats(6, 0.0f));
  const Tensor c = floats({3}, {1, 2, 3});
  CHECK(values_of<float>(run_op({"Gemm", {a, b, c}})[0]) == Floats{1, 2, 3, 1, 2, 3});
}

TEST_CASE("MatMul multiplies every number type") {
  const auto matmul = [](const auto& a, const auto& b) { return run_op({"MatMul", {a, b}})[0]; };
  const Tensor doubles = Tensor::of<double>({1, 2}, {1e10, 1});
  CHECK(values_of<double>(matmul(doubles, Tensor::of<double>({2, 1}, {1e10, 1})))[0] == 1e20 + 1);
  const Tensor row = Tensor::of<int64_t>({1, 2}, {-3, int64_t{1} << 62});
  CHECK(values_of<int64_t>(matmul(row, Tensor::of<int64_t>({2, 2}, {1, 2, 4, 0}))) == Ints{-3, -6});
  const Tensor batch = Tensor::of<int32_t>({2, 1, 1}, {2, 3});
  CHECK(values_of<int32_t>(matmul(batch, batch)) == std::vector<int32_t>{4, 9});
}

TEST_CASE("reductions over nothing yield the neutral element") {
  const Tensor empty = counting({0});
  constexpr float inf = std::numeric_limits<float>::infinity();
  const auto reduced = [&](const char* op) {
    return values_of<float>(run_op({op, {empty}})[0])[0];
  };
  CHECK(reduced("ReduceSum") == 0);
  CHECK(reduced("ReduceProd") == 1);
  CHECK(reduced("ReduceMax") == -inf);
  CHECK(reduced("ReduceMin") == inf);
  CHECK(reduced("ReduceLogSumExp") == -inf);
  CHECK(std::isnan(reduced("ReduceMean")));
}

TEST_CASE("axes are an attribute in old operator sets and an operand in new ones") {
  const Tensor x = counting({1, 3, 1});
  CHECK(run_op({"Squeeze", {x}, {{"axes", Ints{0}}}, 11})[0].shape() == Shape{3, 1});
  CHECK(run_op({"Squeeze", {x, ints({-1})}})[0].shape() == Shape{1, 3});
  CHECK(run_op({"Squeeze", {x}})[0].shape() == Shape{3});
  CHECK(run_op({"Squeeze", {x, ints({})}})[0].shape() == Shape{1, 3, 1});
  CHECK(run_op({"Unsqueeze", {x}, {{"axes", Ints{0, 4}}}, 11})[0].shape() == Shape{1, 1, 3, 1, 1});
  CHECK(run_op({"Unsqueeze", {x, ints({-1})}})[0].shape() == Shape{1, 3, 1, 1});
  const Tensor y = counting({2, 3});
  CHECK(values_of<float>(run_op({"ReduceSum", {y}, {{"axes", Ints{1}}}, 11})[0]) == Floats{3, 12});
  CHECK(values_of<float>(run_op({"ReduceSum", {y, ints({0})}})[0]) == Floats{3, 5, 7});
  CHECK(values_of<float>(run_op({"ReduceMean", {y}, {{"axes", Ints{1}}}, 17})[0]) == Floats{1, 4});
  const OpCall nothing{"ReduceSum", {y, ints({})}, {{"noop_with_empty_axes", int64_t{1}}}};
  CHECK(run_op(nothing)[0].shape() == Shape{2, 3});
}

TEST_CASE("Slice") {
  const Tensor x = counting({4});
  const auto slice = [&](int64_t start, int64_t end, int64_t step) {
    return values_of<float>(
        run_op({"Slice", {x, ints({start}), ints({end}), ints({0}), ints({step})}})[0]);
  };
  constexpr int64_t lowest = std::numeric_limits<int64_t>::min(),
                    highest = std::numeric_limits<int64_t>::max();
  CHECK(slice(1, 3, 1) == Floats{1, 2});
  CHECK(slice(-3, highest, 2) == Floats{1, 3});
  CHECK(slice(highest, lowest, -1) == Floats{3, 2, 1, 0});
  CHECK(slice(-1, -4, -2) == Floats{3, 1});
  CHECK(slice(0, highest, highest) == Floats{0});
  CHECK(slice(3, lowest, lowest) == Floats{3});
  CHECK(slice(3, 1, 1) == Floats{});
  const OpCall old{"Slice", {x}, {{"starts", Ints{1}}, {"ends", Ints{-1}}}, 9};
  CHECK(values_of<float>(run_op(old)[0]) == Floats{1, 2});
}

TEST_CASE("Split") {
  const Tensor x = counting({7});
  const auto parts = [](const OpCall& call) { return shapes_of(run_op(call)); };
  CHECK(parts({"Split", {x}, {{"num_outputs", int64_t{3}}}, 18, 3}) ==
        std::vector<Shape>{{3}, {3}, {1}});
  CHECK(parts({"Split", {x, ints({2, 0, 5})}, {}, 13, 3}) == std::vector<Shape>{{2}, {0}, {5}});
  CHECK(parts({"Split", {x}, {{"split", Ints{6, 1}}}, 11, 2}) == std::vector<Shape>{{6}, {1}});
}

TEST_CASE("Pad") {
  const Tensor x = counting({3});
  const auto pad = [&](int64_t before, int64_t after, const char* mode) {
    return values_of<float>(
        run_op({"Pad", {x, ints({before, after})}, {{"mode", std::string(mode)}}})[0]);
  };
  CHECK(pad(1, 2, "constant") == Floats{0, 0, 1, 2, 0, 0});
  CHECK(pad(1, 2, "edge") == Floats{0, 0, 1, 2, 2, 2});
  CHECK(pad(2, 2, "reflect") == Floats{2, 1, 0, 1, 2, 1, 0});
  CHECK(pad(1, 2, "wrap") == Floats{2, 0, 1, 2, 0, 1});
  CHECK(pad(-1, -1, "constant") == Floats{1});
  CHECK(pad(-1, 1, "constant") == Floats{1, 2, 0});
  CHECK(pad(-4, 4, "constant") == Floats{0, 0, 0});
  const OpCall old{"Pad", {x}, {{"pads", Ints{1, 0}}, {"value", 7.0f}}, 10};
  CHECK(values_of<float>(run_op(old)[0]) == Floats{7, 0, 1, 2});
  const OpCall axes{"Pad", {counting({1, 2}), ints({1, 0}), Tensor::scalar(9.0f), ints({-1})}};
  CHECK(values_of<float>(run_op(axes)[0]) == Floats{9, 0, 1});
}

TEST_CASE("bounds of Clip are attributes before operator set 11") {
  const Tensor x = floats({4}, {-3, -0.5f, 0.5f, std::numeric_limits<float>::quiet_NaN()});
  const auto old = values_of<float>(run_op({"Clip", {x}, {{"min", -1.0f}, {"max", 0.25f}}, 6})[0]);
  CHECK(old[0] == -1);
  CHECK(old[2] == 0.25f);
  CHECK(std::isnan(old[3]));
  const auto low = values_of<float>(run_op({"Clip", {x, Tensor::scalar(0.0f)}})[0]);
  CHECK(low[0] == 0);
  CHECK(low[2] == 0.5f);
  const auto both = Tensor::of<int32_t>({3}, {-9, 0, 9});
  CHECK(values_of<int32_t>(
            run_op({"Clip", {both, Tensor::scalar(int32_t{-1}), Tensor::scalar(int32_t{2})}})[0]) ==
        std::vector<int32_t>{-1, 0, 2});
}

TEST_CASE("Softmax normalizes a whole row before operator set 13") {
  const Tensor x = floats({1, 2, 2}, {0, 0, 0, 0});
  CHECK(values_of<float>(run_op({"Softmax", {x}, {}, 11})[0])[0] == Approx(0.25));
  CHECK(values_of<float>(run_op({"Softmax", {x}, {}, 13})[0])[0] == Approx(0.5));
  CHECK(values_of<float>(run_op({"Softmax", {x}, {{"axis", int64_t{0}}}, 13})[0])[0] == 1);
}

TEST_CASE("integer arithmetic wraps and never traps") {
  constexpr int64_t lowest = std::numeric_limits<int64_t>::min();
  const auto binary = [](const char* op, int64_t a, int64_t b) {
    return values_of<int64_t>(run_op({op, {ints({a}), ints({b})}})[0])[0];
  };
  CHECK(binary("Div", 7, 0) == 0);
  CHECK(binary("Div", -7, 2) == -3);
  CHECK(binary("Div", lowest, -1) == lowest);
  CHECK(binary("Mod", 7, 0) == 0);
  CHECK(binary("Mod", -7, 3) == 2);
  CHECK(binary("Mod", 7, -3) == -2);
  CHECK(binary("Mod", lowest, -1) == 0);
  CHECK(binary("Add", std::numeric_limits<int64_t>::max(), 1) == lowest);
  CHECK(binary("Mul", lowest, -1) == lowest);
  CHECK(binary("Pow", 3, 4) == 81);
  CHECK(binary("Pow", -1, -3) == -1);
  CHECK(binary("Pow", 2, -1) == 0);
  CHECK(values_of<int64_t>(run_op({"Abs", {ints({lowest})}})[0])[0] == lowest);
  CHECK(values_of<int64_t>(run_op({"Neg", {ints({lowest})}})[0])[0] == lowest);
  const auto bytes = [](uint8_t value) { return Tensor::of<uint8_t>({1}, {value}); };
  CHECK(values_of<uint8_t>(run_op({"Add", {bytes(200), bytes(100)}})[0])[0] == 44);
  CHECK(values_of<uint8_t>(run_op({"Sub", {bytes(1), bytes(2)}})[0])[0] == 255);
}

TEST_CASE("Cast truncates, saturates at 64 bits and takes anything but zero as true") {
  const Tensor x = floats({5}, {-1.9f, 0.5f, 3e20f, -3e20f, std::nanf("")});
  const auto cast = [&](DType to) {
    return run_op({"Cast", {x}, {{"to", static_cast<int64_t>(to)}}})[0];
  };
  CHECK(values_of<int64_t>(cast(DType::Int64)) ==
        Ints{-1, 0, std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min(), 0});
  CHECK(values_of<bool>(cast(DType::Bool)) == std::vector<bool>{true, true, true, true, true});
  const Tensor large = Tensor::of<uint64_t>({1}, {uint64_t{1} << 63});
  const OpCall call{"Cast", {large}, {{"to", static_cast<int64_t>(DType::Float64)}}};
  CHECK(values_of<double>(run_op(call)[0])[0] == 0x1p63);
}

TEST_CASE("NaN wins Max and Min, and is the largest for TopK") {
  const float nan = std::nanf("");
  const Tensor a = floats({2}, {nan, 1}), b = floats({2}, {1, nan});
  for (const char* op : {"Max", "Min"})
    for (float value : values_of<float>(run_op({op, {a, b}})[0])) CHECK(std::isnan(value));
  const Tensor x = floats({3}, {1, nan, 2});
  CHECK(values_of<int64_t>(run_op(
            {.op_type = "TopK", .inputs = {x, ints({3})}, .outputs = 2})[1]) == Ints{1, 2, 0});
}

TEST_CASE("TopK keeps the order of equal elements") {
  const Tensor x = floats({4}, {1, 2, 2, 1});
  const OpCall call{.op_type = "TopK", .inputs = {x, ints({3})}, .outputs = 2};
  const auto results = run_op(call);
  CHECK(values_of<float>(results[0]) == Floats{2, 2, 1});
  CHECK(values_of<int64_t>(results[1]) == Ints{1, 2, 0});
  const OpCall old{"TopK", {x}, {{"k", int64_t{1}}}, 9, 2};
  CHECK(values_of<int64_t>(run_op(old)[1]) == Ints{1});
}

TEST_CASE("ScatterElements reduces") {
  const auto scatter = [](const char* reduction) {
    const OpCall call{"ScatterElements",
                      {floats({3}, {1, 2, 3}), ints({1, 1}), floats({2}, {5, 4})},
                      {{"reduction", std::string(reduction)}}};
    return values_of<float>(run_op(call)[0]);
  };
  CHECK(scatter("none") == Floats{1, 4, 3});
  CHECK(scatter("add") == Floats{1, 11, 3});
  CHECK(scatter("mul") == Floats{1, 40, 3});
  CHECK(scatter("max") == Floats{1, 5, 3});
  CHECK(scatter("min") == Floats{1, 2, 3});
}

TEST_CASE("functions that came after operator set 17") {
  const Floats xs{-4, -1, -0.25f, 0, 0.5f, 3};
  const auto check = [&](const OpCall& call, double (*function)(double)) {
    OpCall with_input = call;
    with_input.inputs = {floats({6}, xs)};
    const auto got = values_of<float>(run_op(with_input)[0]);
    for (size_t i = 0; i < xs.size(); ++i)
      CHECK(got[i] == Approx(function(static_cast<double>(xs[i]))).margin(1e-6));
  };
  check({"Gelu"}, [](double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); });
  check({.op_type = "Gelu", .attributes = {{"approximate", std::string("tanh")}}}, [](double x) {
    return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
  });
  check({.op_type = "Swish", .attributes = {{"alpha", 1.5f}}},
        [](double x) { return x / (1 + std::exp(-1.5 * x)); });
  check({"Mish"}, [](double x) { return x * std::tanh(std::log1p(std::exp(x))); });
}

TEST_CASE("RMSNormalization and GroupNormalization") {
  const Tensor x = floats({1, 4}, {1, 2, 3, 4}), scale = floats({4}, {1, 1, 2, 2});
  const auto rms = values_of<float>(run_op({"RMSNormalization", {x, scale}, {}, 23})[0]);
  const double root = std::sqrt(30.0 / 4 + 1e-5);
  CHECK(rms[0] == Approx(1 / root));
  CHECK(rms[3] == Approx(8 / root));
  // Two groups of two channels; each has mean 1.5 or 3.5 and variance 0.25.
  const double one = 0.5 / std::sqrt(0.25 + 1e-5);
  const OpCall per_channel{
      "GroupNormalization", {x, scale, floats({4}, {0, 0, 0, 1})}, {{"num_groups", int64_t{2}}}};
  const auto group = values_of<float>(run_op(per_channel)[0]);
  CHECK(group[0] == Approx(-one));
  CHECK(group[2] == Approx(-2 * one));
  CHECK(group[3] == Approx(2 * one + 1));
  const OpCall per_group{"GroupNormalization",
                         {x, floats({2}, {1, 3}), floats({2}, {0, 1})},
                         {{"num_groups", int64_t{2}}},
                         18};
  CHECK(values_of<float>(run_op(per_group)[0])[3] == Approx(3 * one + 1));
}

TEST_CASE("broadcasting agrees with index arithmetic") {
  const Shape shapes[] = {{}, {4}, {3, 1}, {1, 4}, {2, 1, 4}, {2, 3, 1}, {1, 1, 1}, {2, 3, 4}};
  for (const Shape& left : shapes)
    for (const Shape& right : shapes) {
      INFO(to_string(left) << " and " << to_string(right));
      const Tensor a = counting(left), b = counting(right);
      const Tensor got = run_op({"Sub", {a, b}})[0];
      const Shape out = got.shape();
      CHECK(out == broadcast_shapes(left, right));
      const auto at = [&](const Tensor& t, size_t flat) {
        size_t offset = 0, pitch = 1;
        for (size_t d = 0; d < out.rank(); ++d) {
          const auto size = static_cast<size_t>(out[out.rank() - 1 - d]);
          if (d < t.shape().rank() && t.shape()[t.shape().rank() - 1 - d] != 1) {
            offset += flat % size * pitch;
            pitch *= size;
          }
          flat /= size;
        }
        return t.values<float>()[offset];
      };
      const auto values = values_of<float>(got);
      for (size_t i = 0; i < values.size(); ++i) CHECK(values[i] == at(a, i) - at(b, i));
    }
}

TEST_CASE("Constant has a value in every form") {
  const auto constant = [](const char* name, AttributeValue value) {
    return run_op({.op_type = "Constant", .attributes = {{name, std::move(value)}}})[0];
  };
  CHECK(values_of<float>(constant("value_float", 2.5f)) == Floats{2.5f});
  CHECK(values_of<int64_t>(constant("value_ints", Ints{1, 2})) == Ints{1, 2});
  CHECK(constant("value_int", int64_t{3}).shape() == Shape{});
  CHECK(values_of<float>(constant("value_floats", Floats{1, 2})) == Floats{1, 2});
  CHECK(constant("value", counting({2, 2})).shape() == Shape{2, 2});
  CHECK(constant("value_string", std::string("a")).strings()[0] == "a");
}

} // namespace octet

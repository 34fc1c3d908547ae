// What operators say about nodes and operands that do not fit: the right code, and a message that
// names the node.
#include <catch2/catch.hpp>

#include "tests/ops/run_op.h"

namespace octet {
namespace {
struct BadCall {
  OpCall call;
  ErrorCode code;
  const char* says; // part of the message
};

using Ints = std::vector<int64_t>;

Tensor bytes(Shape shape) {
  const std::vector<uint8_t> zeros(shape.elements());
  return Tensor::of<uint8_t>(std::move(shape), std::span<const uint8_t>(zeros));
}

std::vector<BadCall> bad_calls() {
  const Tensor x = counting({2, 3}), image = counting({1, 2, 4, 4});
  constexpr auto model = ErrorCode::InvalidModel, input = ErrorCode::InvalidInput,
                 unsupported = ErrorCode::UnsupportedOperator;
  return {
      {{"Add", {x, counting({2})}}, input, "[2, 3] and [2]"},
      {{"Add", {x, ints({1})}}, model, "int64"},
      {{"Add", {x}}, model, "missing"},
      {{"Reshape", {x, ints({4, -1})}}, model, "[2, 3]"},
      {{"Reshape", {x, ints({-1, -1})}}, model, "more than one"},
      {{"Reshape", {x, ints({2, 3, 0})}}, model, "dimension 2"},
      {{"Reshape", {x, ints({-2, -3})}}, model, "not concrete"},
      {{"Squeeze", {x, ints({0})}}, model, "is not 1"},
      {{"Unsqueeze", {x, ints({0, 0})}}, model, "twice"},
      {{"Transpose", {x}, {{"perm", Ints{0, 0}}}}, model, "twice"},
      {{"Transpose", {x}, {{"perm", Ints{0, 1, 2}}}}, model, "lists 3"},
      {{"Transpose", {x}, {{"perm", Ints{0, 5}}}}, model, "axis 5"},
      {{"Transpose", {x}, {{"perm", std::string("no")}}}, model, "perm"},
      {{"Expand", {x, ints({2, 5})}}, input, "broadcast"},
      {{"Tile", {x, ints({2})}}, model, "repeats"},
      {{"Tile", {x, ints({-1, 1})}}, model, "negative"},
      {{"Concat", {x, x}}, model, "axis"},
      {{"Concat", {x, counting({3, 3})}, {{"axis", int64_t{1}}}}, model, "[3, 3]"},
      {{"Split", {x, ints({1, 1})}, {{"axis", int64_t{1}}}, 21, 2}, model, "add up to 3"},
      {{"Split", {x}, {{"axis", int64_t{1}}}, 13, 2}, model, "equal parts"},
      {{"Slice", {x, ints({0}), ints({1}), ints({0}), ints({0})}}, model, "step"},
      {{"Slice", {x, ints({0}), ints({1, 1})}}, model, "length"},
      {{"Pad", {x, ints({1, 1})}}, model, "pads has 2"},
      {{"Pad", {x, ints({-3, 0, 0, 0})}}, model, "do not fit"},
      {{"Pad", {x, ints({1, 1, 1, 1})}, {{"mode", std::string("odd")}}}, unsupported, "odd"},
      {{"Gather", {x, ints({2})}}, input, "index 2"},
      {{"Gather", {x, ints({-3})}}, input, "index -3"},
      {{"Gather", {x, floats({1}, {0})}}, unsupported, "float32"},
      {{"GatherElements", {x, ints({0})}}, model, "rank"},
      {{"MatMulNBits",
        {counting({1, 32}), Tensor::of<uint8_t>({1}, {0}), floats({1}, {1})},
        {{"N", int64_t{0x7fffffff}}, {"K", int64_t{32}}, {"block_size", int64_t{16}}},
        1,
        1,
        "com.microsoft"},
       model,
       "B of shape"},
      {{"MatMulNBits",
        {counting({1, 32}), bytes({16}), floats({1}, {1})},
        {{"N", int64_t{1}}, {"K", int64_t{32}}, {"block_size", int64_t{32}}, {"bits", int64_t{8}}},
        1,
        1,
        "com.microsoft"},
       model,
       "B of shape"},
      {{"GatherBlockQuantized",
        {bytes({1, 8}), ints({0}), floats({1, 1}, {1})},
        {{"block_size", int64_t{1} << 32}},
        1,
        1,
        "com.microsoft"},
       model,
       "block_size"},
      {{"GatherBlockQuantized",
        {bytes({1, 8}), ints({0}), floats({1, 2}, {1, 1})},
        {{"block_size", int64_t{16}}},
        1,
        1,
        "com.microsoft"},
       model,
       "rows of 1 blocks"},
      {{"GatherBlockQuantized",
        {bytes({1, 8}), ints({1}), floats({1, 1}, {1})},
        {{"block_size", int64_t{16}}},
        1,
        1,
        "com.microsoft"},
       input,
       "index 1"},
      {{"DequantizeLinear",
        {bytes({2, 3}), floats({2, 2}, {1, 1, 1, 1})},
        {{"axis", int64_t{1}}, {"block_size", int64_t{3}}},
        21},
       model,
       "[2, 1]"},
      {{"DequantizeLinear",
        {bytes({2, 3}), floats({2, 1}, {1, 1})},
        {{"axis", int64_t{1}}, {"block_size", int64_t{1} << 32}},
        21},
       model,
       "block_size"},
      {{"GatherND", {x, ints({0, 0, 0})}}, model, "do not fit"},
      {{"GatherND", {x, ints({0, 3})}}, input, "index 3"},
      {{"ScatterND", {x, ints({0, 0}), floats({1}, {0})}}, model, "updates"},
      {{"ScatterElements", {x, x, x}}, unsupported, "float32"},
      {{"Range", {ints({0}), ints({5}), ints({0})}}, model, "delta"},
      {{"OneHot", {ints({0}), ints({-1}), floats({2}, {0, 1})}}, model, "depth"},
      {{"TopK", {x, ints({4})}}, model, "k is 4"},
      {{"ArgMax", {counting({0, 3})}}, model, "empty"},
      {{"ReduceSum", {x, ints({2})}}, model, "axis 2"},
      {{"Softmax", {x}, {{"axis", int64_t{2}}}}, model, "axis 2"},
      {{"Cast", {x}, {{"to", int64_t{99}}}}, model, "'to'"},
      {{"Cast", {x}, {{"to", int64_t{14}}}}, unsupported, "complex64"},
      {{"Constant", {}}, unsupported, "value"},
      {{"DepthToSpace", {image}, {{"blocksize", int64_t{0}}}}, model, "blocksize"},
      {{"DepthToSpace", {image}, {{"blocksize", int64_t{2}}}}, model, "2 channels"},
      {{"MatMul", {x, x}}, model, "do not multiply"},
      {{"Gemm", {x, counting({3, 2}), counting({3})}}, input, "broadcast"},
      {{"BitShift", {ints({1}), ints({1})}}, model, "direction"},
      {{"Gelu", {x}, {{"approximate", std::string("odd")}}}, model, "odd"},
      {{"LSTM", {x, x, x}}, model, "rank 3"},
      {{"LSTM",
        {counting({2, 1, 3}), counting({1, 8, 3}), counting({1, 8, 2})},
        {{"direction", std::string("sideways")}}},
       model,
       "sideways"},
      {{"LSTM",
        {counting({2, 1, 3}), counting({1, 8, 3}), counting({1, 8, 2})},
        {{"activations", std::vector<std::string>{"Sigmoid", "Odd", "Tanh"}}}},
       model,
       "Odd"},
      {{"Conv", {counting({1, 4, 4, 2}), counting({3, 1, 3, 3})}, {}, 21, 1, "octet"},
       model,
       "do not fit"},
      {{"Conv",
        {counting({1, 4, 4, 2}), counting({3, 2, 3, 3})},
        {{"group", int64_t{0}}},
        21,
        1,
        "octet"},
       model,
       "0 groups"},
      {{"Conv", {counting({1, 2, 2, 2}), counting({3, 2, 3, 3})}, {}, 21, 1, "octet"},
       model,
       "window"},
      {{"Conv",
        {counting({1, 4, 4, 2}), counting({3, 2, 3, 3})},
        {{"strides", Ints{1, 0}}},
        21,
        1,
        "octet"},
       model,
       "strides"},
      {{"MaxPool", {counting({1, 4, 4, 2})}, {}, 21, 1, "octet"}, model, "kernel_shape"},
      {{"Resize",
        {counting({1, 4, 4, 2}), Tensor(), floats({4}, {1, 1, -1, 2})},
        {},
        21,
        1,
        "octet"},
       model,
       "scale -1"},
  };
}
} // namespace

TEST_CASE("broken nodes are refused with a message that names them") {
  for (const BadCall& bad : bad_calls()) {
    INFO(bad.call.op_type << ", expecting '" << bad.says << "'");
    try {
      run_op(bad.call);
      FAIL("no error");
    } catch (const Error& error) {
      INFO(error.message());
      CHECK(error.code() == bad.code);
      CHECK(error.message().find(bad.says) != std::string::npos);
    }
  }
}

TEST_CASE("an operator that does not exist is named") {
  try {
    run_op({.op_type = "Unheard"});
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::UnsupportedOperator);
    CHECK(error.message().find("Unheard") != std::string::npos);
    CHECK(error.message().find("tested") != std::string::npos);
  }
}

} // namespace octet

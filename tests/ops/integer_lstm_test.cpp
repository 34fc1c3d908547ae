// DynamicQuantizeLSTM by byte dot products: the same bits as by products of int16.
#include <catch2/catch.hpp>
#include <random>

#include "tests/kernels/q_operands.h"
#include "tests/kernels/with_isa.h"
#include "tests/ops/run_op.h"

using namespace octet;
using namespace octet::kernels;
using namespace octet::kernels::test;

namespace {
class Values {
public:
  Tensor floats_between(Shape shape, float low, float high) {
    std::vector<float> values(shape.elements());
    for (float& x : values) x = std::uniform_real_distribution<float>(low, high)(random_);
    return floats(std::move(shape), std::move(values));
  }
  template <class T>
  Tensor codes(Shape shape) {
    std::vector<T> values(shape.elements());
    using Limits = std::numeric_limits<T>;
    for (T& x : values)
      x = static_cast<T>(std::uniform_int_distribution<int>(Limits::min(), Limits::max())(random_));
    return Tensor::of<T>(std::move(shape), std::span<const T>(values));
  }

private:
  std::mt19937 random_{7};
};

// Bidirectional, ten steps.
template <class T>
OpCall lstm_call(int64_t batch, int64_t input, int64_t hidden) {
  Values values;
  const int64_t gates = 4 * hidden;
  return {.op_type = "DynamicQuantizeLSTM",
          .inputs = {values.floats_between({10, batch, input}, -2, 3),
                     values.codes<T>({2, input, gates}),
                     values.codes<T>({2, hidden, gates}),
                     values.floats_between({2, 2 * gates}, -1, 1),
                     {},
                     {},
                     {},
                     {},
                     values.floats_between({2, gates}, 0.001f, 0.01f),
                     values.codes<T>({2, gates}),
                     values.floats_between({2}, 0.001f, 0.01f),
                     values.codes<T>({2})},
          .attributes = {{"direction", std::string("bidirectional")}, {"hidden_size", hidden}},
          .domain = "com.microsoft"};
}

template <class T>
void check_byte_dot(int64_t batch, int64_t input, int64_t hidden) {
  const OpCall call = lstm_call<T>(batch, input, hidden);
  const auto expected = values_of<float>(run_op(call)[0]);
  const WithIsa with_isa(Isa::relaxed);
  for (const ByteDot reading : {ByteDot::unsigned_activations, ByteDot::signed_activations}) {
    const WithByteDot with_byte_dot(reading);
    if (has_selected_byte_dot(Isa::relaxed)) CHECK(values_of<float>(run_op(call)[0]) == expected);
  }
}
} // namespace

TEST_CASE("a quantized LSTM has the same bits by byte dot products") {
  check_byte_dot<int8_t>(1, 12, 8);
  check_byte_dot<uint8_t>(1, 6, 10);
  check_byte_dot<int8_t>(4, 7, 6); // an odd number of codes has none
  check_byte_dot<uint8_t>(5, 8, 5);
}

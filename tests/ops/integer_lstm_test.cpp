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
  // Of so many bits.
  template <class T>
  Tensor codes(Shape shape, int bits) {
    std::vector<T> values(shape.elements());
    const int levels = 1 << bits, low = std::is_signed_v<T> ? -levels / 2 : 0;
    for (T& x : values)
      x = static_cast<T>(std::uniform_int_distribution<int>(low, low + levels - 1)(random_));
    return Tensor::of<T>(std::move(shape), std::span<const T>(values));
  }

private:
  std::mt19937 random_{7};
};

// Bidirectional, ten steps.
template <class T>
OpCall lstm_call(int64_t batch, int64_t input, int64_t hidden, int bits) {
  Values values;
  const int64_t gates = 4 * hidden;
  return {.op_type = "DynamicQuantizeLSTM",
          .inputs = {values.floats_between({10, batch, input}, -2, 3),
                     values.codes<T>({2, input, gates}, bits),
                     values.codes<T>({2, hidden, gates}, bits),
                     values.floats_between({2, 2 * gates}, -1, 1),
                     {},
                     {},
                     {},
                     {},
                     values.floats_between({2, gates}, 0.001f, 0.01f),
                     values.codes<T>({2, gates}, bits),
                     values.floats_between({2}, 0.001f, 0.01f),
                     values.codes<T>({2}, bits)},
          .attributes = {{"direction", std::string("bidirectional")}, {"hidden_size", hidden}},
          .domain = "com.microsoft"};
}

template <class T>
void check_byte_dot(int64_t batch, int64_t input, int64_t hidden, int bits) {
  const OpCall call = lstm_call<T>(batch, input, hidden, bits);
  const auto expected = values_of<float>(run_op(call)[0]);
  const WithIsa with_isa(Isa::relaxed);
  for (const WithByteDot::Kind& kind : WithByteDot::all()) {
    const WithByteDot with_byte_dot(kind);
    if (has_selected_byte_dot(Isa::relaxed)) CHECK(values_of<float>(run_op(call)[0]) == expected);
  }
}
} // namespace

TEST_CASE("a quantized LSTM has the same bits by byte dot products") {
  for (const int bits : {7, 8}) {
    check_byte_dot<int8_t>(1, 12, 8, bits);
    check_byte_dot<uint8_t>(1, 6, 10, bits);
    check_byte_dot<int8_t>(4, 7, 6, bits); // an odd number of codes has none
    check_byte_dot<uint8_t>(5, 8, 5, bits);
  }
}

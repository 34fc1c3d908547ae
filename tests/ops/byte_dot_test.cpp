// MatMulInteger by byte dot products: the same bits as by products of int16.
#include <catch2/catch.hpp>
#include <random>

#include "tests/kernels/q_operands.h"
#include "tests/kernels/with_isa.h"
#include "tests/ops/run_op.h"

using namespace octet;
using namespace octet::kernels;
using namespace octet::kernels::test;

namespace {
template <class T>
Tensor codes_between(Random& random, Shape shape, int low, int high) {
  std::vector<T> values(shape.elements());
  for (T& value : values) value = static_cast<T>(random.integer(low, high));
  return Tensor::of<T>(std::move(shape), std::span<const T>(values));
}

// Weights from `low` to `high`, both of which occur, with a zero point per column among them.
template <class T>
void check_matmul(int64_t m, int low, int high) {
  constexpr int64_t kDepth = 14, kColumns = 21;
  Random random(5);
  Tensor weights = codes_between<T>(random, {kDepth, kColumns}, low, high);
  std::vector<T> values = values_of<T>(weights);
  values.front() = static_cast<T>(low);
  values.back() = static_cast<T>(high);
  weights = Tensor::of<T>({kDepth, kColumns}, std::span<const T>(values));
  for (const Tensor& zero : {codes_between<T>(random, {kColumns}, low, high),
                             codes_between<T>(random, {}, low, high), Tensor()}) {
    const OpCall call{.op_type = "MatMulInteger",
                      .inputs = {codes_between<uint8_t>(random, {m, kDepth}, 0, 255), weights,
                                 codes_between<uint8_t>(random, {}, 0, 255), zero}};
    const auto expected = values_of<int32_t>(run_op(call)[0]);
    const WithIsa with_isa(Isa::relaxed);
    for (const WithByteDot::Kind& kind : WithByteDot::all()) {
      const WithByteDot with_byte_dot(kind);
      if (!has_selected_byte_dot(Isa::relaxed)) continue;
      CAPTURE(m, low, high, zero.elements());
      CHECK(values_of<int32_t>(run_op(call)[0]) == expected);
    }
  }
}
} // namespace

TEST_CASE("integer products have the same bits by byte dot products, whatever their weights") {
  for (const int64_t m : {1, 9}) {
    check_matmul<int8_t>(m, -64, 64);
    check_matmul<int8_t>(m, -128, 127);
    check_matmul<int8_t>(m, -65, 64);
    check_matmul<uint8_t>(m, 0, 128);
    check_matmul<uint8_t>(m, 0, 129);
    check_matmul<uint8_t>(m, 64, 255);
  }
}

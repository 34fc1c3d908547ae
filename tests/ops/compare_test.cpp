// Compare on codes gives the sums that it gives on the numbers that these stand for.
#include <catch2/catch.hpp>
#include <random>

#include "tests/ops/run_op.h"

namespace octet {
namespace {
std::vector<double> sums_of(const Tensor& reference, const Tensor& candidate,
                            std::vector<std::pair<std::string, AttributeValue>> attributes) {
  return values_of<double>(run_op({.op_type = "Compare",
                                   .inputs = {reference, candidate},
                                   .attributes = std::move(attributes),
                                   .domain = std::string(kLoweredDomain)})[0]);
}

template <class Code>
void check(const Shape& shape, int64_t zero_point, int64_t channels_last) {
  constexpr float kScale = 0.03125f;
  std::mt19937 random(static_cast<unsigned>(shape.elements() + 1));
  std::uniform_int_distribution<int> any(std::numeric_limits<Code>::min(),
                                         std::numeric_limits<Code>::max());
  std::vector<Code> codes(shape.elements());
  std::vector<float> numbers, reference;
  for (Code& code : codes) {
    code = static_cast<Code>(any(random));
    numbers.push_back(static_cast<float>(code - zero_point) * kScale);
    reference.push_back(numbers.back() + static_cast<float>(any(random)) * 0.01f);
  }
  const Tensor expected = floats(shape, reference);
  const auto of_codes =
      sums_of(expected, Tensor::of<Code>(shape, std::span<const Code>(codes)),
              {{"scale", kScale}, {"zero_point", zero_point}, {"channels_last", channels_last}});
  const auto of_numbers =
      sums_of(expected, floats(shape, numbers), {{"channels_last", channels_last}});
  REQUIRE(of_codes.size() == of_numbers.size());
  for (size_t i = 0; i < of_codes.size(); ++i)
    CHECK(of_codes[i] == Approx(of_numbers[i]).epsilon(1e-12));
}
} // namespace

TEST_CASE("codes are compared as the numbers that they stand for") {
  // Rows shorter and longer than what is turned into numbers at once, and nothing at all.
  const std::vector<Shape> shapes = {{}, {7}, {300, 5}, {3, 6000}, {2, 9, 70, 11}, {0, 4}};
  for (const Shape& shape : shapes)
    for (int64_t channels_last : {0, 1}) {
      INFO(to_string(shape) << ", channels last: " << channels_last);
      check<uint8_t>(shape, 113, channels_last);
      check<int8_t>(shape, -7, channels_last);
      check<int16_t>(shape, 0, channels_last);
    }
}

} // namespace octet

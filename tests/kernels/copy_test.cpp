// Strided copies against index arithmetic, and transposition variants against their references.
#include <catch2/catch.hpp>
#include <cstring>
#include <string_view>

#include "kernels/copy/copy_strided.h"
#include "kernels/dispatch.h"
#include "tests/kernels/random.h"

using namespace octet::kernels;
using namespace octet::kernels::test;

namespace {

struct BoxAxis {
  size_t size;
  ptrdiff_t from, to;
};

/// Copies element by element.
void copy_plainly(const std::vector<BoxAxis>& axes, size_t bytes, const char* from, char* to) {
  size_t count = 1;
  for (const BoxAxis& axis : axes) count *= axis.size;
  for (size_t at = 0; at < count; ++at) {
    size_t rest = at;
    ptrdiff_t source = 0, target = 0;
    for (size_t d = axes.size(); d-- > 0;) {
      const auto index = static_cast<ptrdiff_t>(rest % axes[d].size);
      rest /= axes[d].size;
      source += index * axes[d].from;
      target += index * axes[d].to;
    }
    const auto element = static_cast<ptrdiff_t>(bytes);
    std::memcpy(to + target * element, from + source * element, bytes);
  }
}

/// A box with a dense target and a source of any permutation, some axes repeated or reversed.
struct Box {
  std::vector<BoxAxis> axes;
  size_t source_elements = 1;
  ptrdiff_t source_start = 0;
  size_t target_elements = 1;
};

Box random_box(Random& random) {
  Box box;
  box.axes.resize(random.size(0, 4));
  std::vector<size_t> order;
  for (size_t d = 0; d < box.axes.size(); ++d) {
    box.axes[d].size = random.size(1, random.chance() ? 4 : 21);
    order.insert(order.begin() + static_cast<ptrdiff_t>(random.size(0, d)), d);
  }
  for (size_t d : order) {
    BoxAxis& axis = box.axes[d];
    axis.from = static_cast<ptrdiff_t>(box.source_elements);
    const int kind = random.integer(0, 9);
    if (kind == 0) axis.from = 0;
    if (kind == 1) box.source_start += axis.from * static_cast<ptrdiff_t>(axis.size - 1);
    if (kind == 1) axis.from = -axis.from;
    if (kind != 0) box.source_elements *= axis.size;
    if (kind == 2) ++box.source_elements; // a gap, as slices leave it
  }
  for (size_t d = box.axes.size(); d-- > 0;) {
    box.axes[d].to = static_cast<ptrdiff_t>(box.target_elements);
    box.target_elements *= box.axes[d].size;
  }
  return box;
}

} // namespace

TEST_CASE("strided copies put every element in its place") {
  Random random(31);
  for (int i = 0; i < 2000; ++i) {
    const Box box = random_box(random);
    const size_t bytes = size_t{1} << random.size(0, 4);
    const auto from = random.integers<char>(box.source_elements * bytes, -128, 127);
    std::vector<char> got(box.target_elements * bytes), expected(got.size());
    CopyNest nest;
    for (const BoxAxis& axis : box.axes) nest.add_inner(axis.size, {axis.from, axis.to});
    const char* start = from.data() + box.source_start * static_cast<ptrdiff_t>(bytes);
    copy_strided(nest, bytes, start, got.data());
    copy_plainly(box.axes, bytes, start, expected.data());
    REQUIRE(got == expected);
  }
}

TEST_CASE("strided copies write only the box") {
  Random random(32);
  // Columns [2, 5) of a 4 × 7 matrix, from a dense 3 × 4 one that is transposed on the way.
  const auto from = random.integers<int32_t>(12, 0, 1000);
  std::vector<int32_t> to(28, -1), expected(28, -1);
  CopyNest nest;
  nest.add_inner(4, {1, 7});
  nest.add_inner(3, {4, 1});
  copy_strided(nest, sizeof(int32_t), from.data(), to.data() + 2);
  for (size_t r = 0; r < 4; ++r)
    for (size_t c = 0; c < 3; ++c) expected[r * 7 + 2 + c] = from[c * 4 + r];
  REQUIRE(to == expected);
}

TEST_CASE("transpositions equal their references") {
  Random random(33);
  for_each_variant<TransposeFn>([&](const char* family, const char* name, TransposeFn* function,
                                    TransposeFn* reference) {
    INFO(name);
    const std::string_view f = family;
    const size_t bytes = f.ends_with("32") ? 4 : f.ends_with("16") ? 2 : 1;
    for (size_t rows = 1; rows < 20; ++rows)
      for (size_t columns = 1; columns < 20; ++columns) {
        const size_t from_pitch = columns + random.size(0, 3), to_pitch = rows + random.size(0, 3);
        const auto from =
            random.integers<char>(((rows - 1) * from_pitch + columns) * bytes, -128, 127);
        std::vector<char> got(((columns - 1) * to_pitch + rows) * bytes, 1), expected = got;
        const auto run = [&](TransposeFn* transpose, char* to) {
          transpose(from.data(), static_cast<ptrdiff_t>(from_pitch), to,
                    static_cast<ptrdiff_t>(to_pitch), rows, columns);
        };
        run(function, got.data());
        run(reference, expected.data());
        REQUIRE(got == expected);
      }
  });
}

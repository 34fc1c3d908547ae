// Matrix tiles against their references, packing, and the drivers against a direct loop.
#include "kernels/qgemm/qgemm.h"

#include <catch2/catch.hpp>

#include "kernels/dispatch.h"
#include "kernels/qdot/pack.h"
#include "kernels/qdot/panel.h"
#include "kernels/qgemm/pack.h"
#include "kernels/qgemv/qgemv.h"
#include "tests/kernels/q_operands.h"

using namespace octet::kernels;
using namespace octet::kernels::test;

namespace {

/// A tile with its operands; each run of activations and each output row is an array of its own.
struct TileCase {
  TileCase(Random& random, QOutput output, bool byte_dot, size_t taps, size_t k, size_t n)
      : operands(random, output, n, taps * k), row_bytes(n * output_bytes(output)) {
    for (size_t i = 0; i < taps * kTileRows; ++i) {
      runs.push_back(random.integers<int16_t>(k, -255, 255));
      pointers.push_back(runs.back().data());
    }
    if (byte_dot)
      pack_byte_dot(random, taps, k, n);
    else
      pack(random, taps, k, n);
    tile.a = pointers.data();
    tile.taps = taps;
    tile.k = k;
    tile.b = packed.data();
    tile.column_begin = random.size(0, (n - 1) / kPanelWidth) * kPanelWidth;
    tile.column_end = n;
    if (random.chance()) {
      for (int8_t weight : packed) wide.push_back(static_cast<int16_t>(2 * weight));
      tile.wide = wide.data();
    }
    tile.params = &operands.params();
    for (int32_t& sum : tile.row_sum) sum = random.integer(-10000, 10000);
  }

  void pack(Random& random, size_t taps, size_t k, size_t n) {
    const auto weights = random.integers<int8_t>(n * taps * k, -128, 127);
    packed.resize(packed_weight_bytes(n, taps, k));
    pack_weights(rows_of(weights.data(), taps, k, n), packed.data());
  }

  void pack_byte_dot(Random& random, size_t taps, size_t pairs, size_t n) {
    const auto weights = dot_weights(random, n * taps * pairs * 2, false);
    std::vector<int32_t> sums(n);
    packed.resize(packed_dot_weight_bytes(n, taps, pairs));
    pack_dot_weights(rows_of(reinterpret_cast<const int8_t*>(weights.data()), taps, 2 * pairs, n),
                     packed.data(), sums.data());
  }

  static QWeights rows_of(const int8_t* weights, size_t taps, size_t k, size_t n) {
    return {.data = weights,
            .n = n,
            .k = k,
            .taps = taps,
            .n_stride = static_cast<ptrdiff_t>(taps * k),
            .k_stride = 1,
            .tap_stride = static_cast<ptrdiff_t>(k)};
  }

  /// Rows of output after a run, which start as 0x5A.
  std::vector<std::vector<char>> run(QTileFn* function) {
    std::vector<std::vector<char>> rows(kTileRows, std::vector<char>(row_bytes, 0x5A));
    for (size_t r = 0; r < kTileRows; ++r) tile.c[r] = rows[r].data();
    function(tile);
    return rows;
  }

  OutputOperands operands;
  size_t row_bytes;
  std::vector<std::vector<int16_t>> runs;
  std::vector<const int16_t*> pointers;
  std::vector<int8_t> packed;
  std::vector<int16_t> wide;
  QTile tile;
};

/// Whether a qdot family is the one for the selected products, and its kernels read as selected.
bool has_selected_family(std::string_view family) {
  const ByteDotSteps steps = family.starts_with("qdot7") ? ByteDotSteps::two : ByteDotSteps::one;
  return steps == byte_dot_steps() && has_selected_byte_dot(Isa::relaxed);
}

/// C of a QGemm by the definition. `weight(k, n)` is the weight as stored.
template <class Weight>
std::vector<char> direct_product(const QGemm& args, Weight&& weight) {
  std::vector<char> result;
  for (size_t m = 0; m < args.m; ++m)
    for (size_t n = 0; n < args.n; ++n) {
      int64_t acc = 0;
      int64_t row_sum = 0;
      for (size_t k = 0; k < args.k; ++k) {
        const int64_t a = args.a[m * args.a_stride + k];
        acc += a * weight(k, n);
        row_sum += a;
      }
      const auto bytes = expected_output(args.output, acc, row_sum, n, args.params);
      result.insert(result.end(), bytes.begin(), bytes.end());
    }
  return result;
}

/// Drops the gap between the rows of C.
std::vector<char> without_gaps(const std::vector<char>& c, const QGemm& args) {
  const size_t element = output_bytes(args.output);
  std::vector<char> result;
  for (size_t m = 0; m < args.m; ++m) {
    const auto row = c.begin() + static_cast<ptrdiff_t>(m * args.c_stride * element);
    result.insert(result.end(), row, row + static_cast<ptrdiff_t>(args.n * element));
  }
  return result;
}

} // namespace

TEST_CASE("weights of any layout stand where panels have them") {
  Random random(16);
  for (int i = 0; i < 60; ++i) {
    const size_t n = random.size(1, 40), k = random.size(1, random.chance() ? 20 : 700);
    const size_t taps = random.size(1, 4), run = random.chance() ? 1 : random.size(2, 3);
    QWeights w{.is_unsigned = random.chance(), .n = n, .k = k, .taps = taps, .run = run};
    const auto whole = static_cast<ptrdiff_t>(taps * run * k);
    // The axes of [n, taps, run, k] from the outermost on, or of [n, k, taps, run], or of [taps,
    // run, k, n].
    const size_t layout = random.size(0, 2);
    const ptrdiff_t unit = layout == 2 ? static_cast<ptrdiff_t>(n) : 1;
    const auto parts = static_cast<ptrdiff_t>(layout == 1 ? 1 : k);
    w.n_stride = layout == 2 ? 1 : whole;
    w.k_stride = layout == 1 ? static_cast<ptrdiff_t>(taps * run) : unit;
    w.run_stride = parts * unit;
    w.tap_stride = static_cast<ptrdiff_t>(run) * parts * unit;
    const auto weights = random.integers<uint8_t>(n * taps * run * k, 0, 255);
    w.data = weights.data();
    std::vector<int8_t> expected(packed_weight_bytes(n, taps, run * k)), actual(expected.size(), 9);
    for (size_t column = 0; column < n; ++column)
      for (size_t t = 0; t < taps; ++t)
        for (size_t at = 0; at < run * k; ++at)
          expected[column / kPanelWidth * packed_panel_bytes(taps, run * k) +
                   t * packed_panel_bytes(1, run * k) + at / 2 * 2 * kPanelWidth +
                   column % kPanelWidth * 2 + at % 2] =
              stored_weight(w, static_cast<ptrdiff_t>(column) * w.n_stride +
                                   static_cast<ptrdiff_t>(t) * w.tap_stride +
                                   static_cast<ptrdiff_t>(at / k) * w.run_stride +
                                   static_cast<ptrdiff_t>(at % k) * w.k_stride);
    pack_weights(w, actual.data());
    INFO(n << " columns, " << taps << " taps of " << run << " x " << k << ", layout " << layout);
    REQUIRE((actual == expected));
  }
}

TEST_CASE("rows are packed as columns are") {
  Random random(17);
  for (int i = 0; i < 60; ++i) {
    const size_t n = random.size(1, 150), k = random.size(1, 40);
    const bool is_unsigned = random.chance();
    const auto rows = random.integers<uint8_t>(n * k, 0, 255);
    std::vector<uint8_t> columns(n * k);
    for (size_t r = 0; r < k; ++r)
      for (size_t c = 0; c < n; ++c) columns[c * k + r] = rows[r * n + c];
    QWeights by_columns{.data = columns.data(), .is_unsigned = is_unsigned, .n = n, .k = k};
    by_columns.n_stride = static_cast<ptrdiff_t>(k);
    by_columns.k_stride = 1;
    QWeights by_rows{.data = rows.data(), .is_unsigned = is_unsigned, .n = n, .k = k};
    by_rows.n_stride = 1;
    by_rows.k_stride = static_cast<ptrdiff_t>(n);
    std::vector<int8_t> expected(packed_weight_bytes(n, 1, k), 90), actual = expected;
    pack_weights(by_columns, expected.data());
    pack_weights(by_rows, actual.data());
    INFO(n << " columns, " << k << " rows");
    REQUIRE((actual == expected));

    if (n < kPanelWidth) continue;
    for_each_variant<QPackRowsFn>(
        [&](const char*, const char* name, QPackRowsFn* function, QPackRowsFn* reference) {
          INFO(name);
          const auto run = [&](QPackRowsFn* pack) {
            std::vector<int8_t> packed(n / kPanelWidth * packed_panel_bytes(1, k), 90);
            pack({.rows = rows.data(),
                  .stride = static_cast<ptrdiff_t>(n),
                  .k = k,
                  .panels = n / kPanelWidth,
                  .flip = 0x80,
                  .packed = packed.data()});
            return packed;
          };
          REQUIRE((run(function) == run(reference)));
        });
  }
}

TEST_CASE("matrix tiles equal their references") {
  const WithByteDot with_byte_dot(GENERATE(from_range(WithByteDot::all())));
  Random random(1);
  for_each_variant<QTileFn>(
      [&](const char* family, const char* name, QTileFn* function, QTileFn* reference) {
        INFO(name);
        const bool byte_dot = std::string_view(family).starts_with("qdot");
        if (byte_dot && !has_selected_family(family)) return;
        for (int round = 0; round < 60; ++round) {
          const size_t taps = random.size(1, 4);
          const size_t k = random.size(1, random.chance() ? 19 : 80);
          const size_t n = random.size(1, 75);
          CAPTURE(taps, k, n);
          TileCase tile(random, output_of(family), byte_dot, taps, k, n);
          REQUIRE(tile.run(function) == tile.run(reference));
        }
      });
}

TEST_CASE("what the engine's byte dot product does is found by trying") {
  for (const WithByteDot::Kind& kind : WithByteDot::all()) {
    const WithByteDot with_byte_dot(kind);
    CHECK(has_selected_byte_dot(Isa::reference));
#ifndef __wasm__
    CHECK(has_selected_byte_dot(Isa::relaxed));
#endif
  }
}

// x86 before AVX-VNNI: pairs of products saturate at int16.
void saturating_dot(const int8_t* w, const uint8_t* a, int32_t* sums) noexcept {
  for (size_t i = 0; i < 4; ++i) {
    sums[i] = 0;
    for (size_t k = 4 * i; k < 4 * i + 4; k += 2)
      sums[i] += std::clamp(w[k] * a[k] + w[k + 1] * a[k + 1], -32768, 32767);
  }
}

// Arm without dot products: pairs of products wrap at int16.
void wrapping_dot(const int8_t* w, const uint8_t* a, int32_t* sums) noexcept {
  const auto* codes = reinterpret_cast<const int8_t*>(a);
  for (size_t i = 0; i < 4; ++i) {
    sums[i] = 0;
    for (size_t k = 4 * i; k < 4 * i + 4; k += 2)
      sums[i] += static_cast<int16_t>(w[k] * codes[k] + w[k + 1] * codes[k + 1]);
  }
}

TEST_CASE("byte dot products that are not exact are not used") {
  CHECK(tried_byte_dot(saturating_dot) == ByteDot::none);
  CHECK(tried_byte_dot(wrapping_dot) == ByteDot::none);
}

// Exact, of either signedness.
template <class Activation>
void exact_dot(const int8_t* w, const uint8_t* a, int32_t* sums) noexcept {
  for (size_t i = 0; i < 4; ++i) {
    sums[i] = 0;
    for (size_t k = 4 * i; k < 4 * i + 4; ++k) sums[i] += w[k] * static_cast<Activation>(a[k]);
  }
}

// Somewhat less than weights of 7 bits need.
void early_saturating_dot(const int8_t* w, const uint8_t* a, int32_t* sums) noexcept {
  for (size_t i = 0; i < 4; ++i) {
    sums[i] = 0;
    for (size_t k = 4 * i; k < 4 * i + 4; k += 2)
      sums[i] += std::min(w[k] * a[k] + w[k + 1] * a[k + 1], 32639);
  }
}

TEST_CASE("products in two steps are used where only weights of 7 bits are exact, and unsigned") {
  const auto selects = [](ByteDotFn* one_step, ByteDotFn* two_steps, ByteDot reading,
                          ByteDotSteps steps) {
    select_tried_byte_dot(one_step, two_steps);
    return byte_dot() == reading && byte_dot_steps() == steps;
  };
  const ByteDot is_unsigned = ByteDot::unsigned_activations;
  const WithByteDot none({ByteDot::none, ByteDotSteps::one});
  CHECK(selects(saturating_dot, saturating_dot, is_unsigned, ByteDotSteps::two));
  CHECK(selects(exact_dot<uint8_t>, saturating_dot, is_unsigned, ByteDotSteps::one));
  CHECK(selects(exact_dot<int8_t>, saturating_dot, ByteDot::signed_activations, ByteDotSteps::one));
  CHECK(selects(wrapping_dot, wrapping_dot, ByteDot::none, ByteDotSteps::one));
  CHECK(selects(saturating_dot, early_saturating_dot, ByteDot::none, ByteDotSteps::one));
}

TEST_CASE("the weights that byte dot products take") {
  const auto takes = [](std::vector<uint8_t> weights, bool is_unsigned) {
    weights.insert(weights.begin(), 5000, 0);
    return dot_takes(weights.data(), weights.size(), is_unsigned);
  };
  CHECK(takes({128, 255, 127}, false));
  const WithByteDot two_steps({ByteDot::unsigned_activations, ByteDotSteps::two});
  CHECK(takes({64, 256 - 64}, false));
  CHECK_FALSE(takes({65}, false));
  CHECK_FALSE(takes({256 - 65}, false));
  CHECK(takes({0, 128}, true));
  CHECK_FALSE(takes({129}, true));
  CHECK_FALSE(takes({255}, true));
}

TEST_CASE("panels for two steps list where weights are too large together") {
  const WithByteDot two_steps({ByteDot::unsigned_activations, ByteDotSteps::two});
  constexpr size_t kTaps = 2, kCodes = 70; // of a tap: eight steps, and six codes
  const auto listed = [](const std::vector<int8_t>& weights) {
    const QWeights w = {.data = weights.data(),
                        .n = 1,
                        .k = kCodes,
                        .taps = kTaps,
                        .k_stride = 1,
                        .tap_stride = kCodes};
    const TwoStepPanel shape{kTaps, kCodes / 2};
    std::vector<int8_t> packed(packed_dot_weight_bytes(1, kTaps, kCodes / 2));
    int32_t sum = 0;
    pack_dot_weights(w, packed.data(), &sum);
    std::vector<uint32_t> list;
    do list.push_back(TwoStepPanel::unbounded(packed.data() + shape.group_bytes(), list.size()));
    while (list.back() < TwoStepPanel::kUnbounded);
    return list;
  };
  std::vector<int8_t> weights(kTaps * kCodes, 0);
  const auto set = [&](size_t tap, size_t k, const std::array<int8_t, 4>& values) {
    int8_t* at = weights.data() + tap * kCodes + k;
    std::copy_n(values.data(), 2, at);
    std::copy_n(values.data() + 2, 2, at + kGroupCodes);
  };
  using List = std::vector<uint32_t>;
  set(0, 2, {64, 63, 0, 1});
  set(1, 0, {-64, -64, 64, 64});
  CHECK(listed(weights) == List{TwoStepPanel::kEnd});
  set(0, 8, {64, 64, 0, 1});
  set(1, 18, {-32, -33, -32, -32});
  CHECK(listed(weights) == List{1, 10, TwoStepPanel::kEnd});
  set(1, 32, {64, 64, 64, 64});
  CHECK(listed(weights) == List{TwoStepPanel::kUnbounded});
}

TEST_CASE("byte dot products have the bits of those of int16") {
  const WithByteDot with_byte_dot(GENERATE(from_range(WithByteDot::all())));
  const WithIsa with_isa(GENERATE(Isa::reference, Isa::simd128, Isa::relaxed));
  if (!has_selected_byte_dot(selected_isa())) return;
  Random random(9);
  for (const QOutput output : kOutputs) {
    for (int round = 0; round < 30; ++round) {
      QGemm args{.m = random.size(1, 11), .n = random.size(1, 70), .k = 2 * random.size(1, 90)};
      CAPTURE(static_cast<int>(output), args.m, args.n, args.k);
      OutputOperands operands(random, output, args.n, args.k);
      const ByteDotOperands operand(random, args.m * args.k, args.n, args.k, operands.params());
      args.output = output;
      args.c_stride = args.n;
      std::vector<char> wide(args.m * args.n * output_bytes(output)), narrow(wide.size());
      const QWeights weights = {.data = operand.weights.data(),
                                .is_unsigned = operand.is_unsigned,
                                .n = args.n,
                                .k = args.k,
                                .n_stride = 1,
                                .k_stride = static_cast<ptrdiff_t>(args.n)};
      std::vector<int8_t> packed(packed_weight_bytes(args.n, 1, args.k));
      pack_weights(weights, packed.data());
      args.params = operand.wide_params;
      args.a = operand.wide.data();
      args.a_stride = args.k;
      args.b = packed.data();
      args.c = wide.data();
      qgemm(args, 0, args.m);

      std::vector<int8_t> packed_dot(packed_dot_weight_bytes(args.n, 1, args.k / 2));
      std::vector<int32_t> sums(args.n);
      pack_dot_weights(weights, packed_dot.data(), sums.data());
      const ByteDotColumns columns(operand, sums, args.k);
      args.params = columns.params;
      args.byte_dot = true;
      args.k /= 2;
      args.a = reinterpret_cast<const int16_t*>(operand.codes.data());
      args.a_stride = args.k;
      args.b = packed_dot.data();
      args.c = narrow.data();
      qgemm(args, 0, args.m);
      REQUIRE(narrow == wide);
      std::fill(narrow.begin(), narrow.end(), '\0');
      qgemv(args, 0, args.n);
      REQUIRE(narrow == wide);
    }
  }
}

TEST_CASE("row sums equal their reference") {
  const WithByteDot with_byte_dot(GENERATE(from_range(WithByteDot::all())));
  Random random(2);
  for_each_variant<QRowSumFn>(
      [&](const char* family, const char* name, QRowSumFn* function, QRowSumFn* reference) {
        INFO(name);
        if (std::string_view(family).starts_with("qdot") && !has_selected_family(family)) return;
        for (size_t n = 0; n < 40; ++n) {
          const auto x = random.integers<int16_t>(n, -255, 255);
          REQUIRE(function(x.data(), n) == reference(x.data(), n));
        }
      });
}

TEST_CASE("panels hold pairs of k for eight columns, padded with zeros") {
  std::vector<uint8_t> b(3 * 2); // [K = 3, N = 2]
  for (size_t i = 0; i < b.size(); ++i) b[i] = static_cast<uint8_t>(128 + i);
  std::vector<int8_t> packed(packed_weight_bytes(2, 1, 3));
  pack_weights(
      {.data = b.data(), .is_unsigned = true, .n = 2, .k = 3, .n_stride = 1, .k_stride = 2},
      packed.data());
  std::vector<int8_t> expected(32, 0);
  expected[0] = 0, expected[1] = 2, expected[2] = 1, expected[3] = 3;
  expected[16] = 4, expected[18] = 5;
  CHECK(packed == expected);
}

TEST_CASE("qgemm and qgemv compute the matrix product") {
  const WithIsa with_isa(GENERATE(Isa::reference, Isa::simd128, Isa::relaxed));
  Random random(3);
  for (const QOutput output : kOutputs) {
    for (int round = 0; round < 30; ++round) {
      const bool transposed = random.chance();
      const bool is_unsigned = random.chance();
      QGemm args{.m = random.chance() ? random.size(1, 11) : random.size(30, 45),
                 .n = random.size(1, 70),
                 .k = random.size(1, 40)};
      CAPTURE(static_cast<int>(output), args.m, args.n, args.k, transposed, is_unsigned);
      args.a_stride = args.k + random.size(0, 3);
      args.c_stride = args.n + random.size(0, 3);
      args.output = output;
      OutputOperands operands(random, output, args.n, args.k);
      args.params = operands.params();

      const auto a = random.integers<int16_t>((args.m - 1) * args.a_stride + args.k, -255, 255);
      const auto b = random.integers<int8_t>(args.k * args.n, -128, 127);
      std::vector<int8_t> packed(packed_weight_bytes(args.n, 1, args.k));
      const auto n_stride = static_cast<ptrdiff_t>(transposed ? args.k : 1);
      const auto k_stride = static_cast<ptrdiff_t>(transposed ? 1 : args.n);
      pack_weights({.data = b.data(),
                    .is_unsigned = is_unsigned,
                    .n = args.n,
                    .k = args.k,
                    .n_stride = n_stride,
                    .k_stride = k_stride},
                   packed.data());
      args.a = a.data();
      args.b = packed.data();
      const auto expected = direct_product(args, [&](size_t k, size_t n) {
        const int8_t w = b[k * static_cast<size_t>(k_stride) + n * static_cast<size_t>(n_stride)];
        return is_unsigned ? static_cast<uint8_t>(w) - 128 : w;
      });

      const size_t c_bytes = ((args.m - 1) * args.c_stride + args.n) * output_bytes(output);
      std::vector<char> c(c_bytes);
      args.c = c.data();
      const size_t split = random.size(0, args.m / kTileRows) * kTileRows;
      qgemm(args, split, args.m);
      qgemm(args, 0, split);
      REQUIRE(without_gaps(c, args) == expected);

      std::fill(c.begin(), c.end(), '\0');
      const size_t columns = random.size(0, args.n / kPanelWidth) * kPanelWidth;
      qgemv(args, columns, args.n);
      qgemv(args, 0, columns);
      REQUIRE(without_gaps(c, args) == expected);

      const std::vector<int16_t> wide(packed.begin(), packed.end());
      args.b = nullptr;
      args.wide = wide.data();
      std::fill(c.begin(), c.end(), '\0');
      qgemv(columns_of(args, 0, columns), 0, columns);
      qgemv(columns_of(args, columns, args.n), 0, args.n - columns);
      REQUIRE(without_gaps(c, args) == expected);
    }
  }
}

TEST_CASE("qgemm blocks over columns when the weights are large") {
  Random random(4);
  QGemm args{.m = 5, .n = 150, .k = 4000, .output = QOutput::i32};
  args.a_stride = args.k;
  args.c_stride = args.n;
  const auto a = random.integers<int16_t>(args.m * args.k, -255, 255);
  const auto b = random.integers<int8_t>(args.k * args.n, -128, 127);
  std::vector<int8_t> packed(packed_weight_bytes(args.n, 1, args.k));
  pack_weights({.data = b.data(),
                .n = args.n,
                .k = args.k,
                .n_stride = 1,
                .k_stride = static_cast<ptrdiff_t>(args.n)},
               packed.data());
  std::vector<char> c(args.m * args.n * sizeof(int32_t));
  args.a = a.data();
  args.b = packed.data();
  args.c = c.data();
  qgemm(args, 0, args.m);
  CHECK(c == direct_product(args, [&](size_t k, size_t n) { return b[k * args.n + n]; }));
}

TEST_CASE("sums wrap at 32 bits") {
  const size_t k = 70000;
  const std::vector<int16_t> a(k, 255);
  std::vector<int8_t> packed(packed_weight_bytes(1, 1, k));
  const std::vector<int8_t> b(k, -128);
  pack_weights({.data = b.data(), .n = 1, .k = k, .k_stride = 1}, packed.data());
  int32_t c = 0;
  QGemm args{.m = 1, .n = 1, .k = k, .a = a.data(), .a_stride = k, .b = packed.data(), .c = &c};
  args.c_stride = 1;
  args.output = QOutput::i32;
  qgemm(args, 0, 1);
  const int64_t exact = int64_t{255} * -128 * static_cast<int64_t>(k);
  CHECK(c == static_cast<int32_t>(static_cast<uint32_t>(exact)));
}

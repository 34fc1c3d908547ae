// Strassen's product: its parts against their references, the whole against the plain product,
// which qgemm_test.cpp holds against a direct loop.
#include "kernels/qgemm/strassen.h"

#include <catch2/catch.hpp>

#include "kernels/dispatch.h"
#include "kernels/qgemm/pack.h"
#include "tests/kernels/q_operands.h"

using namespace octet::kernels;
using namespace octet::kernels::test;

TEST_CASE("operands of blocks are combined as the references do it") {
  Random random(31);
  for (size_t k = 4; k < 80; k += 4) {
    CAPTURE(k);
    const size_t stride = k + random.size(0, 3);
    const auto a = random.integers<int16_t>((kBlockRows - 1) * stride + k, -255, 255);
    const auto b = random.integers<int8_t>(2 * packed_panel_bytes(1, k), -128, 127);
    for_each_variant<QCombineRowsFn>(
        [&](const char*, const char* name, QCombineRowsFn* function, QCombineRowsFn* reference) {
          INFO(name);
          std::vector<int16_t> got(block_row_elements(k)), expected(got);
          function(a.data(), stride, k, got.data());
          reference(a.data(), stride, k, expected.data());
          REQUIRE(got == expected);
        });
    for_each_variant<QCombinePanelsFn>([&](const char*, const char* name,
                                           QCombinePanelsFn* function,
                                           QCombinePanelsFn* reference) {
      INFO(name);
      std::vector<int16_t> got(block_panel_elements(k)), expected(got);
      function(b.data(), k, got.data());
      reference(b.data(), k, expected.data());
      REQUIRE(got == expected);
    });
  }
}

TEST_CASE("blocks equal their references") {
  Random random(32);
  for_each_variant<QBlockFn>(
      [&](const char* family, const char* name, QBlockFn* function, QBlockFn* reference) {
        INFO(name);
        const QOutput output = output_of(family);
        for (int round = 0; round < 20; ++round) {
          const size_t k = random.size(1, 20) * 4, column = random.size(0, 3) * kPanelWidth;
          const size_t n = column + kBlockColumns + random.size(0, 3);
          CAPTURE(k, column, n);
          OutputOperands operands(random, output, n, k);
          const auto rows = random.integers<int16_t>(block_row_elements(k), -765, 765);
          const auto panels = random.integers<int16_t>(block_panel_elements(k), -510, 510);
          const auto sums = random.integers<int32_t>(kBlockRows, -10000, 10000);
          QBlock block{.rows = rows.data(),
                       .panels = panels.data(),
                       .k = k,
                       .column_begin = column,
                       .c_stride = n * output_bytes(output),
                       .params = &operands.params(),
                       .row_sum = sums.data()};
          const auto run = [&](QBlockFn* compute) {
            std::vector<char> c(kBlockRows * block.c_stride, 0x5A);
            block.c = c.data();
            compute(block);
            return c;
          };
          REQUIRE(run(function) == run(reference));
        }
      });
}

TEST_CASE("Strassen's product gives the bits of the plain one") {
  const WithIsa with_isa(GENERATE(Isa::reference, Isa::simd128, Isa::relaxed));
  Random random(33);
  for (const QOutput output : kOutputs) {
    for (int round = 0; round < 6; ++round) {
      QGemm args{.m = random.size(32, 80), .n = random.size(16, 70), .k = random.size(32, 45) * 4};
      CAPTURE(static_cast<int>(output), args.m, args.n, args.k);
      args.a_stride = args.k + random.size(0, 3);
      args.c_stride = args.n + random.size(0, 3);
      args.output = output;
      OutputOperands operands(random, output, args.n, args.k);
      args.params = operands.params();
      const auto a = random.integers<int16_t>((args.m - 1) * args.a_stride + args.k, -255, 255);
      const auto packed =
          random.integers<int8_t>(packed_weight_bytes(args.n, 1, args.k), -128, 127);
      args.a = a.data();
      args.b = packed.data();
      const size_t split = random.size(0, args.m / kBlockRows) * kBlockRows;
      std::vector<uint64_t> rows(combined_row_bytes(args.m, args.k) / sizeof(uint64_t));
      std::vector<uint64_t> panels(combined_panel_bytes(args.k) / sizeof(uint64_t));
      combine_rows(args, split, args.m, rows.data());
      combine_rows(args, 0, split, rows.data());
      args.panels = panels.data();
      const auto run = [&](const void* combined) {
        std::vector<char> c(((args.m - 1) * args.c_stride + args.n) * output_bytes(output));
        args.c = c.data();
        args.combined_rows = combined;
        qgemm(args, split, args.m);
        qgemm(args, 0, split);
        return c;
      };
      REQUIRE(strassen_pays(args.m, args.n, args.k));
      REQUIRE(run(rows.data()) == run(nullptr));
    }
  }
}

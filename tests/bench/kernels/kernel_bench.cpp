// Speed of the kernels on one thread, for shapes of real networks. An argument selects the cases
// whose name contains it; `--simd fixed` leaves the kernels of relaxed SIMD out.
#include "tests/bench/kernels/bench.h"
#include "tests/support/kernel_pack.h"

namespace octet::bench {
const char* case_filter = "";
}

// clang renames a main with arguments, which Emscripten before 3.1.14 does not call.
extern "C" int bench_main(int argc, char** argv) asm("main");
extern "C" int bench_main(int argc, char** argv) {
  int next = 1;
  const bool chosen = argc > 2 && std::strcmp(argv[1], "--simd") == 0;
  if (chosen) next = 3;
  const bool relaxed =
      (!chosen || std::strcmp(argv[2], "relaxed") == 0) && octet::test::use_kernel_pack();
  std::printf("%s\n", relaxed ? "relaxed" : "simd128");
  if (argc > next) octet::bench::case_filter = argv[next];
  octet::bench::float_kernels();
  octet::bench::integer_kernels();
  return 0;
}

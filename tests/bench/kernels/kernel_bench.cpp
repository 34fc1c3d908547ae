// Speed of the kernels on one thread, for shapes of real networks. An argument selects the cases
// whose name contains it.
#include "tests/bench/kernels/bench.h"

namespace octet::bench {
const char* case_filter = "";
}

// clang renames a main with arguments, which Emscripten before 3.1.14 does not call.
extern "C" int bench_main(int argc, char** argv) asm("main");
extern "C" int bench_main(int argc, char** argv) {
  if (argc > 1) octet::bench::case_filter = argv[1];
  octet::bench::float_kernels();
  octet::bench::integer_kernels();
  return 0;
}

// The main function of every C++ test executable.
#define CATCH_CONFIG_RUNNER
#ifdef __wasm__
#define CATCH_CONFIG_NO_POSIX_SIGNALS
#endif
#include <catch2/catch.hpp>

#ifdef __wasm__
#include "kernels/dispatch.h"
#include "kernels/qdot/byte_dot.h"
#include "tests/support/kernel_pack.h"
#endif

namespace {
int run_tests(int argc, char** argv) {
#ifdef __wasm__
  if (!octet::test::use_kernel_pack()) return 1;
  // What is tested must not depend on what this engine's byte products are like.
  octet::kernels::select_byte_dot(octet::kernels::ByteDot::none);
  octet::kernels::select_isa(octet::kernels::Isa::simd128);
#endif
  return Catch::Session().run(argc, argv);
}
} // namespace

#ifdef __wasm__
// clang renames a main with arguments to __main_argc_argv, which Emscripten before 3.1.14 does not
// call.
extern "C" int wasm_main(int argc, char** argv) asm("main");
extern "C" int wasm_main(int argc, char** argv) {
  return run_tests(argc, argv);
}
#else
int main(int argc, char** argv) {
  return run_tests(argc, argv);
}
#endif

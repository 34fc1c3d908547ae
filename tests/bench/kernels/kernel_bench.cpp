// Speed of the kernels on one thread, for shapes of real networks. README.md of kernels/ says what
// the numbers are compared with.
#include "tests/bench/kernels/bench.h"

int main() {
  octet::bench::integer_kernels();
}

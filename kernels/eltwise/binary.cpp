#include "kernels/eltwise/binary.h"

#include "kernels/dispatch.h"

namespace octet::kernels {
namespace {

struct Choice {
  BinaryFn* function;
  size_t result_bytes;
};

Choice choose(Binary op) noexcept {
  const KernelTable& table = kernel_table();
  switch (op) {
#define OCTET_BINARY(name, Result)                                                                 \
  case Binary::name:                                                                               \
    return {table.name##_f32, sizeof(Result)};
#include "kernels/eltwise/binary_list.inc"
#undef OCTET_BINARY
  }
  return {};
}

} // namespace

void binary_f32(Binary op, const BinaryNest& nest, const float* a, const float* b,
                void* y) noexcept {
  const Choice choice = choose(op);
  BinaryNest outer = nest;
  auto args = take_rows<BinaryRows>(outer);
  outer.for_each([&](const BinaryNest::Offsets& at) {
    args.a = a + at[0];
    args.b = b + at[1];
    args.y = static_cast<char*>(y) + at[2] * static_cast<ptrdiff_t>(choice.result_bytes);
    choice.function(args);
  });
}

} // namespace octet::kernels

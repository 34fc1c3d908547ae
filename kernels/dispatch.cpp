#include "kernels/dispatch.h"

namespace octet::kernels {
namespace {

constexpr KernelTable make_table(Isa highest) {
  KernelTable table;
#define OCTET_FAMILY(family, Fn)
#define OCTET_VARIANT(family, isa, function)                                                       \
  if (Isa::isa <= highest) table.family = function;
#include "kernels/kernel_list.inc"
#undef OCTET_FAMILY
#undef OCTET_VARIANT
  return table;
}

// Apart, so that a program that never selects the reference does not contain it.
constexpr KernelTable kReference = make_table(Isa::reference);
constexpr KernelTable kSimd128 = make_table(Isa::simd128);
const KernelTable* active_table = &kSimd128;

} // namespace

const KernelTable& kernel_table() noexcept {
  return *active_table;
}

void select_isa(Isa isa) noexcept {
  active_table = isa == Isa::reference ? &kReference : &kSimd128;
}

} // namespace octet::kernels

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

constexpr KernelTable kTables[] = {make_table(Isa::reference), make_table(Isa::simd128)};
const KernelTable* active_table = &kTables[static_cast<int>(Isa::simd128)];

} // namespace

const KernelTable& kernel_table() noexcept {
  return *active_table;
}

void select_isa(Isa isa) noexcept {
  active_table = &kTables[static_cast<int>(isa)];
}

} // namespace octet::kernels

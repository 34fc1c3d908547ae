// The one table through which drivers reach kernels that exist in several variants.
//
// kernel_list.inc names every family and its variants; from it come the declarations, a KernelTable
// per instruction set, and for_each_variant for tests. Drivers call kernel_table().family(...).
// A kernel with a single form is a plain function and not listed.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/convert/variants.h"
#include "kernels/copy/variants.h"
#include "kernels/dwconv_f32/tile.h"
#include "kernels/eltwise/variants.h"
#include "kernels/gemm_f32/tile.h"
#include "kernels/lstm/variants.h"
#include "kernels/norm/variants.h"
#include "kernels/pool/variants.h"
#include "kernels/qb4/tile.h"
#include "kernels/qdwconv/tile.h"
#include "kernels/qgemm/pack.h"
#include "kernels/qgemm/tile.h"
#include "kernels/reduce/variants.h"
#include "kernels/resize/variants.h"
#include "kernels/softmax/variants.h"

namespace octet::kernels {

/// In rising order: a table for one holds, per family, the highest variant not above it.
enum class Isa : uint8_t { reference, simd128 };

#define OCTET_FAMILY(family, Fn) using family##_fn = Fn;
#define OCTET_VARIANT(family, isa, function) family##_fn function;
#include "kernels/kernel_list.inc"
#undef OCTET_FAMILY
#undef OCTET_VARIANT

struct KernelTable {
#define OCTET_FAMILY(family, Fn) Fn* family = nullptr;
#define OCTET_VARIANT(family, isa, function)
#include "kernels/kernel_list.inc"
#undef OCTET_FAMILY
#undef OCTET_VARIANT
};

/// The table in use: at first the one for the highest Isa.
const KernelTable& kernel_table() noexcept;

/// Switches every later call; for tests and benchmarks. Not to be called while kernels run.
void select_isa(Isa isa) noexcept;

/// Calls visit(family name, function name, function, reference function) for each variant above the
/// reference whose family has function type Fn.
template <class Fn, class Visit>
void for_each_variant(Visit&& visit) {
  [[maybe_unused]] Fn* reference = nullptr;
#define OCTET_FAMILY(family, Type)
#define OCTET_VARIANT(family, isa, function)                                                       \
  if constexpr (std::is_same_v<family##_fn, Fn>) {                                                 \
    if (Isa::isa == Isa::reference)                                                                \
      reference = function;                                                                        \
    else                                                                                           \
      visit(#family, #function, function, reference);                                              \
  }
#include "kernels/kernel_list.inc"
#undef OCTET_FAMILY
#undef OCTET_VARIANT
}

} // namespace octet::kernels

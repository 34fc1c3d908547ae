// The one table through which drivers reach kernels that exist in several variants.
//
// kernel_list.inc names every family and its variants; from it come the declarations, a KernelTable
// per instruction set, and for_each_variant for tests. Drivers call kernel_table().family(...).
// A kernel with a single form is a plain function and not listed.
//
// WebAssembly modules that use relaxed SIMD only load where the engine has it, so there these
// kernels are a module of their own, the pack; relaxed_kernels.h ties it to the main one.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/compare/variants.h"
#include "kernels/convert/variants.h"
#include "kernels/copy/variants.h"
#include "kernels/dwconv_f32/tile.h"
#include "kernels/eltwise/variants.h"
#include "kernels/gemm_f32/tile.h"
#include "kernels/histogram/variants.h"
#include "kernels/log2/variants.h"
#include "kernels/lstm/variants.h"
#include "kernels/norm/variants.h"
#include "kernels/pool/variants.h"
#include "kernels/qb4/tile.h"
#include "kernels/qdot/byte_dot.h"
#include "kernels/qdwconv/tile.h"
#include "kernels/qeltwise/variants.h"
#include "kernels/qgemm/pack.h"
#include "kernels/qgemm/strassen.h"
#include "kernels/qgemm/tile.h"
#include "kernels/qrows/rows.h"
#include "kernels/reduce/variants.h"
#include "kernels/resize/variants.h"
#include "kernels/rounding/variants.h"
#include "kernels/rows_f32/variants.h"
#include "kernels/softmax/variants.h"
#include "kernels/winograd/tile.h"

namespace octet::kernels {

/// In rising order: a table for one holds, per family, the highest variant not above it.
enum class Isa : uint8_t { reference, simd128, relaxed };

#ifdef OCTET_KERNEL_PACK
#define OCTET_EXPORT_reference(function)
#define OCTET_EXPORT_simd128(function)
#define OCTET_EXPORT_relaxed(function) __attribute__((export_name(#function)))
#else
#define OCTET_EXPORT_reference(function)
#define OCTET_EXPORT_simd128(function)
#define OCTET_EXPORT_relaxed(function)
#endif

#define OCTET_FAMILY(family, Fn) using family##_fn = Fn;
#define OCTET_VARIANT(family, isa, function) OCTET_EXPORT_##isa(function) family##_fn function;
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

/// The table in use: at first the one for simd128.
const KernelTable& kernel_table() noexcept;
const KernelTable& kernel_table(Isa isa) noexcept;
Isa selected_isa() noexcept;

/// Switches every later call. Not to be called while kernels run.
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
      reference = kernel_table(Isa::isa).family;                                                   \
    else                                                                                           \
      visit(#family, #function, kernel_table(Isa::isa).family, reference);                         \
  }
#include "kernels/kernel_list.inc"
#undef OCTET_FAMILY
#undef OCTET_VARIANT
}

} // namespace octet::kernels

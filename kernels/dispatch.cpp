#include "kernels/dispatch.h"

#include <array>

#include "kernels/relaxed_kernels.h"

namespace octet::kernels {
namespace {

/// Whether these kernels are part of this program.
constexpr bool is_linked([[maybe_unused]] Isa isa) {
#ifdef __wasm__
  return isa != Isa::relaxed;
#else
  return true;
#endif
}

constexpr KernelTable make_table(Isa highest) {
  KernelTable table;
#define OCTET_FAMILY(family, Fn)
#define OCTET_VARIANT(family, isa, function)                                                       \
  if constexpr (is_linked(Isa::isa))                                                               \
    if (Isa::isa <= highest) table.family = function;
#include "kernels/kernel_list.inc"
#undef OCTET_FAMILY
#undef OCTET_VARIANT
  return table;
}

constexpr size_t kRelaxedCount = 0
#define OCTET_FAMILY(family, Fn)
#define OCTET_VARIANT(family, isa, function) +(Isa::isa == Isa::relaxed)
#include "kernels/kernel_list.inc"
#undef OCTET_FAMILY
#undef OCTET_VARIANT
    ;

constexpr std::array<const char*, kRelaxedCount> make_names() {
  std::array<const char*, kRelaxedCount> names{};
  size_t i = 0;
#define OCTET_FAMILY(family, Fn)
#define OCTET_VARIANT(family, isa, function)                                                       \
  if constexpr (Isa::isa == Isa::relaxed) names[i++] = #function;
#include "kernels/kernel_list.inc"
#undef OCTET_FAMILY
#undef OCTET_VARIANT
  return names;
}

// Apart, so that a program that never selects the reference does not contain it.
constexpr KernelTable kReference = make_table(Isa::reference);
constexpr KernelTable kSimd128 = make_table(Isa::simd128);
constinit KernelTable relaxed_table = make_table(Isa::relaxed);
constexpr auto kRelaxedNames = make_names();
Isa active_isa = Isa::simd128;
const KernelTable* active_table = &kSimd128;

} // namespace

const KernelTable& kernel_table() noexcept {
  return *active_table;
}

const KernelTable& kernel_table(Isa isa) noexcept {
  switch (isa) {
  case Isa::reference:
    return kReference;
  case Isa::simd128:
    return kSimd128;
  case Isa::relaxed:
    return relaxed_table;
  }
  return kSimd128;
}

Isa selected_isa() noexcept {
  return active_isa;
}

void select_isa(Isa isa) noexcept {
  active_isa = isa;
  active_table = &kernel_table(isa);
}

std::span<const char* const> relaxed_kernel_names() noexcept {
  return kRelaxedNames;
}

void use_relaxed_kernels(std::span<const uintptr_t> functions) noexcept {
  size_t i = 0;
#define OCTET_FAMILY(family, Fn)
#define OCTET_VARIANT(family, isa, function)                                                       \
  if constexpr (Isa::isa == Isa::relaxed)                                                          \
    if (const uintptr_t given = functions[i++])                                                    \
      relaxed_table.family = reinterpret_cast<family##_fn*>(given);
#include "kernels/kernel_list.inc"
#undef OCTET_FAMILY
#undef OCTET_VARIANT
  select_isa(Isa::relaxed);
  select_tried_byte_dot(relaxed_table.byte_dot, relaxed_table.byte_dot7);
}

} // namespace octet::kernels

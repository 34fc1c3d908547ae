// The kernel pack as the main WebAssembly module sees it: functions of another instance on the same
// memory, which the loader puts into the main module's table.
#pragma once

#include <cstdint>
#include <span>

namespace octet::kernels {

/// The exports of the pack that the table of Isa::relaxed holds.
std::span<const char* const> relaxed_kernel_names() noexcept;

/// Fills the table of Isa::relaxed with these functions, as many and in the order of the names,
/// selects it, and selects the ByteDot that it has. 0 stands for one that had better not be used.
void use_relaxed_kernels(std::span<const uintptr_t> functions) noexcept;

} // namespace octet::kernels

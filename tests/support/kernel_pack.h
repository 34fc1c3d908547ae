// The kernel pack in WebAssembly programs that Node runs; natively its kernels are linked instead.
#pragma once

namespace octet::test {

/// Fills the table of Isa::relaxed from octet.relaxed.wasm, which lies in the build folder, and
/// selects it. Returns whether it could.
bool use_kernel_pack();

} // namespace octet::test

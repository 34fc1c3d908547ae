#include "tests/support/kernel_pack.h"

#include <emscripten.h>

#include <vector>

#include "kernels/relaxed_kernels.h"

// The table slot of the export, or 0.
EM_JS(unsigned, octet_pack_slot, (const char* file, const char* name), {
  try {
    if (!Module.kernelPack) {
      if (process.versions.node.startsWith('20.'))
        require('v8').setFlagsFromString('--experimental-wasm-relaxed-simd');
      const bytes = require('fs').readFileSync(UTF8ToString(file));
      const pack = new WebAssembly.Module(bytes);
      Module.kernelPack = new WebAssembly.Instance(pack, {env : {memory : wasmMemory}});
    }
    const slot = wasmTable.grow(1);
    wasmTable.set(slot, Module.kernelPack.exports[UTF8ToString(name)]);
    return slot;
  } catch (error) {
    console.error(String(error));
    return 0;
  }
});

bool octet::test::use_kernel_pack() {
  std::vector<uintptr_t> slots;
  for (const char* name : kernels::relaxed_kernel_names()) {
    slots.push_back(octet_pack_slot(OCTET_KERNEL_PACK_FILE, name));
    if (slots.back() == 0) return false;
  }
  kernels::use_relaxed_kernels(slots);
  return true;
}

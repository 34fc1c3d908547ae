#pragma once
// The WebAssembly SIMD128 intrinsics, under their own names in every build: native builds compile
// the same kernel sources through SIMDe, so that sanitizers run the code that ships.

#ifdef __wasm__
#include <wasm_simd128.h>
#else
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/wasm/simd128.h>
#endif

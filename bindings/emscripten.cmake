# Toolchain of the WebAssembly builds: every emcc flag of the project stands in this file.
#
# Works with Debian's Emscripten driven by a newer clang (the presets set EM_CLANG_ADD_VERSION and friends), and with
# an emsdk on PATH when those variables are unset.
execute_process(COMMAND em-config EMSCRIPTEN_ROOT OUTPUT_VARIABLE root OUTPUT_STRIP_TRAILING_WHITESPACE
                RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "em-config not found: install emscripten (./octet build does)")
endif()
include(${root}/cmake/Modules/Platform/Emscripten.cmake)

set(CMAKE_CXX_FLAGS_INIT "-msimd128 -fwasm-exceptions -sSUPPORT_LONGJMP=0 -include ${CMAKE_CURRENT_LIST_DIR}/libcxx_shim.h")
# stack-first is the default of newer wasm-ld, and Emscripten before 3.1.25 assumes the other order.
set(CMAKE_EXE_LINKER_FLAGS_INIT
    "-sINITIAL_MEMORY=4MB -sALLOW_MEMORY_GROWTH -sMEMORY_GROWTH_GEOMETRIC_STEP=0.05 -sMEMORY_GROWTH_GEOMETRIC_CAP=1MB -sMAXIMUM_MEMORY=4GB -sABORTING_MALLOC=0 -sTOTAL_STACK=1MB -Wl,--no-stack-first")

# A module whose memory other threads share: workers of our own run it too, on stacks of their own (bindings/README.md), but only
# loops that call neither JavaScript nor the system libraries. So these stay as they are for one thread, and no runtime for
# threads is linked.
if(OCTET_THREADS)
  string(APPEND CMAKE_CXX_FLAGS_INIT " -matomics -mbulk-memory")
  string(APPEND CMAKE_EXE_LINKER_FLAGS_INIT " -sIMPORTED_MEMORY -Wl,--shared-memory,--no-check-features")
endif()

# The ES module that the npm package wraps. Our own loader hands it the bytes, in Node too.
set(OCTET_MODULE_LINK_FLAGS
    -O3
    -lembind
    -sMODULARIZE
    -sEXPORT_ES6
    -sENVIRONMENT=web,worker
    -sDYNAMIC_EXECUTION=0
    -sFILESYSTEM=0
    -sALLOW_TABLE_GROWTH)
set(OCTET_MODULE_NAME octet)
if(OCTET_THREADS)
  set(OCTET_MODULE_NAME octet-mt)
  # Browsers' TextDecoder reads no shared memory. Not among the flags above, which build folders keep from their first configuration.
  list(APPEND OCTET_MODULE_LINK_FLAGS -sTEXTDECODER=0)
endif()

# The unit tests: one script for Node that reads the real file system. Loading is synchronous because the asynchronous path
# of older Emscripten mistakes the fetch of Node for that of a browser.
set(OCTET_TEST_LINK_FLAGS -O1 -sALLOW_TABLE_GROWTH -sENVIRONMENT=node -sNODERAWFS -sEXIT_RUNTIME -sWASM_ASYNC_COMPILATION=0)

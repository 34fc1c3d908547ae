// Runs drivers on the kernels of one instruction set.
#pragma once

#include "kernels/dispatch.h"

namespace octet::kernels::test {

/// Selects the kernels of a test case; the best ones come back at its end.
class WithIsa {
public:
  explicit WithIsa(Isa isa) { select_isa(isa); }
  ~WithIsa() { select_isa(Isa::simd128); }
  WithIsa(const WithIsa&) = delete;
  WithIsa& operator=(const WithIsa&) = delete;
};

} // namespace octet::kernels::test

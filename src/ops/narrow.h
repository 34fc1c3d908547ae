// Elements narrower than a byte, several packed into each (base/dtype.h).
#pragma once

#include "base/tensor.h"

namespace octet {

inline bool is_narrow(DType dtype) {
  return is_dense(dtype) && dtype_bits(dtype) < 8;
}

// The codes of packed elements, without their signs, as a UInt8 tensor; and back.
Tensor widen_codes(const Tensor& packed);
Tensor narrow_codes(const Tensor& codes, DType dtype);

} // namespace octet

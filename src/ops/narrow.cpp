#include "ops/narrow.h"

namespace octet {

Tensor widen_codes(const Tensor& packed) {
  const size_t bits = dtype_bits(packed.dtype()), per_byte = 8 / bits;
  const uint8_t* bytes = packed.bytes();
  Buffer codes(packed.elements());
  for (size_t i = 0; i < codes.size(); ++i)
    codes.data()[i] =
        static_cast<uint8_t>(bytes[i / per_byte] >> (i % per_byte * bits) & ((1u << bits) - 1));
  return Tensor(DType::UInt8, packed.shape(), SharedBytes(std::move(codes)));
}

Tensor narrow_codes(const Tensor& codes, DType dtype) {
  const size_t bits = dtype_bits(dtype), per_byte = 8 / bits;
  Buffer packed(dtype_bytes(dtype, codes.elements()));
  std::fill_n(packed.data(), packed.size(), uint8_t{0});
  for (size_t i = 0; i < codes.elements(); ++i)
    packed.data()[i / per_byte] |=
        static_cast<uint8_t>((codes.bytes()[i] & ((1u << bits) - 1)) << (i % per_byte * bits));
  return Tensor(dtype, codes.shape(), SharedBytes(std::move(packed)));
}

} // namespace octet

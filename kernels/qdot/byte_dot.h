// The dot product of bytes that some engines make of WebAssembly's relaxed
// i32x4.relaxed_dot_i8x16_i7x16_add: twice as many products in an instruction as with int16.
//
// The specification leaves open what happens to a second operand beyond 0 … 127. Where the
// instruction becomes VPDPBUSD (x86 with AVX-VNNI) that operand is unsigned, where it becomes SDOT
// (Arm with dot products) it is signed, and in both the sums are exact: then activations of full
// 8 bits can be that operand. Elsewhere the sums of pairs may saturate; there products of int16
// are as fast and are used instead. An engine has to stay with one behaviour, so it is found by
// trying, once.
#pragma once

#include <cstdint>

namespace octet::kernels {

/// What activations have to be for byte dot products; `none`: these are not used.
enum class ByteDot : uint8_t { none, unsigned_activations, signed_activations };

/// The one in use, at first none.
ByteDot byte_dot() noexcept;

/// Not to be called while kernels run, and before weights are packed.
void select_byte_dot(ByteDot reading) noexcept;

/// sums[i] = Σ_{j < 4} w[4i + j] · a[4i + j] for i < 4, a read as byte_dot() says.
using ByteDotFn = void(const int8_t* w, const uint8_t* a, int32_t* sums) noexcept;

/// How `dot` reads its second operand, as tried on values where engines differ.
ByteDot tried_byte_dot(ByteDotFn* dot) noexcept;

} // namespace octet::kernels

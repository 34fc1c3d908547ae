// The dot product of bytes that some engines make of WebAssembly's relaxed
// i32x4.relaxed_dot_i8x16_i7x16_add: twice as many products in an instruction as with int16.
//
// The specification leaves open what happens to a second operand beyond 0 … 127. Where the
// instruction becomes VPDPBUSD (x86 with AVX-VNNI) that operand is unsigned, where it becomes SDOT
// (Arm with dot products) it is signed, and in both the sums are exact: then activations of full
// 8 bits can be that operand. Elsewhere the sums of pairs may saturate; there products of int16
// are as fast and are used instead. An engine has to stay with one behaviour, so it is found by
// trying, once.
//
// On x86 without AVX-VNNI, weights of 7 bits have a faster way than int16: in two steps, of which
// i16x8.relaxed_dot_i8x16_i7x16_s, PMADDUBSW, is the first. It adds up pairs as int16, which
// saturate only beyond 2^15 − 1: 2 · 255 · kMostPairWeight stays below. That takes three
// instructions for 16 products, or five for 32 where weights allow it (kernels/qdot/panel.h), and
// two or one and a half of them multiply; int16 takes four, of which two multiply, and widens
// weights. Engines in which the second operand is signed have no such instruction, and keep int16.
#pragma once

#include <cstdint>

namespace octet::kernels {

/// What activations have to be for byte dot products; `none`: these are not used.
enum class ByteDot : uint8_t { none, unsigned_activations, signed_activations };

/// How products are made, and of which weights: of all of int8, or within ±kMostPairWeight.
enum class ByteDotSteps : uint8_t { one, two };

inline constexpr int32_t kMostPairWeight = 64;

/// The ones in use, at first none.
ByteDot byte_dot() noexcept;
ByteDotSteps byte_dot_steps() noexcept;

/// Not to be called while kernels run, and before weights are packed.
void select_byte_dot(ByteDot reading, ByteDotSteps steps = ByteDotSteps::one) noexcept;

/// sums[i] = Σ_{j < 4} w[4i + j] · a[4i + j] for i < 4, a read as byte_dot() says.
using ByteDotFn = void(const int8_t* w, const uint8_t* a, int32_t* sums) noexcept;

/// How `dot` reads its second operand, as tried on values where engines differ.
ByteDot tried_byte_dot(ByteDotFn* dot, ByteDotSteps steps = ByteDotSteps::one) noexcept;

/// Selects the better of both, as tried.
void select_tried_byte_dot(ByteDotFn* one_step, ByteDotFn* two_steps) noexcept;

} // namespace octet::kernels

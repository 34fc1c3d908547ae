// Every cap on hostile input, in one place.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octet::limits {

// Dimensions of one tensor.
inline constexpr size_t kMaxRank = 32;
// Bytes of one tensor that a model may ask for without bringing the data in the file.
inline constexpr size_t kMaxTensorBytes = size_t{3} << 30;
// Subgraphs in subgraphs, and functions calling functions.
inline constexpr int kMaxNesting = 16;
// Nodes after model functions are expanded (an expansion may be exponential in the file's size).
inline constexpr size_t kMaxNodes = 1'000'000;
// Bytes that the expansion of model functions may read and make, beside 8 times the file's size.
inline constexpr size_t kMaxExpandedBytes = size_t{64} << 20;
// Bytes of what subgraphs repeat of enclosing graphs: captured values (at every level), opset
// imports.
inline constexpr size_t kMaxSubgraphBytes = size_t{64} << 20;
// Attributes of one node, and operator sets of a model (both are looked up linearly).
inline constexpr size_t kMaxAttributes = 256;
inline constexpr size_t kMaxOpsets = 256;
// Bytes of dense tensors made of sparse ones, beside 64 times the sparse ones' bytes.
inline constexpr size_t kMaxDenseBytes = size_t{1} << 20;
// Bytes that one folded constant may occupy when it is larger than what it was made from.
inline constexpr size_t kMaxFoldedBytes = size_t{1} << 20;

} // namespace octet::limits

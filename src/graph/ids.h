// Typed indices into a Graph: cheap, stable while the graph lives, never mixed up.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace octet {

template <class Tag>
struct Id {
  uint32_t index = UINT32_MAX;

  constexpr Id() = default;
  constexpr explicit Id(size_t i) : index(static_cast<uint32_t>(i)) {}
  constexpr explicit operator bool() const { return index != UINT32_MAX; }
  constexpr auto operator<=>(const Id&) const = default;
};

using ValueId = Id<struct ValueTag>; // an invalid one stands for an optional input left out
using NodeId = Id<struct NodeTag>;

} // namespace octet

template <class Tag>
struct std::hash<octet::Id<Tag>> {
  size_t operator()(octet::Id<Tag> id) const { return id.index; }
};

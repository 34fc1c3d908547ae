// Types that the specifications give to attributes.
#pragma once

#include "graph/graph.h"

namespace octet {

// Throws InvalidModel, naming node and attribute, when an attribute of a node is there under
// another type than its operator's. Attributes that no supported operator has pass.
void check_attribute_types(const Node& node);

} // namespace octet

// Finds operators by domain and name; the list itself is op_list.inc.
#pragma once

#include <string_view>
#include <vector>

#include "ops/op_def.h"

namespace octet {

// Domain of operators that exist only in the lowered stage.
inline constexpr std::string_view kLoweredDomain = "octet";

// The newest version of the ai.onnx operator set that the list was checked against.
inline constexpr int64_t kNewestOpset = 28;

struct OpListing {
  std::string_view domain, name;
};

// Null when there is no such operator. "ai.onnx" and "" are the same domain.
const OpDef* find_op(std::string_view domain, std::string_view name);

// Throws UnsupportedOperator naming the node.
[[noreturn]] void refuse_operator(const Node& node);

// The operator of a node, or refuse_operator.
const OpDef& op_of(const Node& node);

// Throws UnsupportedOperator for a model whose operators may mean something newer.
void check_opset(const ModelInfo& model);

// All operators, in the list's order.
std::vector<OpListing> list_ops();

} // namespace octet

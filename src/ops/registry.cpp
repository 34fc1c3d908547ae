#include "ops/registry.h"

#include "base/error.h"

namespace octet {

#define OCTET_OP(domain, name, symbol) extern const OpDef symbol;
#include "ops/op_list.inc"
#undef OCTET_OP

namespace {
struct Row {
  OpListing listing;
  const OpDef* def;
};
constexpr Row kRows[] = {
#define OCTET_OP(domain, name, symbol) {{domain, name}, &symbol},
#include "ops/op_list.inc"
#undef OCTET_OP
};
} // namespace

const OpDef* find_op(std::string_view domain, std::string_view name) {
  if (domain == "ai.onnx") domain = "";
  for (const Row& row : kRows)
    if (row.listing.name == name && row.listing.domain == domain) return row.def;
  return nullptr;
}

void refuse_operator(const Node& node) {
  fail(ErrorCode::UnsupportedOperator, "node '", node.name, "': operator ",
       node.domain.empty() ? "ai.onnx" : node.domain.c_str(), ".", node.op_type,
       " is not supported");
}

const OpDef& op_of(const Node& node) {
  if (const OpDef* def = find_op(node.domain, node.op_type)) return *def;
  refuse_operator(node);
}

void check_opset(const ModelInfo& model) {
  if (const int64_t version = model.opset(""); version > kNewestOpset)
    fail(ErrorCode::UnsupportedOperator, "the model uses version ", version,
         " of the ai.onnx operator set; the newest supported is ", kNewestOpset);
}

std::vector<OpListing> list_ops() {
  std::vector<OpListing> out;
  for (const Row& row : kRows) out.push_back(row.listing);
  return out;
}

} // namespace octet

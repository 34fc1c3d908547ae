#include "ops/registry.h"

#include <algorithm>
#include <array>

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
constexpr auto kRows = std::to_array<Row>({
#define OCTET_OP(domain, name, symbol) {{domain, name}, &symbol},
#include "ops/op_list.inc"
#undef OCTET_OP
});

constexpr bool precedes(const OpListing& a, const OpListing& b) {
  return a.name != b.name ? a.name < b.name : a.domain < b.domain;
}
constexpr auto kSortedRows = [] {
  auto rows = kRows;
  std::sort(rows.begin(), rows.end(),
            [](const Row& a, const Row& b) { return precedes(a.listing, b.listing); });
  return rows;
}();
} // namespace

const OpDef* find_op(std::string_view domain, std::string_view name) {
  if (domain == "ai.onnx") domain = "";
  const OpListing wanted{domain, name};
  const auto row = std::lower_bound(
      kSortedRows.begin(), kSortedRows.end(), wanted,
      [](const Row& each, const OpListing& listing) { return precedes(each.listing, listing); });
  return row == kSortedRows.end() || precedes(wanted, row->listing) ? nullptr : row->def;
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

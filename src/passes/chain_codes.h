#pragma once

#include "ops/propagate.h"

namespace octet {

// Keeps tensors between integer operators integer. What a QuantizeLinear with one constant 8-bit
// scale and zero point yields becomes *codes*: int16, the 8-bit code minus its zero point, which
// integer products read as they are; where they multiply bytes (ops/integer_codes.h) it stays bytes
// for them. Between two pairs of Q and DQ these are computed from codes:
//  - products (behind fold_qdq): the lowered …ToFloat becomes …ToCodes, with a Relu or Clip behind
//    it as bounds of the codes, or a HardSwish in the output step;
//  - sums, differences and products of two tensors, global averages;
//  - whatever picks or moves elements: the same operator on codes;
//  - any function of the elements of one tensor, of several nodes too: a table of 256 entries.
// A Compare reads its candidate's codes. Real numbers are left where something else reads them. The
// results are those of the float spelling but where a sum of roundings falls on the other side of a
// tie: then by one code. Facts of new values are added.
void chain_codes(Graph& graph, GraphFacts& facts);

} // namespace octet

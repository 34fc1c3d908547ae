// The model functions that Octet writes with a model that uses them, so that every ONNX runtime
// runs the file: operators of ops/log2_ops.h with bodies of standard operators.
//
// A reader knows a function of a file for one of these by its bytes, and runs the operator; a
// function of the same name and any other body is expanded like all functions. Bodies are those of
// the numbers that the operator computes, to the bit, whatever the precision of the runtime's Log:
//   Log2Quantize: the index of the level is Log's guess, between one and two octaves' parts above
//   log2(|x| / smallest), which can only be right or one too high, minus one where |x| is below ¾
//   of that level. NaN takes part in no comparison and ends as 0.
#pragma once

#include <string>
#include <string_view>

#include "graph/graph.h"

namespace octet::onnx {

// The FunctionProto under a version of the ai.onnx operator set, in the order of fields that
// protobuf writes. Empty when there is no such function.
std::string own_function(std::string_view domain, std::string_view name, int64_t opset);

// Whether a call of one of these has operands that the operator takes.
bool runs_as_operator(const Graph& graph, const Node& call);

} // namespace octet::onnx

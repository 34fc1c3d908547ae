// Reads ONNX files (ModelProto) into graphs.
//
// Every byte is untrusted: whatever is wrong is an Error that names what and where, nesting is
// capped, and no more memory is asked for than a small multiple of the file's size.
//
// What the reader does to a model:
//  - weights stay in the file: initializers with raw_data or external data share its ownership, and
//  large ones of a file outside of the heap stay there;
//  - model functions are expanded where they are called; a call's own doc string and metadata are
//  dropped;
//  - sparse initializers become dense ones;
//  - initializers that are listed as inputs as well are constants, not inputs;
//  - the domain "ai.onnx" becomes "";
//  - negative dims of value types become dynamic ones;
//  - values of other types than tensors have no type; their declaration is kept for the writer.
// Any operator set version ≥ 1 is read: operators are found by name, and it is for them to reject a
// version. Fields that Octet does not interpret are kept in the `extra` members of the graph and
// come back when it is written.
#pragma once

#include <memory>
#include <span>

#include "formats/external_file.h"
#include "graph/graph.h"

namespace octet {

// The graph is not validated yet (graph/validate.h). Throws InvalidModel, or UnsupportedOperator
// for what is legal ONNX but beyond Octet.
std::unique_ptr<Graph> read_onnx(SharedBytes file, const ExternalFiles& external = {});

// Whether a file that begins like this may be an ONNX model; it may still turn out to be broken.
bool detect_onnx(Bytes head);

// The name and version of the program that made the model, e.g. "pytorch 2.1"; empty when it does
// not say.
std::string onnx_producer(const ModelInfo& model);

} // namespace octet

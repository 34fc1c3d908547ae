// Writes a canonical graph as an ONNX file (ModelProto).
//
// Names are ids' names again. In a subgraph a capture is written under the name of the outer value
// it stands for, and a value whose name an enclosing graph uses too gets a new one, because ONNX
// forbids that. Tensors are written as raw_data, strings as string_data. Initializers of models
// before IR version 4 are listed as inputs too, after the real ones, as those versions demand; so
// are those that were when the model was read. Functions of own_functions.h that nodes call are
// written as well.
#pragma once

#include <vector>

#include "base/buffer.h"
#include "graph/graph.h"

namespace octet {

// Allocates the file once and copies every weight once. Throws InvalidModel above protobuf's 2 GiB.
Buffer write_onnx(const Graph& graph);

// The same file in pieces of some MB at most. Large weights are not copied: their pieces are the
// graph's own bytes, and those that are outside of the heap stay there until they are read.
std::vector<SharedBytes> write_onnx_in_pieces(const Graph& graph);

} // namespace octet

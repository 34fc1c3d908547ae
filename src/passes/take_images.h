// Takes ImageDecoder out of a model. Platforms decode images asynchronously, and an operator can't
// wait for them: so whoever runs the model decodes what it is fed, and feeds the pixels too.
#pragma once

#include "graph/graph.h"

namespace octet {

// Makes the result of every ImageDecoder an input, behind those that the model has; Value::image
// says what has to be decoded for it. For execution, and before any other pass. Throws InvalidModel
// for streams that are not uint8 [n] and pixel formats that ONNX does not have, and
// UnsupportedOperator where the stream is not an input of the model, or of one by Identity.
void take_images(Graph& graph);

} // namespace octet

// The LSTM layer around its matrix products, which the float and the quantized operator compute in
// their own ways.
#pragma once

#include "ops/recurrent.h"

namespace octet {

// Products of one direction: the input's rows with W, the previous output's rows with R; both yield
// rows of 4·hidden floats.
struct LstmProducts {
  RowProduct input, state;
};

// Runs the layer `shape` with one entry of `products` per direction. Operands 3 to 7 are those of
// ONNX's LSTM. Asks for the scratch memory: `scratch` holds what the products have reserved.
Kernel lstm_kernel(PrepareContext& ctx, const RecurrentShape& shape,
                   std::vector<LstmProducts> products, ScratchLayout scratch);

} // namespace octet

// What LSTM, GRU and RNN share: sizes and layouts of their operands, directions, sequence lengths,
// activations.
//
// Formulas, attribute and operand conventions: ONNX's operator specification. Operands 3 to 6 are B
// [directions, 2·gates·hidden], sequence_lens [batch], initial_h and (LSTM) initial_c; outputs are
// Y, Y_h and (LSTM) Y_c.
#pragma once

#include <cstring>
#include <functional>
#include <vector>

#include "ops/elementwise.h"
#include "ops/op_def.h"
#include "ops/scratch_layout.h"

namespace octet {

struct RecurrentShape {
  size_t steps = 0, batch = 0, input = 0, hidden = 0, directions = 1, gates = 1;
  bool first_is_reverse = false;
  bool batch_major = false; // layout 1: batch is the first dim of X, Y and the states

  bool is_reverse(size_t direction) const { return first_is_reverse || direction == 1; }
  size_t gate_floats() const { return gates * hidden; }
  // Of X: the row that holds step t of sequence b.
  size_t x_row(size_t t, size_t b) const { return batch_major ? b * steps + t : t * batch + b; }
  // Of Y and of the states, in rows of `hidden` floats.
  size_t y_row(size_t t, size_t d, size_t b) const {
    return batch_major ? (b * steps + t) * directions + d : (t * directions + d) * batch + b;
  }
  size_t state_row(size_t d, size_t b) const {
    return batch_major ? b * directions + d : d * batch + b;
  }
};

// Sizes from X (input 0), the attributes and `hidden`; checks operands 3 to 6 against them. Throws
// InvalidModel.
RecurrentShape recurrent_shape(const NodeContext& ctx, size_t gates, int64_t hidden,
                               int64_t directions);
// The same where input 1 is W [directions, gates·hidden, input] and input 2 is R [directions,
// gates·hidden, hidden].
RecurrentShape float_recurrent_shape(const NodeContext& ctx, size_t gates);

void set_recurrent_outputs(InferContext& ctx, const RecurrentShape& shape);

// An activation of the attribute `activations`, with its scaling parameters.
struct CellActivation {
  UnaryFn function;
  std::array<float, kMaxUnaryParams> params{};

  void apply(float* x, size_t n) const noexcept { function(x, x, n, params.data()); }
};
// For each direction the activations of one cell; `defaults` names those of one direction.
std::vector<CellActivation> cell_activations(const NodeContext& ctx, size_t directions,
                                             std::initializer_list<const char*> defaults);

// out[rows, n] = a[rows, k] · Wᵀ + bias for weights that the product holds. The bias is null, or
// has n values and kFPanelWidth more that are readable.
struct RowProduct {
  std::function<void(const RunContext& run)> begin; // once a run, before the first product
  std::function<void(const RunContext& run, const float* a, size_t rows, const float* bias,
                     float* out)>
      multiply;
};
// Products with rows [row_begin, row_begin + n) of each direction's matrix of `input` [directions,
// rows, k].
std::vector<RowProduct> float_row_products(PrepareContext& ctx, size_t input, size_t row_begin,
                                           size_t n, ScratchLayout& scratch);

// B's two halves for one direction; null when there is no B.
struct BiasHalves {
  const float *w = nullptr, *r = nullptr;
};
BiasHalves bias_of(const RunContext& run, const RecurrentShape& shape, size_t direction,
                   bool has_bias);

// One step of one direction: which row of X each sequence sees.
struct RecurrentStep {
  static constexpr size_t kFinished = SIZE_MAX;
  const RecurrentShape& shape;
  size_t direction, index;
  const int32_t* lengths; // null: all sequences have `steps` steps

  size_t time(size_t b) const {
    const size_t length = lengths ? static_cast<size_t>(lengths[b]) : shape.steps;
    if (index >= length) return kFinished;
    return shape.is_reverse(direction) ? length - 1 - index : index;
  }
};

// Runs step(RecurrentStep) for every step of one direction and copies the rows of `h` that it
// leaves, [batch, hidden], to Y (if wanted); steps past a sequence's end are zeros there.
template <class Step>
void run_steps(const RunContext& run, const RecurrentShape& shape, size_t direction,
               const int32_t* lengths, const float* h, const Step& step) {
  auto* y = run.output<float>(0);
  const size_t row_bytes = shape.hidden * sizeof(float);
  for (size_t k = 0; k < shape.steps; ++k) {
    const RecurrentStep at{shape, direction, k, lengths};
    step(at);
    for (size_t b = 0; y && b < shape.batch; ++b) {
      const size_t t = at.time(b);
      if (t == RecurrentStep::kFinished)
        std::memset(y + shape.y_row(k, direction, b) * shape.hidden, 0, row_bytes);
      else
        std::memcpy(y + shape.y_row(t, direction, b) * shape.hidden, h + b * shape.hidden,
                    row_bytes);
    }
  }
}

// The operand sequence_lens of a run, checked against the number of steps; null when absent.
const int32_t* sequence_lengths(const RunContext& run, const RecurrentShape& shape,
                                bool has_lengths);

// Copies the rows of one direction from a state operand (null: zeros) to [batch, hidden], and back.
void load_state(const float* operand, const RecurrentShape& shape, size_t direction, float* state);
void store_state(const float* state, const RecurrentShape& shape, size_t direction, float* result);

} // namespace octet

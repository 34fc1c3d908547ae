// Scaled dot-product attention as ONNX's Attention and onnxruntime's relatives of it have it:
//   scores = Q · Kᵀ · scale, softcap · tanh(scores / softcap), + masks;  Y = softmax(scores) · V
// A plan says where an operator finds what; the kernel of all of them is one. Past keys and values
// come first, new ones behind them; `heads` query heads share `kv_heads` of keys and values in
// groups of neighbours. A row that may attend to nothing gives zeros.
#pragma once

#include <optional>

#include "ops/head_products.h"
#include "ops/indices.h"

namespace octet {

struct HeadStrides {
  size_t batch = 0, head = 0, row = 0;
};

// Rows of heads in an input, from element `offset` on, with neighbouring columns; `bias`, when
// there is one, is a vector that has the elements of head h from bias_offset + h · depth on.
struct HeadInput {
  size_t input = 0, offset = 0;
  HeadStrides strides = {};
  std::optional<size_t> bias = {};
  size_t bias_offset = 0;
};

// A cache of [batch, kv_heads, rows, depth], from element `offset` on.
struct HeadCache {
  size_t tensor = 0, offset = 0;
};

// The integers that say what each batch has of keys.
enum class KeyLengths : uint8_t {
  All,    // past and new ones
  Valid,  // an input of counts: rows behind them are padding (ONNX nonpad_kv_seqlen)
  Last,   // an input of counts − 1, and new rows are the last of them (GroupQueryAttention)
  Prompt, // the same, and new rows are the first of them
};

// onnxruntime's integer masks: `filter` is added where a key is padding.
enum class PaddingMask : uint8_t {
  None,
  Ends,          // [batch]: keys from there on
  EndsAndStarts, // [2 · batch]: and those before
  Flags,         // 0 for padding, broadcast to the scores
};

struct AttentionPlan {
  size_t batch = 0, heads = 0, kv_heads = 0, rows = 0, new_rows = 0;
  size_t past_rows = 0; // room of the past
  size_t columns = 0;   // room of past and new keys
  size_t depth = 0, value_depth = 0;
  HeadInput q, k, v;
  std::optional<HeadCache> past_k, past_v;       // inputs
  std::optional<HeadCache> present_k, present_v; // outputs
  HeadStrides y;                                 // of output 0

  float scale = 0; // 0: 1 / √depth
  float softcap = 0;
  // Keys that a query sees behind and before its own position; −1: all.
  int64_t left_window = -1, right_window = -1;
  // What is added to scores behind the window; they are not attended to at all when it is left out.
  std::optional<float> outside_window = {};
  std::optional<size_t> bias; // input: numbers to add, or bool: what may be attended to
  size_t bias_columns = 0;    // those beyond are not attended to
  PaddingMask padding = PaddingMask::None;
  size_t padding_input = 0;
  std::array<size_t, 3> padding_strides = {}; // of batch, row, column
  size_t padding_first_row = 0;
  float padding_filter = 0;
  KeyLengths lengths = KeyLengths::All;
  size_t lengths_input = 0;
  std::optional<size_t> sink; // input: a score by head that takes part in the sum alone
  bool zero_sink = false;     // such a score of 0

  std::optional<size_t> scores_output;
  int64_t scores_stage = 0; // 0 scaled, 1 behind softcap, 2 behind masks, 3 weights

  // Rotary embedding of Q and new K.
  std::optional<size_t> cos_input, sin_input, positions_input;
  size_t rotary_half = 0, rotary_positions = 0;
  bool rotary_interleaved = false;
};

// Strides of [batch, rows, heads · depth] and of [batch, heads, rows, depth].
inline HeadStrides packed_strides(size_t rows, size_t heads, size_t depth) {
  return {rows * heads * depth, depth, heads * depth};
}
inline HeadStrides head_major_strides(size_t rows, size_t heads, size_t depth) {
  return {heads * rows * depth, rows * depth, depth};
}

// Precondition: the plan's sizes fit its tensors. All floats must be float32 (refused otherwise).
Kernel attention_kernel(PrepareContext& ctx, const AttentionPlan& plan);

} // namespace octet

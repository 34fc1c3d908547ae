#include "ops/dot_attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/eltwise/unary.h"
#include "kernels/softmax/softmax.h"
#include "ops/rotary.h"

namespace octet {
namespace {
constexpr float kNever = -std::numeric_limits<float>::infinity();

// What one batch has of keys.
struct Extent {
  size_t columns = 0;  // the first of them
  size_t past = 0;     // of these, come from the past
  ptrdiff_t first = 0; // the position of the first query row
};

class DotAttention {
public:
  DotAttention(PrepareContext& ctx, const AttentionPlan& plan)
      : p_(plan), node_(ctx.describe_node()) {
    for (const auto& input : {std::optional(p_.q.input), std::optional(p_.k.input),
                              std::optional(p_.v.input), p_.q.bias, p_.cos_input, p_.sin_input,
                              p_.sink, tensor_of(p_.past_k), tensor_of(p_.past_v)})
      if (input && ctx.dtype(*input) != DType::Float32)
        ctx.unsupported("input ", *input, " of type ", dtype_name(ctx.dtype(*input)));
    if (p_.scale == 0) p_.scale = 1 / std::sqrt(static_cast<float>(p_.depth));
    if (p_.bias) {
      bias_.emplace(ctx, *p_.bias);
      bias_type_ = &wide_type(ctx, ctx.dtype(*p_.bias));
      bias_is_bool_ = ctx.dtype(*p_.bias) == DType::Bool;
      if (bias_type_->wide != Wide::F32) bias_convert_ = wide_convert(bias_type_->wide, Wide::F32);
    }
    if (p_.lengths != KeyLengths::All) lengths_.emplace(ctx, p_.lengths_input);
    if (p_.padding != PaddingMask::None) padding_.emplace(ctx, p_.padding_input);
    if (p_.positions_input) positions_.emplace(ctx, *p_.positions_input);
    reserve(ctx);
  }

  void operator()(const RunContext& run) const {
    auto* extents = reinterpret_cast<Extent*>(run.scratch + extents_at_);
    for (size_t b = 0; b < p_.batch; ++b) extents[b] = extent(run, b);
    if (turns()) find_positions(run, extents);
    if (joins_) join_caches(run, extents);
    run.workers.split(p_.batch * p_.heads, 1, sizes_.products(),
                      [&](size_t begin, size_t end, size_t worker) {
                        for (size_t i = begin; i < end; ++i)
                          run_head(run, extents[i / p_.heads], i / p_.heads, i % p_.heads, worker);
                      });
  }

private:
  static std::optional<size_t> tensor_of(const std::optional<HeadCache>& cache) {
    return cache ? std::optional(cache->tensor) : std::nullopt;
  }
  bool turns() const { return p_.cos_input.has_value(); }
  // Keys and values lie together elsewhere than in the inputs.
  bool must_join() const {
    return p_.past_k || p_.present_k || p_.present_v || p_.k.bias || p_.v.bias || turns();
  }

  void reserve(PrepareContext& ctx) {
    joins_ = must_join();
    ScratchLayout scratch;
    extents_at_ = scratch.reserve(checked_mul(p_.batch, sizeof(Extent)));
    if (turns())
      positions_at_ = scratch.reserve(checked_mul(checked_mul(p_.batch, p_.rows), sizeof(size_t)));
    const size_t cached = checked_mul(checked_mul(p_.batch, p_.kv_heads), p_.columns);
    if (joins_ && !p_.present_k)
      joined_k_at_ = scratch.reserve_floats(checked_mul(cached, p_.depth));
    if (joins_ && !p_.present_v)
      joined_v_at_ = scratch.reserve_floats(checked_mul(cached, p_.value_depth));
    workers_at_ = scratch.bytes();
    const bool copies_q = turns() || p_.q.bias;
    const HeadStrides k = joins_ ? head_major_strides(p_.columns, p_.kv_heads, p_.depth)
                                 : p_.k.strides,
                      v = joins_ ? head_major_strides(p_.columns, p_.kv_heads, p_.value_depth)
                                 : p_.v.strides;
    k_strides_ = k;
    v_strides_ = v;
    sizes_ = {.rows = p_.rows,
              .columns = p_.columns,
              .depth = p_.depth,
              .value_depth = p_.value_depth,
              .q_row = copies_q ? p_.depth : p_.q.strides.row,
              .k_column = k.row,
              .v_row = v.row,
              .y_row = p_.y.row};
    ScratchLayout own;
    products_ = HeadProducts(sizes_, own);
    if (copies_q) q_at_ = own.reserve_floats(checked_mul(p_.rows, p_.depth));
    row_at_ = own.reserve_floats(checked_add(p_.columns, 1));
    // Wide numbers, then floats.
    bias_at_ = own.reserve(checked_mul(p_.bias ? p_.columns : 0, 8 + sizeof(float)));
    worker_bytes_ = own.bytes();
    ctx.request_scratch(checked_add(workers_at_, checked_mul(worker_bytes_, ctx.worker_count())));
  }

  // --- what batches have

  [[noreturn]] void refuse(int64_t length) const {
    fail(ErrorCode::InvalidInput, node_, ": ", length, " keys for ", p_.new_rows,
         " new ones, and room for ", p_.columns);
  }

  Extent extent(const RunContext& run, size_t batch) const {
    const auto rows = static_cast<int64_t>(p_.rows);
    if (p_.lengths == KeyLengths::All)
      return {p_.columns, p_.past_rows, static_cast<ptrdiff_t>(p_.past_rows)};
    const int64_t given = lengths_->raw(run, batch) + (p_.lengths == KeyLengths::Valid ? 0 : 1);
    if (given < 0 || given > static_cast<int64_t>(p_.columns)) refuse(given);
    const auto columns = static_cast<size_t>(given);
    if (p_.lengths == KeyLengths::Valid) return {columns, 0, static_cast<ptrdiff_t>(given - rows)};
    if (p_.lengths == KeyLengths::Prompt) return {columns, 0, 0};
    const int64_t past = given - static_cast<int64_t>(p_.new_rows);
    if (past < 0 || past > static_cast<int64_t>(p_.past_rows)) refuse(given);
    return {columns, static_cast<size_t>(past), static_cast<ptrdiff_t>(given - rows)};
  }

  // Of every query row, which are those of new keys as well.
  void find_positions(const RunContext& run, const Extent* extents) const {
    auto* positions = reinterpret_cast<size_t*>(run.scratch + positions_at_);
    for (size_t b = 0; b < p_.batch; ++b)
      for (size_t r = 0; r < p_.rows; ++r) {
        const size_t i = b * p_.rows + r;
        const int64_t position =
            positions_ ? positions_->raw(run, i) : extents[b].first + static_cast<ptrdiff_t>(r);
        // Rows of padding turn by whatever there is.
        const bool is_padding = !positions_ && extents[b].past + r >= extents[b].columns;
        if (!is_padding && (position < 0 || position >= static_cast<int64_t>(p_.rotary_positions)))
          fail(ErrorCode::InvalidInput, node_, ": position ", position, " in a table of ",
               p_.rotary_positions);
        positions[i] = is_padding ? 0 : static_cast<size_t>(position);
      }
  }

  // --- rows that are not read where they lie

  // Row r of new ones, with its bias, turned when `turn`.
  void copy_row(const RunContext& run, const HeadInput& from, size_t batch, size_t head, size_t row,
                size_t depth, bool turn, float* to) const noexcept {
    const float* x = run.input<float>(from.input) + from.offset + batch * from.strides.batch +
                     head * from.strides.head + row * from.strides.row;
    if (from.bias) {
      const float* bias = run.input<float>(*from.bias) + from.bias_offset + head * depth;
      for (size_t i = 0; i < depth; ++i) to[i] = x[i] + bias[i];
      x = to;
    }
    if (turn) {
      const auto* positions = reinterpret_cast<const size_t*>(run.scratch + positions_at_);
      const size_t at = positions[batch * p_.rows + row] * p_.rotary_half;
      rotate_row({run.input<float>(*p_.cos_input) + at, run.input<float>(*p_.sin_input) + at,
                  p_.rotary_half, p_.rotary_interleaved},
                 x, depth, to);
    } else if (x != to) {
      std::memcpy(to, x, depth * sizeof(float));
    }
  }

  float* joined(const RunContext& run, const std::optional<HeadCache>& present,
                size_t scratch_at) const {
    return present ? run.output<float>(present->tensor) + present->offset
                   : reinterpret_cast<float*>(run.scratch + scratch_at);
  }

  void join_caches(const RunContext& run, const Extent* extents) const noexcept {
    run.workers.split(p_.batch * p_.kv_heads, 1,
                      p_.columns * (p_.depth + p_.value_depth) * kElementCost,
                      [&](size_t begin, size_t end, size_t) {
                        for (size_t i = begin; i < end; ++i) {
                          const Extent& extent = extents[i / p_.kv_heads];
                          join(run, extent, i, p_.k, p_.past_k, p_.depth, turns(),
                               joined(run, p_.present_k, joined_k_at_));
                          join(run, extent, i, p_.v, p_.past_v, p_.value_depth, false,
                               joined(run, p_.present_v, joined_v_at_));
                        }
                      });
  }

  void join(const RunContext& run, const Extent& extent, size_t head, const HeadInput& from,
            const std::optional<HeadCache>& past, size_t depth, bool turn,
            float* to) const noexcept {
    to += head * p_.columns * depth;
    float* const end = to + p_.columns * depth;
    if (past && extent.past != 0)
      std::memcpy(to, run.input<float>(past->tensor) + past->offset + head * p_.past_rows * depth,
                  extent.past * depth * sizeof(float));
    to += extent.past * depth;
    for (size_t r = 0; r < p_.new_rows; ++r, to += depth)
      copy_row(run, from, head / p_.kv_heads, head % p_.kv_heads, r, depth, turn, to);
    std::fill(to, end, 0.0f);
  }

  // --- heads

  const float* head_of(const RunContext& run, const HeadInput& from,
                       const std::optional<HeadCache>& present, size_t joined_at,
                       const HeadStrides& strides, size_t batch, size_t head) const noexcept {
    const float* x =
        joins_ ? joined(run, present, joined_at) : run.input<float>(from.input) + from.offset;
    return x + batch * strides.batch + head * strides.head;
  }

  void run_head(const RunContext& run, const Extent& extent, size_t batch, size_t head,
                size_t worker) const noexcept {
    uint8_t* scratch = run.scratch + workers_at_ + worker * worker_bytes_;
    const size_t kv_head = head / (p_.heads / p_.kv_heads);
    const float* q = run.input<float>(p_.q.input) + p_.q.offset + batch * p_.q.strides.batch +
                     head * p_.q.strides.head;
    if (turns() || p_.q.bias) {
      auto* copy = reinterpret_cast<float*>(scratch + q_at_);
      for (size_t r = 0; r < p_.rows; ++r)
        copy_row(run, p_.q, batch, head, r, p_.depth, turns(), copy + r * p_.depth);
      q = copy;
    }
    // Scores are told of padding too.
    const size_t columns = p_.scores_output ? p_.columns : extent.columns;
    float* y = run.output<float>(0) + batch * p_.y.batch + head * p_.y.head;
    if (columns == 0) {
      for (size_t r = 0; r < p_.rows; ++r) std::fill_n(y + r * p_.y.row, p_.value_depth, 0.0f);
      return;
    }
    products_.run({.q = q,
                   .k = head_of(run, p_.k, p_.present_k, joined_k_at_, k_strides_, batch, kv_head),
                   .v = head_of(run, p_.v, p_.present_v, joined_v_at_, v_strides_, batch, kv_head),
                   .y = y,
                   .columns = columns},
                  scratch, [&](size_t first, size_t rows, float* scores) {
                    for (size_t r = first; r < first + rows; ++r, scores += columns)
                      weigh(run, extent, {batch, head, r, columns}, scores, scratch);
                  });
  }

  struct Row {
    size_t batch, head, row, columns;
  };

  void tell(const RunContext& run, const Row& at, int64_t stage, const float* x) const noexcept {
    if (!p_.scores_output || stage != p_.scores_stage) return;
    const size_t row = (at.batch * p_.heads + at.head) * p_.rows + at.row;
    std::memcpy(run.output<float>(*p_.scores_output) + row * p_.columns, x,
                at.columns * sizeof(float));
  }

  // One row of scores becomes weights.
  void weigh(const RunContext& run, const Extent& extent, const Row& at, float* x,
             uint8_t* scratch) const noexcept {
    for (size_t i = 0; i < at.columns; ++i) x[i] *= p_.scale;
    tell(run, at, 0, x);
    if (p_.softcap > 0) cap(x, at.columns);
    tell(run, at, 1, x);
    const bool attends = mask(run, extent, at, x, scratch);
    tell(run, at, 2, x);
    if (!attends)
      std::fill_n(x, at.columns, 0.0f);
    else if (p_.sink || p_.zero_sink)
      softmax_beside_sink(run, at, x, reinterpret_cast<float*>(scratch + row_at_));
    else
      kernels::score_softmax_f32({.rows = 1, .columns = at.columns, .x = x});
    tell(run, at, 3, x);
  }

  void cap(float* x, size_t n) const noexcept {
    const float inner[] = {1 / p_.softcap, 0}, outer[] = {p_.softcap, 0};
    kernels::multiply_add_f32(x, x, n, inner);
    kernels::tanh_f32(x, x, n, nullptr);
    kernels::multiply_add_f32(x, x, n, outer);
  }

  // Whether the row may attend to anything.
  bool mask(const RunContext& run, const Extent& extent, const Row& at, float* x,
            uint8_t* scratch) const noexcept {
    const auto columns = static_cast<ptrdiff_t>(at.columns);
    const ptrdiff_t position = extent.first + static_cast<ptrdiff_t>(at.row);
    ptrdiff_t begin = 0, end = columns;
    if (p_.left_window >= 0) begin = std::clamp<ptrdiff_t>(position - p_.left_window, 0, columns);
    if (p_.right_window >= 0)
      end = std::clamp<ptrdiff_t>(position + 1 + p_.right_window, 0, columns);
    if (p_.outside_window) {
      for (ptrdiff_t i = end; i < columns; ++i) x[i] += *p_.outside_window;
      end = columns;
    }
    end = std::min(end, static_cast<ptrdiff_t>(extent.columns));
    if (p_.bias) end = std::min(end, static_cast<ptrdiff_t>(p_.bias_columns));
    begin = std::min(begin, end);
    std::fill(x, x + begin, kNever);
    std::fill(x + end, x + columns, kNever);
    if (p_.padding != PaddingMask::None) pad(run, at, x);
    const auto first = static_cast<size_t>(begin), count = static_cast<size_t>(end - begin);
    if (!p_.bias || count == 0) return count != 0;
    return bias_is_bool_ ? choose(run, at, x, first, count)
                         : add_bias(run, at, x, first, count, scratch);
  }

  bool choose(const RunContext& run, const Row& at, float* x, size_t first,
              size_t count) const noexcept {
    const auto* allowed = bias_->row<uint8_t>(run, at.batch, at.head, at.row);
    const auto step = static_cast<size_t>(bias_->strides[3]);
    bool any = false;
    for (size_t i = first; i < first + count; ++i) {
      const bool is_allowed = allowed[i * step] != 0;
      any |= is_allowed;
      if (!is_allowed) x[i] = kNever;
    }
    return any;
  }

  bool add_bias(const RunContext& run, const Row& at, float* x, size_t first, size_t count,
                uint8_t* scratch) const noexcept {
    const size_t bytes = bias_type_->bytes, step = static_cast<size_t>(bias_->strides[3]);
    const uint8_t* from =
        run.input<uint8_t>(bias_->input) +
        (bias_->offset(at.batch, at.head, at.row) + static_cast<ptrdiff_t>(first * step)) *
            static_cast<ptrdiff_t>(bytes);
    uint8_t* wide = scratch + bias_at_;
    auto* bias = reinterpret_cast<float*>(wide + p_.columns * 8);
    bias_type_->load(from, step, count, bias_convert_ ? static_cast<void*>(wide) : bias);
    if (bias_convert_) bias_convert_(wide, count, bias);
    bool any = false;
    for (size_t i = 0; i < count; ++i) {
      any |= bias[i] != kNever;
      x[first + i] = bias[i] == kNever ? kNever : x[first + i] + bias[i];
    }
    return any;
  }

  // onnxruntime's masks.
  void pad(const RunContext& run, const Row& at, float* x) const noexcept {
    if (p_.padding == PaddingMask::Flags) {
      const size_t from = at.batch * p_.padding_strides[0] +
                          (p_.padding_first_row + at.row) * p_.padding_strides[1];
      for (size_t i = 0; i < at.columns; ++i)
        if (padding_->raw(run, from + i * p_.padding_strides[2]) == 0) x[i] += p_.padding_filter;
      return;
    }
    const bool has_starts = p_.padding == PaddingMask::EndsAndStarts;
    const int64_t end = padding_->raw(run, at.batch),
                  start = has_starts ? padding_->raw(run, p_.batch + at.batch) : 0;
    for (size_t i = 0; i < at.columns; ++i) {
      const auto column = static_cast<int64_t>(i);
      if (column < start || column >= end) x[i] += p_.padding_filter;
    }
  }

  void softmax_beside_sink(const RunContext& run, const Row& at, float* x,
                           float* row) const noexcept {
    std::memcpy(row, x, at.columns * sizeof(float));
    row[at.columns] = p_.sink ? run.input<float>(*p_.sink)[at.head] : 0;
    kernels::score_softmax_f32({.rows = 1, .columns = at.columns + 1, .x = row});
    std::memcpy(x, row, at.columns * sizeof(float));
  }

  AttentionPlan p_;
  std::string node_;
  std::optional<ScoreOperand> bias_;
  const WideType* bias_type_ = nullptr;
  WideConvert bias_convert_ = nullptr; // null where bias is float32
  bool bias_is_bool_ = false, joins_ = false;
  std::optional<Indices> lengths_, padding_, positions_;
  HeadStrides k_strides_, v_strides_;
  HeadSizes sizes_;
  HeadProducts products_;
  size_t extents_at_ = 0, positions_at_ = 0, joined_k_at_ = 0, joined_v_at_ = 0, workers_at_ = 0;
  size_t q_at_ = 0, row_at_ = 0, bias_at_ = 0, worker_bytes_ = 0; // of a worker
};
} // namespace

void rotate_row(const RotaryAngles& angles, const float* x, size_t columns, float* y) noexcept {
  const size_t half = angles.half, step = angles.interleaved ? 2 : 1,
               other = angles.interleaved ? 1 : half;
  for (size_t i = 0; i < half; ++i) {
    const float a = x[i * step], b = x[i * step + other];
    y[i * step] = a * angles.cos[i] - b * angles.sin[i];
    y[i * step + other] = a * angles.sin[i] + b * angles.cos[i];
  }
  if (x != y) std::copy(x + 2 * half, x + columns, y + 2 * half);
}

Kernel attention_kernel(PrepareContext& ctx, const AttentionPlan& plan) {
  const auto is_empty = [&](size_t i) { return ctx.output_shape(i).elements() == 0; };
  if (is_empty(0) && (!ctx.has_output(1) || is_empty(1))) return do_nothing();
  return DotAttention(ctx, plan);
}

} // namespace octet

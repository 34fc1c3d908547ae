// The lowered Attention: softmax(scale · Q·Kᵀ + mask) · V, head by head.
//
// Operands are q [B, H, M, D], kᵀ [B, H, D, N], v [B, H, N, E], mask (added; broadcasts to the
// scores [B, H, M, N]) and condition (bool, broadcasts likewise): scores where it is false become
// the attribute `fill` before the mask is added. The dims of q, kᵀ, v and of the result lie in
// memory as the attributes q_perm, k_perm, v_perm and y_perm say: dim i of an operand above is dim
// perm[i] of the tensor. Lengths of 1 broadcast.
#include <algorithm>
#include <optional>

#include "kernels/softmax/softmax.h"
#include "ops/head_products.h"

namespace octet {
namespace {
constexpr size_t kRank = kHeadRank;

std::vector<int64_t> permutation(const NodeContext& ctx, std::string_view name) {
  const auto perm = ctx.attributes().get_ints(name, {0, 1, 2, 3});
  auto sorted = perm;
  std::sort(sorted.begin(), sorted.end());
  if (sorted != std::vector<int64_t>{0, 1, 2, 3}) ctx.fail(name, " is not a permutation of 4 axes");
  return perm;
}

HeadView head_view(const NodeContext& ctx, const Shape& shape, std::string_view perm_name) {
  if (shape.rank() != kRank)
    ctx.fail("an operand of shape ", to_string(shape), "; rank 4 expected");
  const auto perm = permutation(ctx, perm_name);
  const auto strides = dense_strides(shape);
  HeadView view;
  for (size_t i = 0; i < kRank; ++i) {
    const auto axis = static_cast<size_t>(perm[i]);
    view.dims[i] = dim(shape, axis);
    view.strides[i] = view.dims[i] == 1 ? 0 : strides[axis];
  }
  return view;
}

struct AttentionShape {
  HeadView q, k, v; // k: transposed, [batch, head, D, N]
  size_t batch = 0, heads = 0, rows = 0, columns = 0, depth = 0, value_depth = 0;
};

// What the lengths of two operands broadcast to.
size_t common_length(const NodeContext& ctx, size_t a, size_t b) {
  if (a != b && a != 1 && b != 1) ctx.fail("batches or heads of lengths ", a, " and ", b);
  return a == 1 ? b : a;
}

AttentionShape attention_shape(const NodeContext& ctx) {
  AttentionShape s{.q = head_view(ctx, ctx.shape(0), "q_perm"),
                   .k = head_view(ctx, ctx.shape(1), "k_perm"),
                   .v = head_view(ctx, ctx.shape(2), "v_perm")};
  const auto length = [](size_t n) { return static_cast<int64_t>(n); };
  Shape scores{length(common_length(ctx, s.q.dims[0], s.k.dims[0])),
               length(common_length(ctx, s.q.dims[1], s.k.dims[1])), length(s.q.dims[2]),
               length(s.k.dims[3])};
  for (size_t i : {3, 4})
    if (ctx.has_input(i)) scores = broadcast_shapes(scores, ctx.shape(i));
  if (s.q.dims[3] != s.k.dims[2] || scores.rank() != kRank || dim(scores, 3) != s.v.dims[2])
    ctx.fail("shapes ", to_string(ctx.shape(0)), ", ", to_string(ctx.shape(1)), " and ",
             to_string(ctx.shape(2)), " do not multiply");
  s.batch = common_length(ctx, dim(scores, 0), s.v.dims[0]);
  s.heads = common_length(ctx, dim(scores, 1), s.v.dims[1]);
  s.rows = dim(scores, 2);
  s.columns = dim(scores, 3);
  s.depth = s.q.dims[3];
  s.value_depth = s.v.dims[3];
  return s;
}

void infer_attention(InferContext& ctx) {
  const AttentionShape s = attention_shape(ctx);
  const auto perm = permutation(ctx, "y_perm");
  const size_t dims[] = {s.batch, s.heads, s.rows, s.value_depth};
  Shape y{0, 0, 0, 0};
  for (size_t i = 0; i < kRank; ++i)
    y[static_cast<size_t>(perm[i])] = static_cast<int64_t>(dims[i]);
  ctx.set_output(0, DType::Float32, y);
}

class AttentionKernel {
public:
  explicit AttentionKernel(PrepareContext& ctx)
      : s_(attention_shape(ctx)), y_(head_view(ctx, ctx.output_shape(0), "y_perm")),
        scale_(ctx.attributes().get_float("scale", 1)),
        fill_(ctx.attributes().get_float("fill", 0)) {
    for (size_t i = 0; i < 4; ++i)
      if (ctx.has_input(i) && ctx.dtype(i) != DType::Float32)
        ctx.unsupported("input ", i, " of type ", dtype_name(ctx.dtype(i)));
    if (ctx.has_input(3)) mask_.emplace(ctx, 3);
    if (ctx.has_input(4)) {
      if (ctx.dtype(4) != DType::Bool) ctx.fail("a condition of type ", dtype_name(ctx.dtype(4)));
      condition_.emplace(ctx, 4);
    }
    if (unit_stride(s_.q) != 1 || unit_stride(s_.v) != 1 || unit_stride(y_) != 1)
      ctx.unsupported("columns that do not lie side by side");
    ScratchLayout scratch;
    products_ = HeadProducts(sizes(), scratch);
    mask_at_ = scratch.reserve_floats(mask_ && mask_->strides[3] == 0 ? s_.columns : 0);
    worker_bytes_ = scratch.bytes();
    ctx.request_scratch(checked_mul(worker_bytes_, ctx.worker_count()));
  }

  bool is_empty() const { return y_.dims[0] * y_.dims[1] * y_.dims[2] * y_.dims[3] == 0; }

  void operator()(const RunContext& run) const noexcept {
    run.workers.split(s_.batch * s_.heads, 1, sizes().products(),
                      [&](size_t begin, size_t end, size_t worker) {
                        uint8_t* scratch = run.scratch + worker * worker_bytes_;
                        for (size_t i = begin; i < end; ++i)
                          run_head(run, i / s_.heads, i % s_.heads, scratch);
                      });
  }

private:
  // A lone column is never stepped from.
  static ptrdiff_t unit_stride(const HeadView& view) {
    return view.dims[3] == 1 ? 1 : view.strides[3];
  }

  HeadSizes sizes() const {
    const auto step = [](ptrdiff_t stride) { return static_cast<size_t>(stride); };
    return {.rows = s_.rows,
            .columns = s_.columns,
            .depth = s_.depth,
            .value_depth = s_.value_depth,
            .q_row = step(s_.q.strides[2]),
            .k_column = step(s_.k.strides[3]),
            .v_row = step(s_.v.strides[2]),
            .y_row = step(y_.strides[2]),
            .k_depth = s_.k.strides[2]};
  }

  void run_head(const RunContext& run, size_t batch, size_t head, uint8_t* scratch) const noexcept {
    auto* mask_row = reinterpret_cast<float*>(scratch + mask_at_);
    products_.run({.q = run.input<float>(0) + s_.q.offset(batch, head),
                   .k = run.input<float>(1) + s_.k.offset(batch, head),
                   .v = run.input<float>(2) + s_.v.offset(batch, head),
                   .y = run.output<float>(0) + y_.offset(batch, head),
                   .columns = s_.columns},
                  scratch, [&](size_t first, size_t rows, float* scores) {
                    weigh(run, batch, head, first, rows, scores, mask_row);
                  });
  }

  // Scores of `rows` rows from `first` on become weights.
  void weigh(const RunContext& run, size_t batch, size_t head, size_t first, size_t rows,
             float* scores, float* mask_row) const noexcept {
    if (condition_) choose(run, batch, head, first, rows, scores);
    const float scale = condition_ ? 1 : scale_;
    if (!mask_)
      return kernels::score_softmax_f32(
          {.rows = rows, .columns = s_.columns, .x = scores, .scale = scale});
    const bool repeats = mask_->strides[3] == 0;
    const size_t step = repeats ? 1 : rows; // a repeated number becomes a row of its own
    for (size_t r = 0; r < rows; r += step) {
      const float* mask = mask_->row<float>(run, batch, head, first + r);
      if (repeats) std::fill_n(mask_row, s_.columns, *mask);
      kernels::score_softmax_f32({.rows = step,
                                  .columns = s_.columns,
                                  .x = scores + r * s_.columns,
                                  .scale = scale,
                                  .mask = repeats ? mask_row : mask,
                                  .mask_stride = static_cast<size_t>(mask_->strides[2])});
    }
  }

  void choose(const RunContext& run, size_t batch, size_t head, size_t first, size_t rows,
              float* scores) const noexcept {
    for (size_t r = 0; r < rows; ++r, scores += s_.columns) {
      const uint8_t* condition = condition_->row<uint8_t>(run, batch, head, first + r);
      const ptrdiff_t step = condition_->strides[3];
      for (size_t i = 0; i < s_.columns; ++i)
        scores[i] = condition[static_cast<ptrdiff_t>(i) * step] ? scores[i] * scale_ : fill_;
    }
  }

  AttentionShape s_;
  HeadView y_;
  float scale_, fill_;
  std::optional<ScoreOperand> mask_, condition_;
  HeadProducts products_;
  size_t mask_at_ = 0, worker_bytes_ = 0;
};

Kernel prepare_attention(PrepareContext& ctx) {
  AttentionKernel kernel(ctx);
  if (kernel.is_empty()) return do_nothing();
  return kernel;
}
} // namespace

extern const OpDef op_attention{.infer = infer_attention, .prepare = prepare_attention};

} // namespace octet

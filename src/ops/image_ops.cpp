// Operators on images that are neither convolutions nor pools: LRN, Col2Im, AffineGrid,
// CenterCropPad.
#include <algorithm>
#include <cmath>

#include "ops/element.h"
#include "ops/op_def.h"
#include "ops/values.h"
#include "ops/window_walk.h"

namespace octet {
namespace {
// --- LRN: A. Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural Networks",
// 2012, 3.3: y = x / (bias + alpha / size · Σ x²)^beta, the sum over `size` neighbouring channels.
void infer_lrn(InferContext& ctx) {
  if (ctx.shape(0).rank() < 2)
    ctx.fail("data of shape ", to_string(ctx.shape(0)), " has no channels");
  ctx.pass_through();
}

Kernel prepare_lrn(PrepareContext& ctx) {
  const Shape& x = ctx.shape(0);
  const int64_t size = ctx.attributes().get_int("size", 0);
  if (size < 1 || size > INT32_MAX) ctx.fail("size is ", size);
  const size_t before = static_cast<size_t>(size - 1) / 2, after = static_cast<size_t>(size) / 2;
  return [=, batches = dim(x, 0), channels = dim(x, 1), plane = x.elements(2, x.rank()),
          scale = ctx.attributes().get_float("alpha", 1e-4f) / static_cast<float>(size),
          beta = ctx.attributes().get_float("beta", 0.75f),
          bias = ctx.attributes().get_float("bias", 1)](const RunContext& run) {
    for (size_t n = 0; n < batches; ++n)
      for (size_t c = 0; c < channels; ++c) {
        const size_t first = c < before ? 0 : c - before;
        const size_t end = std::min(channels, c + after + 1);
        const float* image = run.input<float>(0) + n * channels * plane;
        float* y = run.output<float>(0) + (n * channels + c) * plane;
        std::fill_n(y, plane, 0.0f);
        for (size_t k = first; k < end; ++k)
          for (size_t i = 0; i < plane; ++i) y[i] += image[k * plane + i] * image[k * plane + i];
        for (size_t i = 0; i < plane; ++i)
          y[i] = image[c * plane + i] / std::pow(bias + scale * y[i], beta);
      }
  };
}

// --- Col2Im: adds columns [N, C · block, L] up to an image, as a transposed convolution with ones
// would

// The convolution that would have made such columns; nothing while its shape is not known.
std::optional<WindowGeometry> column_windows(const NodeContext& ctx) {
  const auto image = ctx.int_values(1), block = ctx.int_values(2);
  if (!image || !block) return std::nullopt;
  if (image->size() != block->size() || image->empty())
    ctx.fail("image_shape has ", image->size(), " sizes, block_shape ", block->size());
  for (const int64_t size : *image)
    if (size < 0) ctx.fail("image_shape has ", size);
  WindowGeometry window = window_geometry(ctx, *image, *block);
  const Shape& x = ctx.shape(0);
  const auto taps = static_cast<int64_t>(Shape(*block).elements());
  const auto places = static_cast<int64_t>(Shape(window.output).elements());
  if (x.rank() != 3 || x[1] % taps != 0 || x[2] != places)
    ctx.fail("columns of shape ", to_string(x), " do not fit ", taps, " taps at ", places,
             " places");
  return window;
}

void infer_col2im(InferContext& ctx) {
  const auto window = column_windows(ctx);
  if (!window) return ctx.set_output_dtype(0, ctx.dtype(0));
  const auto taps = static_cast<int64_t>(Shape(window->kernel).elements());
  const Shape& x = ctx.shape(0);
  ctx.set_output(0, ctx.dtype(0),
                 shape_with(x[0], x[1] / taps, window->input, TensorLayout::ChannelsFirst));
}

Kernel prepare_col2im(PrepareContext& ctx) {
  const Shape& y = ctx.output_shape(0);
  return [walk = WindowWalk(*column_windows(ctx)), planes = y.elements(0, 2),
          elements = y.elements()](const RunContext& run) {
    std::fill_n(run.output<float>(0), elements, 0.0f);
    for (size_t p = 0; p < planes; ++p) {
      const float* columns = run.input<float>(0) + p * walk.taps() * walk.outputs();
      float* plane = run.output<float>(0) + p * walk.plane();
      for (size_t o = 0; o < walk.outputs(); ++o)
        walk.each_tap(o, [&](size_t tap, ptrdiff_t offset) {
          if (offset != WindowWalk::kPadding) plane[offset] += columns[tap * walk.outputs() + o];
        });
    }
  };
}

// --- AffineGrid: theta [N, r, r + 1] times the places of an output's elements, the last axis first
void infer_affine_grid(InferContext& ctx) {
  const Shape& theta = ctx.shape(0);
  const bool fits =
      theta.rank() == 3 && (theta[1] == 2 || theta[1] == 3) && theta[2] == theta[1] + 1;
  if (!fits) ctx.fail("theta of shape ", to_string(theta), ", not [N, 2, 3] or [N, 3, 4]");
  const auto size = ctx.int_values(1);
  if (!size) return ctx.set_output_dtype(0, ctx.dtype(0));
  if (static_cast<int64_t>(size->size()) != theta[1] + 2 || (*size)[0] != theta[0])
    ctx.fail("size has ", size->size(), " numbers for theta of shape ", to_string(theta));
  Shape out{theta[0]};
  for (size_t i = 2; i < size->size(); ++i) {
    if ((*size)[i] < 0) ctx.fail("size has ", (*size)[i]);
    out.push_back((*size)[i]);
  }
  out.push_back(theta[1]);
  ctx.set_output(0, ctx.dtype(0), std::move(out));
}

Kernel prepare_affine_grid(PrepareContext& ctx) {
  const Shape& y = ctx.output_shape(0);
  return [shape = y, rank = y.rank() - 2, batches = dim(y, 0), points = y.elements(1, y.rank() - 1),
          align = ctx.attributes().get_int("align_corners", 0) != 0](const RunContext& run) {
    auto* to = run.output<float>(0);
    for (size_t n = 0; n < batches; ++n)
      for (size_t p = 0; p < points; ++p) {
        float place[4] = {1, 1, 1, 1}; // x, y, z …, 1
        size_t rest = p;
        for (size_t i = 0; i < rank; ++i) {
          const size_t size = dim(shape, rank - i), at = rest % size;
          rest /= size;
          const auto step = static_cast<float>(2 * at);
          const auto length = static_cast<float>(size);
          place[i] = align ? (size > 1 ? step / (length - 1) - 1 : 0) : (step + 1) / length - 1;
        }
        const float* theta = run.input<float>(0) + n * rank * (rank + 1);
        for (size_t r = 0; r < rank; ++r, theta += rank + 1) {
          float sum = theta[rank];
          for (size_t i = 0; i < rank; ++i) sum += theta[i] * place[i];
          *to++ = sum;
        }
      }
  };
}

// --- CenterCropPad: takes the middle of an axis, or puts zeros around it
std::vector<Tensor> center_crop_pad(const NodeContext& ctx) {
  Tensor tensor = ctx.value(0);
  const size_t rank = tensor.shape().rank();
  std::vector<int64_t> axes = ctx.attributes().get_ints("axes");
  if (!ctx.attributes().has("axes"))
    for (size_t i = 0; i < rank; ++i) axes.push_back(static_cast<int64_t>(i));
  const std::vector<int64_t> sizes = *ctx.int_values(1);
  if (sizes.size() != axes.size())
    ctx.fail("shape has ", sizes.size(), " sizes for ", axes.size(), " axes");
  for (size_t i = 0; i < axes.size(); ++i) {
    const size_t axis = ctx.normalize_axis(axes[i], rank);
    const int64_t now = tensor.shape()[axis], wanted = sizes[i];
    if (wanted < 0) ctx.fail("shape has ", wanted);
    if (wanted < now) tensor = take(tensor, axis, (now - wanted) / 2, wanted);
    if (wanted <= now) continue;
    const int64_t before = (wanted - now) / 2;
    const Tensor zeros[] = {zeros_like(ctx, tensor, axis, before), tensor,
                            zeros_like(ctx, tensor, axis, wanted - now - before)};
    tensor = join(ctx, zeros, axis);
  }
  return {tensor};
}
} // namespace

extern const OpDef op_lrn{.infer = infer_lrn, .prepare = prepare_lrn, .float32 = true};
extern const OpDef op_col2im{.infer = infer_col2im, .prepare = prepare_col2im, .float32 = true};
extern const OpDef op_affine_grid{
    .infer = infer_affine_grid, .prepare = prepare_affine_grid, .float32 = true};
extern const OpDef op_center_crop_pad{.compute = center_crop_pad};

} // namespace octet

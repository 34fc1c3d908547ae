// What Resize and Upsample do to each axis: sizes, and where output positions lie in the input.
#pragma once

#include <optional>
#include <vector>

#include "ops/op_def.h"

namespace octet {

// Of one axis of x: how often its size grows, and to what; the part of it that is resized (all but
// tf_crop_and_resize resize all).
struct ResizeAxis {
  double scale = 1;
  int64_t size = 0;
  double roi_begin = 0, roi_end = 1;
};

// For every axis of x as the node lays it out; nothing when scales, sizes or the part are not known
// yet. Throws InvalidModel.
std::optional<std::vector<ResizeAxis>> resize_axes(const NodeContext& ctx);

// Whether positions may lie outside of the input, for which there is `extrapolation_value`.
bool crops(const NodeContext& ctx);

// The position in the input of every output position of one axis, by
// coordinate_transformation_mode; not clamped.
std::vector<double> source_positions(const NodeContext& ctx, const ResizeAxis& axis,
                                     int64_t in_size);

// To a whole position, by nearest_mode.
using Rounding = double (*)(double);
Rounding rounding_function(const NodeContext& ctx);

} // namespace octet

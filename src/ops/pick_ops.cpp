// Operators whose results are chosen by data: Compress, ReverseSequence, Unique,
// NonMaxSuppression.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>

#include "ops/numbers.h"

namespace octet {
namespace {
Tensor int64_list(const std::vector<int64_t>& values) {
  return Tensor::of_dims(values);
}

Tensor gather(const NodeContext& ctx, const Tensor& x, const std::vector<int64_t>& positions,
              size_t axis) {
  Attributes attributes;
  attributes.set("axis", static_cast<int64_t>(axis));
  return apply_op(ctx, "Gather", std::array{x, int64_list(positions)}, std::move(attributes));
}

Tensor flat(const Tensor& x) {
  return x.reshaped({static_cast<int64_t>(x.elements())});
}

// --- Compress: the slices along an axis (elements of the flat tensor without one) whose condition
// is true; those past the end of the condition are left out.
std::vector<Tensor> compress(const NodeContext& ctx) {
  if (ctx.dtype(1) != DType::Bool || ctx.shape(1).rank() != 1)
    ctx.fail("the condition must be a list of bool");
  const bool has_axis = ctx.attributes().has("axis");
  const Tensor x = has_axis ? ctx.value(0) : flat(ctx.value(0));
  const size_t axis = ctx.normalize_axis(ctx.attributes().get_int("axis", 0), x.shape().rank());
  const auto condition = *ctx.int_values(1);
  std::vector<int64_t> positions;
  for (int64_t i = 0; i < static_cast<int64_t>(condition.size()) && i < x.shape()[axis]; ++i)
    if (condition[static_cast<size_t>(i)]) positions.push_back(i);
  return {gather(ctx, x, positions, axis)};
}

// --- ReverseSequence
void infer_reverse_sequence(InferContext& ctx) {
  const int64_t batch = ctx.attributes().get_int("batch_axis", 1);
  const int64_t time = ctx.attributes().get_int("time_axis", 0);
  if (batch + time != 1 || (batch != 0 && batch != 1))
    ctx.fail("batch_axis and time_axis must be 0 and 1, not ", batch, " and ", time);
  if (ctx.shape(0).rank() < 2) ctx.fail("data of shape ", to_string(ctx.shape(0)));
  if (ctx.dtype(1) != DType::Int64 ||
      ctx.shape(1) != Shape{ctx.shape(0)[static_cast<size_t>(batch)]})
    ctx.fail("sequence_lens must be int64, one for each of the batch");
  ctx.pass_through();
}

Kernel prepare_reverse_sequence(PrepareContext& ctx) {
  const Shape& shape = ctx.shape(0);
  const bool time_first = ctx.attributes().get_int("time_axis", 0) == 0;
  const size_t times = dim(shape, time_first ? 0 : 1), batches = dim(shape, time_first ? 1 : 0);
  const size_t row = shape.elements(2, shape.rank()) * element_bytes(ctx, ctx.dtype(0));
  return [=, node = ctx.describe_node()](const RunContext& run) {
    const auto place = [&](size_t batch, size_t time) {
      return (time_first ? time * batches + batch : batch * times + time) * row;
    };
    for (size_t b = 0; b < batches; ++b) {
      const int64_t length = run.input<int64_t>(1)[b];
      if (length < 0 || length > static_cast<int64_t>(times))
        fail(ErrorCode::InvalidInput, node, ": sequence ", b, " is ", length, " of ", times,
             " long");
      for (size_t t = 0; t < times; ++t) {
        const auto end = static_cast<size_t>(length);
        const size_t from = t < end ? end - 1 - t : t;
        std::memcpy(run.output<uint8_t>(0) + place(b, t), run.input<uint8_t>(0) + place(b, from),
                    row);
      }
    }
  };
}

// --- Unique
// Numbers in the order of the elements: equal for equal ones, NaN above all others.
std::vector<uint64_t> sort_keys(const NodeContext& ctx, const Tensor& x) {
  std::vector<uint64_t> keys(x.elements());
  if (x.dtype() == DType::String) {
    std::map<std::string_view, uint64_t> ranks;
    for (const std::string& s : x.strings()) ranks[s] = 0;
    uint64_t next = 0;
    for (auto& [text, rank] : ranks) rank = next++;
    for (size_t i = 0; i < keys.size(); ++i) keys[i] = ranks[x.strings()[i]];
    return keys;
  }
  constexpr uint64_t kSign = uint64_t{1} << 63;
  switch (wide_type(ctx, x.dtype()).wide) {
  case Wide::U64:
    return wide_values<uint64_t>(ctx, x);
  case Wide::I64: {
    const auto values = wide_values<int64_t>(ctx, x);
    for (size_t i = 0; i < keys.size(); ++i) keys[i] = static_cast<uint64_t>(values[i]) ^ kSign;
    return keys;
  }
  default: {
    const auto values = wide_values<double>(ctx, x);
    for (size_t i = 0; i < keys.size(); ++i) {
      const double value = values[i] == 0 ? 0.0 : values[i];
      uint64_t bits;
      std::memcpy(&bits, &value, sizeof bits);
      keys[i] = value != value ? ~uint64_t{0} : bits & kSign ? ~bits : bits | kSign;
    }
    return keys;
  }
  }
}

// The slices of a tensor along an axis, as runs of keys that compare lexicographically.
struct Slices {
  std::vector<uint64_t> keys;
  size_t count, length;

  Slices(const NodeContext& ctx, const Tensor& x, size_t axis) {
    const AxisView view = view_axis(x.shape(), axis);
    const auto by_place = sort_keys(ctx, x);
    count = view.size;
    length = view.lines();
    keys.resize(by_place.size());
    for (size_t k = 0; k < count; ++k)
      for (size_t i = 0; i < length; ++i)
        keys[k * length + i] = by_place[view.line(i) + k * view.inner];
  }
  std::span<const uint64_t> operator[](size_t k) const {
    return {keys.data() + k * length, length};
  }
  bool less(size_t a, size_t b) const {
    const auto x = (*this)[a], y = (*this)[b];
    return std::lexicographical_compare(x.begin(), x.end(), y.begin(), y.end());
  }
};

std::vector<Tensor> unique(const NodeContext& ctx) {
  const bool has_axis = ctx.attributes().has("axis");
  const Tensor x = has_axis ? ctx.value(0) : flat(ctx.value(0));
  const size_t axis = ctx.normalize_axis(ctx.attributes().get_int("axis", 0), x.shape().rank());
  const Slices slices(ctx, x, axis);
  std::vector<size_t> order(slices.count);
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return slices.less(a, b) || (a < b && !slices.less(b, a)); });
  struct Group {
    int64_t first, count;
    size_t sorted;
  };
  std::vector<Group> groups;
  std::vector<size_t> group_of(slices.count);
  for (size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || slices.less(order[i - 1], order[i]))
      groups.push_back({static_cast<int64_t>(order[i]), 0, groups.size()});
    ++groups.back().count;
    group_of[order[i]] = groups.size() - 1;
  }
  if (ctx.attributes().get_int("sorted", 1) == 0)
    std::sort(groups.begin(), groups.end(),
              [](const Group& a, const Group& b) { return a.first < b.first; });
  std::vector<int64_t> firsts, counts, place(groups.size()), inverse;
  for (const Group& group : groups) {
    place[group.sorted] = static_cast<int64_t>(firsts.size());
    firsts.push_back(group.first);
    counts.push_back(group.count);
  }
  for (const size_t group : group_of) inverse.push_back(place[group]);
  std::vector<Tensor> out = {gather(ctx, x, firsts, axis), int64_list(firsts), int64_list(inverse),
                             int64_list(counts)};
  out.resize(ctx.node().outputs.size());
  return out;
}

// --- NonMaxSuppression
struct Box {
  float left, top, right, bottom;

  float area() const { return (right - left) * (bottom - top); }
};

// Corners in any order, or centre and size.
Box read_box(const float* p, bool is_centered) {
  if (is_centered) return {p[0] - p[2] / 2, p[1] - p[3] / 2, p[0] + p[2] / 2, p[1] + p[3] / 2};
  return {std::min(p[1], p[3]), std::min(p[0], p[2]), std::max(p[1], p[3]), std::max(p[0], p[2])};
}

bool overlaps(const Box& a, const Box& b, float threshold) {
  const Box common{std::max(a.left, b.left), std::max(a.top, b.top), std::min(a.right, b.right),
                   std::min(a.bottom, b.bottom)};
  if (!(common.right > common.left && common.bottom > common.top)) return false;
  const float area_a = a.area(), area_b = b.area(), intersection = common.area();
  const float united = area_a + area_b - intersection;
  if (!(intersection > 0 && area_a > 0 && area_b > 0 && united > 0)) return false;
  return intersection / united > threshold;
}

std::vector<Tensor> non_max_suppression(const NodeContext& ctx) {
  const Shape &boxes = ctx.shape(0), &scores = ctx.shape(1);
  if (ctx.dtype(0) != DType::Float32 || ctx.dtype(1) != DType::Float32)
    ctx.fail("boxes and scores must be float32");
  if (boxes.rank() != 3 || scores.rank() != 3 || boxes[2] != 4 || boxes[0] != scores[0] ||
      boxes[1] != scores[2])
    ctx.fail("boxes of shape ", to_string(boxes), " do not go with scores of shape ",
             to_string(scores));
  const double limit = number_of(ctx, 2, 0), iou = number_of(ctx, 3, 0);
  if (!(iou >= 0 && iou <= 1)) ctx.fail("iou_threshold ", iou, " is not in [0, 1]");
  const float least = static_cast<float>(number_of(ctx, 4, -INFINITY));
  const bool filters = ctx.has_input(4);
  const bool is_centered = ctx.attributes().get_int("center_point_box", 0) != 0;
  const size_t count = dim(boxes, 1), classes = dim(scores, 1);
  const float* x = ctx.value(0).values<float>().data();
  const float* score = ctx.value(1).values<float>().data();
  std::vector<int64_t> selected;
  for (size_t row = 0; row < dim(boxes, 0) * classes; ++row, score += count) {
    const float* first = x + row / classes * count * 4;
    std::vector<size_t> order;
    for (size_t i = 0; i < count; ++i)
      if (!filters || score[i] > least) order.push_back(i);
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return score[a] > score[b] || (a < b && !(score[b] > score[a]));
    });
    std::vector<Box> kept;
    for (const size_t i : order) {
      if (!(static_cast<double>(kept.size()) < limit)) break;
      const Box box = read_box(first + i * 4, is_centered);
      if (std::any_of(kept.begin(), kept.end(), [&](const Box& other) {
            return overlaps(box, other, static_cast<float>(iou));
          }))
        continue;
      kept.push_back(box);
      for (const size_t index : {row / classes, row % classes, i})
        selected.push_back(static_cast<int64_t>(index));
    }
  }
  return {int64_list(selected).reshaped({static_cast<int64_t>(selected.size() / 3), 3})};
}
} // namespace

extern const OpDef op_compress{.compute = compress};
extern const OpDef op_reverse_sequence{
    .infer = infer_reverse_sequence, .prepare = prepare_reverse_sequence, .moves = true};
extern const OpDef op_unique{.compute = unique};
extern const OpDef op_non_max_suppression{.compute = non_max_suppression};

} // namespace octet

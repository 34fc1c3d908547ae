// Sequences of tensors. Positions and axes may be negative and then count from the end.
#include "ops/element.h"
#include "ops/op_def.h"
#include "ops/values.h"

namespace octet {
namespace {
std::span<const Tensor> items_of(const NodeContext& ctx, size_t input) {
  const Tensor& value = ctx.value(input);
  if (value.dtype() != DType::Sequence)
    ctx.fail("input ", input, " must be a sequence, not ", dtype_name(value.dtype()));
  return value.items();
}

std::vector<Tensor> copy_of(std::span<const Tensor> items) {
  return {items.begin(), items.end()};
}

// A position given as input `input`, or else `fallback`; at most `last`.
size_t position(const NodeContext& ctx, size_t input, size_t length, size_t last,
                int64_t fallback) {
  const int64_t given = ctx.has_input(input) ? integer_of(ctx, input) : fallback;
  const int64_t from_start = given < 0 ? given + static_cast<int64_t>(length) : given;
  if (from_start < 0 || from_start > static_cast<int64_t>(last))
    ctx.fail("position ", given, " is outside of a sequence of ", length);
  return static_cast<size_t>(from_start);
}

std::vector<Tensor> construct(const NodeContext& ctx) {
  std::vector<Tensor> items;
  for (size_t i = 0; i < ctx.input_count(); ++i) {
    items.push_back(ctx.value(i));
    if (items[i].dtype() != items[0].dtype())
      ctx.fail("input ", i, " is ", dtype_name(items[i].dtype()), ", not ",
               dtype_name(items[0].dtype()));
  }
  return {Tensor::sequence(std::move(items))};
}

std::vector<Tensor> empty(const NodeContext&) {
  return {Tensor::sequence({})};
}

std::vector<Tensor> insert(const NodeContext& ctx) {
  std::vector<Tensor> items = copy_of(items_of(ctx, 0));
  const size_t length = items.size();
  const size_t at = position(ctx, 2, length, length, static_cast<int64_t>(length));
  const Tensor& item = ctx.value(1);
  if (length && items[0].dtype() != item.dtype())
    ctx.fail("a sequence of ", dtype_name(items[0].dtype()), " takes no ",
             dtype_name(item.dtype()));
  items.insert(items.begin() + static_cast<ptrdiff_t>(at), item);
  return {Tensor::sequence(std::move(items))};
}

// The position of an item that is there.
size_t position_of_item(const NodeContext& ctx, size_t length) {
  if (length == 0) ctx.fail("the sequence is empty");
  return position(ctx, 1, length, length - 1, -1);
}

std::vector<Tensor> erase(const NodeContext& ctx) {
  std::vector<Tensor> items = copy_of(items_of(ctx, 0));
  items.erase(items.begin() + static_cast<ptrdiff_t>(position_of_item(ctx, items.size())));
  return {Tensor::sequence(std::move(items))};
}

std::vector<Tensor> at(const NodeContext& ctx) {
  const auto items = items_of(ctx, 0);
  return {items[position_of_item(ctx, items.size())]};
}

std::vector<Tensor> length(const NodeContext& ctx) {
  return {Tensor::scalar(static_cast<int64_t>(items_of(ctx, 0).size()))};
}

// ONNX SplitToSequence: `split` is the length of all parts (the last may be shorter) or of each;
// left out, parts of one slice lose their axis unless `keepdims`.
std::vector<Tensor> split(const NodeContext& ctx) {
  const Tensor& tensor = ctx.value(0);
  const size_t axis =
      ctx.normalize_axis(ctx.attributes().get_int("axis", 0), tensor.shape().rank());
  const int64_t size = tensor.shape()[axis];
  const bool keep = ctx.has_input(1) || ctx.attributes().get_int("keepdims", 1) != 0;
  std::vector<int64_t> lengths;
  if (ctx.has_input(1) && ctx.shape(1).rank() == 1) {
    lengths = *ctx.int_values(1);
  } else {
    const int64_t part = ctx.has_input(1) ? integer_of(ctx, 1) : 1;
    if (part <= 0) ctx.fail("parts of ", part);
    for (int64_t begin = 0; begin < size; begin += part)
      lengths.push_back(std::min(part, size - begin));
  }
  std::vector<Tensor> items;
  int64_t begin = 0;
  for (const int64_t count : lengths) {
    if (count < 0 || count > size - begin)
      ctx.fail("the parts do not make up axis ", axis, " of ", to_string(tensor.shape()));
    items.push_back(take(tensor, axis, begin, count, keep));
    begin += count;
  }
  if (begin != size)
    ctx.fail("the parts do not make up axis ", axis, " of ", to_string(tensor.shape()));
  return {Tensor::sequence(std::move(items))};
}

std::vector<Tensor> concatenate(const NodeContext& ctx) {
  const auto items = items_of(ctx, 0);
  if (items.empty()) ctx.fail("the sequence is empty");
  const bool new_axis = ctx.attributes().get_int("new_axis", 0) != 0;
  const size_t rank = items[0].shape().rank() + (new_axis ? 1 : 0);
  if (!ctx.attributes().has("axis")) ctx.fail("attribute 'axis' is missing");
  const size_t axis = ctx.normalize_axis(ctx.attributes().get_int("axis", 0), rank);
  return {new_axis ? stack(ctx, items, axis) : join(ctx, items, axis)};
}

// ONNX SequenceMap: the body runs once per item; inputs that are tensors are the same every time.
std::vector<Tensor> map_items(const NodeContext& ctx) {
  const auto* body = ctx.attributes().find_graph("body");
  if (!body || !*body) ctx.fail("attribute 'body' is missing");
  const size_t count = items_of(ctx, 0).size();
  std::vector<std::vector<Tensor>> results(ctx.node().outputs.size());
  const std::vector<Tensor> captures = values_of(ctx.captures());
  for (size_t i = 0; i < count; ++i) {
    std::vector<Tensor> inputs;
    for (size_t k = 0; k < ctx.input_count(); ++k) {
      const Tensor& value = ctx.value(k);
      const bool is_sequence = value.dtype() == DType::Sequence;
      if (is_sequence && value.items().size() != count)
        ctx.fail("input ", k, " has ", value.items().size(), " items, not ", count);
      inputs.push_back(is_sequence ? value.items()[i] : value);
    }
    inputs.insert(inputs.end(), captures.begin(), captures.end());
    std::vector<Tensor> outputs = ctx.host()->run(**body, inputs);
    if (outputs.size() != results.size())
      ctx.fail("its body has ", outputs.size(), " outputs, not ", results.size());
    for (size_t k = 0; k < outputs.size(); ++k) results[k].push_back(std::move(outputs[k]));
  }
  std::vector<Tensor> out;
  for (auto& items : results) out.push_back(Tensor::sequence(std::move(items)));
  return out;
}

// --- optionals: their content, or nothing

std::vector<Tensor> make_optional(const NodeContext& ctx) {
  return {ctx.has_input(0) ? ctx.value(0) : Tensor()};
}

std::vector<Tensor> has_element(const NodeContext& ctx) {
  return {Tensor::scalar(ctx.has_input(0))};
}

std::vector<Tensor> get_element(const NodeContext& ctx) {
  if (!ctx.has_input(0)) ctx.fail("the optional is empty");
  return {ctx.value(0)};
}
} // namespace

extern const OpDef op_sequence_construct{.compute = construct};
extern const OpDef op_sequence_empty{.compute = empty};
extern const OpDef op_sequence_insert{.compute = insert};
extern const OpDef op_sequence_erase{.compute = erase};
extern const OpDef op_sequence_at{.compute = at};
extern const OpDef op_sequence_length{.compute = length};
extern const OpDef op_sequence_map{.compute = map_items};
extern const OpDef op_split_to_sequence{.compute = split};
extern const OpDef op_concat_from_sequence{.compute = concatenate};
extern const OpDef op_optional{.compute = make_optional};
extern const OpDef op_optional_has_element{.compute = has_element};
extern const OpDef op_optional_get_element{.compute = get_element};

} // namespace octet

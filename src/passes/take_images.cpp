#include "passes/take_images.h"

#include <algorithm>

#include "base/error.h"
#include "graph/edit.h"
#include "passes/match.h"

namespace octet {
namespace {
[[noreturn]] void refuse(const Node& node) {
  fail(ErrorCode::UnsupportedOperator, "ImageDecoder '", node.name,
       "': its stream is not an input of the model; images are decoded before a run, so only "
       "streams that are known by then can be");
}

void refuse_decoders(const Graph& graph) {
  for (NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    if (is_op(node, "ImageDecoder")) refuse(node);
    for (const auto& subgraph : subgraphs_of(node.attributes)) refuse_decoders(*subgraph);
  }
}

// The number of the model's input that a decoder reads. Behind the first `count` there are images.
size_t stream_of(const Graph& graph, const Node& decoder, size_t count) {
  ValueId id = decoder.inputs[0];
  while (const Node* identity = producer(graph, id, "Identity")) id = identity->inputs[0];
  const auto begin = graph.inputs().begin(), end = begin + static_cast<ptrdiff_t>(count);
  const auto found = std::find(begin, end, id);
  if (found == end) refuse(decoder);
  const TensorType& type = graph.value(id).type;
  if (type.dtype != DType::UInt8 || (type.shape && type.shape->rank() != 1))
    fail(ErrorCode::InvalidModel, "ImageDecoder '", decoder.name, "': its stream '",
         graph.value(id).name, "' is ", dtype_name(type.dtype),
         type.shape ? " " + to_string(*type.shape) : "", "; uint8 of one dimension expected");
  return static_cast<size_t>(found - begin);
}

EncodedImage image_of(const Graph& graph, const Node& decoder, size_t count) {
  std::string format = decoder.attributes.get_string("pixel_format", "RGB");
  if (format != "RGB" && format != "BGR" && format != "Grayscale")
    fail(ErrorCode::InvalidModel, "ImageDecoder '", decoder.name, "': pixel_format '", format,
         "'; RGB, BGR or Grayscale expected");
  return {.node = decoder.name,
          .stream = stream_of(graph, decoder, count),
          .pixel_format = std::move(format)};
}
} // namespace

void take_images(Graph& graph) {
  const size_t count = graph.inputs().size();
  GraphEdit edit(graph);
  for (NodeId id : graph.nodes()) {
    const Node& node = graph.node(id);
    for (const auto& subgraph : subgraphs_of(node.attributes)) refuse_decoders(*subgraph);
    if (!is_op(node, "ImageDecoder")) continue;
    EncodedImage image = image_of(graph, node, count);
    const ValueId pixels = node.outputs[0];
    Value& value = graph.value(pixels);
    value.type.dtype = DType::UInt8;
    if (!value.type.shape)
      value.type.shape = Shape{kDynamicDim, kDynamicDim, image.pixel_format == "Grayscale" ? 1 : 3};
    value.image = std::move(image);
    edit.make_input(pixels);
    edit.remove_node(id);
  }
}

} // namespace octet

#include "quant/report.h"

#include "base/json.h"

namespace octet {
namespace {
void write_histogram(JsonWriter& json, const CoarseHistogram& histogram) {
  json.key("histogram");
  if (histogram.counts.empty()) {
    json.null();
    return;
  }
  json.begin_object().key("low").value(histogram.low).key("width").value(histogram.width);
  json.key("counts").begin_array();
  for (const uint64_t count : histogram.counts) json.value(static_cast<int64_t>(count));
  json.end_array().end_object();
}

void write_clipping(JsonWriter& json, const std::optional<ClipRange>& clipping) {
  json.key("clipping");
  if (!clipping) {
    json.null();
    return;
  }
  json.begin_object().key("min").value(double{clipping->min}).key("max");
  json.value(double{clipping->max}).key("share").value(clipping->share).end_object();
}

void write_tensor(JsonWriter& json, const QuantizedTensor& t) {
  json.begin_object();
  json.key("role").value(t.role == TensorRole::Weights ? "weights" : "activations");
  json.key("name").value(t.name).key("node").value(t.node);
  json.key("type").value(dtype_name(t.type));
  json.key("scale").begin_object().key("min").value(double{t.scale_min});
  json.key("max").value(double{t.scale_max}).end_object();
  json.key("scheme").value(t.log2_levels == 0 ? "linear" : "log2");
  if (t.log2_levels > 0) json.key("levels").value(t.log2_levels);
  json.key("granularity").value(t.granularity).key("method").value(t.method);
  json.key("sqnrDb").value(t.sqnr_db);
  json.key("outputSqnrDb").value(t.output_sqnr_db);
  write_histogram(json, t.histogram);
  write_clipping(json, t.clipping);
  json.key("drift").value(t.drift);
  if (!t.reason.empty()) json.key("reason").value(t.reason);
  json.end_object();
}
} // namespace

std::string to_json(const QuantizationReport& report) {
  JsonWriter json;
  json.begin_object();
  json.key("mode").value(report.mode);
  json.key("bytesBefore").value(report.bytes_before);
  json.key("bytesAfter").value(report.bytes_after);
  json.key("tensors").begin_array();
  for (const QuantizedTensor& t : report.tensors) write_tensor(json, t);
  json.end_array();
  json.key("driftThreshold").value(report.drift_threshold);
  json.key("floatNodes").begin_array();
  for (const FloatNode& node : report.float_nodes) {
    json.begin_object();
    json.key("name")
        .value(node.name)
        .key("opType")
        .value(node.op_type)
        .key("reason")
        .value(node.reason);
    json.end_object();
  }
  json.end_array();
  json.key("rescaledNodes").begin_array();
  for (const RescaledNode& node : report.rescaled)
    json.begin_object().key("name").value(node.name).key("method").value(node.method).end_object();
  json.end_array();
  json.end_object();
  return json.take();
}

} // namespace octet

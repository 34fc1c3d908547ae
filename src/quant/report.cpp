#include "quant/report.h"

#include "base/json.h"

namespace octet {

std::string to_json(const QuantizationReport& report) {
  JsonWriter json;
  json.begin_object();
  json.key("mode").value(report.mode);
  json.key("bytesBefore").value(report.bytes_before);
  json.key("bytesAfter").value(report.bytes_after);
  json.key("tensors").begin_array();
  for (const QuantizedTensor& t : report.tensors) {
    json.begin_object();
    json.key("name").value(t.name).key("node").value(t.node);
    json.key("type").value(dtype_name(t.type));
    json.key("scale").begin_object().key("min").value(double{t.scale_min});
    json.key("max").value(double{t.scale_max}).end_object();
    json.key("granularity").value(t.granularity).key("method").value(t.method);
    json.key("sqnrDb").value(t.sqnr_db);
    json.key("outputSqnrDb").value(t.output_sqnr_db);
    json.end_object();
  }
  json.end_array();
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

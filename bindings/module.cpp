// What JavaScript sees of the engine; bindings/README.md describes it from that side.
#include <emscripten/bind.h>
#include <emscripten/heap.h>
#include <malloc.h>
#include <unistd.h>

#include <map>
#include <optional>

#include "api/kernels.h"
#include "api/model.h"
#include "api/quantize.h"
#include "api/session.h"
#include "base/json.h"
#include "bindings/adapters.h"
#include "bindings/call_block.h"
#include "bindings/threads.h"

namespace octet::bindings {
namespace {
// The inputs or outputs that the model has.
std::string ports_json(const std::vector<Port>& ports) {
  JsonWriter json;
  json.begin_array();
  for (const Port& port : ports)
    if (!port.image) write_port(json, port.name, port.type);
  json.end_array();
  return json.take();
}

std::string images_json(const std::vector<Port>& ports) {
  JsonWriter json;
  json.begin_array();
  for (const Port& port : ports) {
    if (!port.image) continue;
    json.begin_object().key("node").value(port.image->node);
    json.key("stream").value(port.image->stream);
    json.key("pixelFormat").value(port.image->pixel_format).end_object();
  }
  json.end_array();
  return json.take();
}

// Null where only the run knew.
void write_dims(JsonWriter& json, const std::optional<Shape>& shape) {
  if (!shape) {
    json.null();
    return;
  }
  json.begin_array();
  for (int64_t dim : *shape) json.value(dim);
  json.end_array();
}

// A graph that was read, until a session or a quantization takes it.
class ModelHandle {
public:
  ModelHandle(std::unique_ptr<Graph> graph, size_t bytes)
      : graph_(std::move(graph)), bytes_(bytes) {}

  val inspect(const val& free_dimensions) const {
    return guard([&] { return inspect_json(graph(), bytes_, named_numbers_of(free_dimensions)); });
  }

  val output_names() const {
    return guard([&] {
      std::vector<std::string> names;
      for (ValueId id : graph().outputs()) names.push_back(graph().value(id).name);
      return array_of(names);
    });
  }

  size_t bytes() const { return bytes_; }
  std::unique_ptr<Graph> take() {
    graph();
    return std::move(graph_);
  }

private:
  const Graph& graph() const {
    if (!graph_) fail(ErrorCode::Internal, "this model has been handed over already");
    return *graph_;
  }

  std::unique_ptr<Graph> graph_;
  size_t bytes_;
};

// Files that a function of JavaScript finds, which is asked for each of them once.
class FilesBeside {
public:
  explicit FilesBeside(const val& find) : find_(find) {}

  std::optional<SharedBytes> operator()(const std::string& location) {
    auto known = found_.find(location);
    if (known == found_.end()) {
      const val bytes = find_(location);
      known = found_.try_emplace(location).first;
      if (!bytes.isUndefined()) known->second = file_of(bytes);
    }
    return known->second;
  }

private:
  val find_;
  std::map<std::string, std::optional<SharedBytes>> found_;
};

// `external`: [{location, bytes}]; `find`: location → bytes or undefined, or undefined itself.
val open(const val& model, const val& external, const val& find) {
  return guard([&] {
    SharedBytes file = file_of(model);
    std::vector<ExternalFile> files;
    for (size_t i = 0, n = external["length"].as<size_t>(); i < n; ++i)
      files.push_back({external[i]["location"].as<std::string>(), file_of(external[i]["bytes"])});
    ExternalFiles beside(files);
    if (!find.isUndefined()) beside.find = FilesBeside(find);
    const size_t bytes = file.size();
    return new ModelHandle(open_model(std::move(file), beside), bytes);
  });
}

class SessionHandle {
public:
  explicit SessionHandle(std::unique_ptr<Session> session) : session_(std::move(session)) {}

  std::string inputs() const { return ports_json(session_->inputs()); }
  // [{node, stream: number of an input, pixelFormat}] of the images that are fed behind the inputs.
  std::string images() const { return images_json(session_->inputs()); }
  std::string outputs() const { return ports_json(session_->outputs()); }

  // The way of a run is described in call_block.h. These two return an address, or 0 when something
  // went wrong, which `error` then describes.
  uintptr_t reserve(double bytes) {
    session_->give_back_arena();
    return address_of([&] { return block_.reserve(bytes); });
  }
  uintptr_t run() {
    return address_of([&] { return block_.run(*session_); });
  }
  // The same in pieces: `begin`, then the next two, which work for about so long, until each yields
  // {value: false}, then `results`, whose answer is like that of `run`.
  val begin() {
    return guard([&] {
      block_.begin(*session_);
      return true;
    });
  }
  val prepare(double milliseconds) {
    return guard([&] { return session_->prepare(Deadline::in(milliseconds)); });
  }
  val advance(double milliseconds) {
    return guard([&] { return session_->advance(Deadline::in(milliseconds)); });
  }
  uintptr_t results() {
    return address_of([&] { return block_.results(*session_); });
  }
  val error() const { return describe(*error_); }

  void give_strings(const val& strings) { block_.give_strings(strings_of(strings)); }
  val strings(size_t number) const { return array_of(block_.strings(number)); }

  // [{node, opType, shape, macs, bytes, milliseconds}] of the last run, as JSON.
  std::string profile() const {
    JsonWriter json;
    json.begin_array();
    for (const StepTime& step : session_->profile()) {
      json.begin_object().key("node").value(step.node).key("opType").value(step.op_type);
      write_dims(json.key("shape"), step.shape);
      json.key("macs").value(step.macs).key("bytes").value(step.bytes);
      json.key("milliseconds").value(step.milliseconds).end_object();
    }
    json.end_array();
    return json.take();
  }

private:
  template <class Body>
  uintptr_t address_of(const Body& body) {
    uintptr_t address = 0;
    error_ = attempt([&] { address = body(); });
    return address;
  }

  std::unique_ptr<Session> session_;
  CallBlock block_;
  std::optional<Error> error_;
  ThreadUse threads_;
};

// Lets the heap grow once for what a session is about to put there, its weights above all. To grow
// step by step takes longer, a millisecond a step. No more than a wish.
void make_room(size_t bytes) {
  const size_t size = emscripten_get_heap_size();
  const size_t beyond = size - reinterpret_cast<uintptr_t>(sbrk(0));
  const size_t free = beyond + static_cast<size_t>(mallinfo().fordblks);
  if (bytes > free) emscripten_resize_heap(size + (bytes - free));
}

// `options`: {optimize, freeDimensions, profile}, all required.
val create(ModelHandle& model, const val& options) {
  return guard([&] {
    CreateOptions given;
    given.optimize = options["optimize"].as<bool>();
    given.session.free_dimensions = named_numbers_of(options["freeDimensions"]);
    given.session.profile = options["profile"].as<bool>();
    given.session.workers = ThreadUse::workers();
    make_room(model.bytes());
    return new SessionHandle(create_session(model.take(), std::move(given)));
  });
}

// A Session whose outputs are sums over the values of the two models (src/passes/compare_models.h).
val create_comparison_of(ModelHandle& reference, ModelHandle& candidate, bool with_layers) {
  return guard([&] {
    make_room(reference.bytes() + candidate.bytes());
    return new SessionHandle(create_comparison(reference.take(), candidate.take(), with_layers,
                                               {.workers = ThreadUse::workers()}));
  });
}

class QuantizeHandle {
public:
  QuantizeHandle(std::unique_ptr<QuantizeJob> job, size_t bytes)
      : job_(std::move(job)), bytes_(bytes) {}

  // {value: the Session that is to run every sample first}
  val calibration_session() {
    return guard([&] {
      make_room(bytes_);
      return new SessionHandle(job_->calibration_session());
    });
  }
  // {value: whether there is more to do before the next sample}
  val digest() {
    return guard([&] { return job_->digest(); });
  }
  size_t done() const { return job_->done(); }
  size_t total() const { return job_->total(); }
  // {value: whether there is more to do}
  val step() {
    return guard([&] { return job_->step(); });
  }
  // {value: {pieces: how many the file is in, size: its bytes, report: JSON}}
  val finish() {
    return guard([&] {
      QuantizedModel made = job_->finish();
      pieces_ = std::move(made.file);
      val result = val::object();
      result.set("pieces", pieces_.size());
      result.set("size", static_cast<double>(made.report.bytes_after));
      result.set("report", to_json(made.report));
      return result;
    });
  }
  // {value: {address, size}}, which live until the next call. Each piece can be had once.
  val piece(size_t index) {
    return guard([&] {
      piece_ = std::move(pieces_.at(index));
      return view_of({piece_.data(), piece_.size()});
    });
  }

private:
  std::unique_ptr<QuantizeJob> job_;
  size_t bytes_;                    // of the model's file
  std::vector<SharedBytes> pieces_; // of the quantized model's file
  SharedBytes piece_;
};

DType type_of(const val& number) {
  return dtype_from_onnx(number.as<int>()).value_or(DType::Undefined);
}

QuantizeMode mode_of(const std::string& name) {
  if (name == "static") return QuantizeMode::Static;
  if (name == "rescale") return QuantizeMode::Rescale;
  return name == "weight-only" ? QuantizeMode::WeightOnly : QuantizeMode::Dynamic;
}

SpectrumHandling spectra_of(const std::string& name) {
  if (name == "int16") return SpectrumHandling::SixteenBits;
  return name == "float" ? SpectrumHandling::Float : SpectrumHandling::AsOthers;
}

// `options`: {mode, weights: {type: ONNX number, symmetric, reduceRange, perChannel, blockSize,
// method}, format, calibrated, force, correctBias, equalize, smooth, excludeNodes, opTypes,
// spectra: float, int16 or as-others}, and for static quantization {activations: {scheme, type,
// symmetric, method, percentile, adaptive}}, all required.
val quantize(ModelHandle& model, const val& options) {
  return guard([&] {
    QuantizeConfig config;
    const val weights = options["weights"], activations = options["activations"];
    config.weights.type = type_of(weights["type"]);
    config.weights.symmetric = weights["symmetric"].as<bool>();
    config.weights.reduce_range = weights["reduceRange"].as<bool>();
    config.weights.per_channel = weights["perChannel"].as<bool>();
    config.exclude_nodes = strings_of(options["excludeNodes"]);
    config.op_types = strings_of(options["opTypes"]);
    config.spectra = spectra_of(options["spectra"].as<std::string>());
    config.weights.block_size = weights["blockSize"].as<size_t>();
    config.weights.method = weights["method"].as<std::string>();
    config.format = options["format"].as<std::string>() == "qdq" ? QuantFormat::Dequantize
                                                                 : QuantFormat::Operator;
    config.calibrated = options["calibrated"].as<bool>();
    config.force = options["force"].as<bool>();
    config.correct_bias = options["correctBias"].as<bool>();
    config.equalize = options["equalize"].as<bool>();
    config.smooth = options["smooth"].as<float>();
    if (!activations.isUndefined())
      config.activations = {.scheme = activations["scheme"].as<std::string>() == "log2"
                                          ? ActivationScheme::Log2
                                          : ActivationScheme::Linear,
                            .type = type_of(activations["type"]),
                            .symmetric = activations["symmetric"].as<bool>(),
                            .method = activations["method"].as<std::string>(),
                            .percentile = activations["percentile"].as<double>(),
                            .adaptive = activations["adaptive"].as<bool>()};
    const QuantizeMode mode = mode_of(options["mode"].as<std::string>());
    const size_t bytes = model.bytes();
    return new QuantizeHandle(
        std::make_unique<QuantizeJob>(model.take(), bytes, mode, std::move(config)), bytes);
  });
}

// The functions that the kernel pack has to export, by name.
val relaxed_kernels() {
  val names = val::array();
  for (const char* name : relaxed_kernel_names()) names.call<void>("push", std::string(name));
  return names;
}

// `slots`: where in the table they are, in the same order.
void use_relaxed(const val& slots) {
  std::vector<uintptr_t> functions;
  for (size_t i = 0, n = relaxed_kernel_names().size(); i < n; ++i)
    functions.push_back(slots[i].as<uintptr_t>());
  use_relaxed_kernels(functions);
}
} // namespace

EMSCRIPTEN_BINDINGS(octet) {
  using emscripten::allow_raw_pointers;
  emscripten::function("relaxedKernels", &relaxed_kernels);
  emscripten::function("useRelaxedKernels", &use_relaxed);
  emscripten::function("useThreads", &use_threads);
  emscripten::function("loseThread", &lose_thread);
  emscripten::function("openModel", &open);
  emscripten::function("createSession", &create);
  emscripten::function("createComparison", &create_comparison_of);
  emscripten::function("quantize", &quantize);
  emscripten::class_<ModelHandle>("Model")
      .function("inspect", &ModelHandle::inspect)
      .function("outputNames", &ModelHandle::output_names);
  emscripten::class_<SessionHandle>("Session")
      .function("inputs", &SessionHandle::inputs)
      .function("images", &SessionHandle::images)
      .function("outputs", &SessionHandle::outputs)
      .function("reserve", &SessionHandle::reserve)
      .function("run", &SessionHandle::run)
      .function("begin", &SessionHandle::begin)
      .function("prepare", &SessionHandle::prepare)
      .function("advance", &SessionHandle::advance)
      .function("results", &SessionHandle::results)
      .function("error", &SessionHandle::error)
      .function("giveStrings", &SessionHandle::give_strings)
      .function("strings", &SessionHandle::strings)
      .function("profile", &SessionHandle::profile);
  emscripten::class_<QuantizeHandle>("QuantizeJob")
      .function("calibrationSession", &QuantizeHandle::calibration_session)
      .function("digest", &QuantizeHandle::digest)
      .function("done", &QuantizeHandle::done)
      .function("total", &QuantizeHandle::total)
      .function("step", &QuantizeHandle::step)
      .function("finish", &QuantizeHandle::finish)
      .function("piece", &QuantizeHandle::piece);
}

} // namespace octet::bindings

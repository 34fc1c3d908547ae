// What an operator is: one definition that inference, planning, running and quantization all read.
//
// An operator's file defines `const OpDef`s; op_list.inc names each in one row; nothing else
// changes when an operator is added. The life of a node in a plan:
//   infer    (dtypes, concrete shapes, small known values of inputs) → the same of the outputs
//   prepare  checks types, chooses kernels, packs constant operands, asks for scratch → a Kernel
//   run      the Kernel gets pointers only; it must not allocate when shapes are planned
// Shapes are always concrete here. When an output's shape depends on a value that is not known yet,
// infer leaves that shape empty; the runtime then infers again during the run, when every value is
// known. What is not made of dense elements (strings, sequences, optionals, maps), and what only
// the computation itself can tell the shape of, is computed on whole values instead.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/tensor.h"
#include "graph/graph.h"
#include "ops/workers.h"

namespace octet {

// What is known about a value while planning.
struct ValueFact {
  DType dtype = DType::Undefined;
  std::optional<Shape> shape;  // concrete, or not known before the run
  std::optional<Tensor> value; // known now: an initializer, a shape computation
};

// Sees the values that Observe nodes of a calibrated graph read, as a run produces them.
class ValueSink {
public:
  virtual ~ValueSink() = default;
  // `tap`: the attribute of that name of an Observe node. May throw, which ends the run.
  virtual void observe(size_t /*tap*/, std::span<const float> /*values*/) {}
  // The same of ObserveReductions nodes, whose taps are numbered on their own.
  virtual void observe_reductions(size_t /*tap*/, std::span<const float> /*rows*/) {}
};

class SubgraphHost; // plans and runs the subgraphs of If, Loop, Scan; implemented by the runtime

// --- contexts

// What infer and prepare both see of a node: parsing of attributes and shape-like operands that
// both need takes one of these.
class NodeContext {
public:
  NodeContext(const Node& node, int64_t opset, std::span<const ValueFact* const> inputs,
              std::span<const ValueFact* const> captures, SubgraphHost* host)
      : node_(node), opset_(opset), inputs_(inputs), captures_(captures), host_(host) {}

  const Node& node() const { return node_; }
  const Attributes& attributes() const { return node_.attributes; }
  // Version of the operator set that the node's domain was imported with.
  int64_t opset() const { return opset_; }

  size_t input_count() const { return inputs_.size(); }
  bool has_input(size_t i) const { return i < inputs_.size() && inputs_[i]; }
  // All throw InvalidModel naming the node when a required input is missing.
  const ValueFact& input(size_t i) const;
  DType dtype(size_t i) const { return input(i).dtype; }
  const Shape& shape(size_t i) const { return *input(i).shape; }
  // Precondition: it is known, as all are in OpDef::compute.
  const Tensor& value(size_t i) const { return *input(i).value; }

  // The value of input i as numbers, or nothing when it is not known yet (infer then leaves the
  // output's shape empty). Throws InvalidModel when it is not of a numeric type.
  std::optional<std::vector<int64_t>> int_values(size_t i) const;
  std::optional<std::vector<double>> float_values(size_t i) const;
  // Integers that older operator sets give as an attribute and newer ones as input i; empty when
  // both are left out.
  std::optional<std::vector<int64_t>> int_operand(size_t i, std::string_view attribute) const;

  std::span<const ValueFact* const> captures() const { return captures_; }
  SubgraphHost* host() const { return host_; }

  // Throws InvalidModel prefixed with the node's operator and name.
  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    refuse(ErrorCode::InvalidModel, {TextPart(parts)...});
  }
  // Throws UnsupportedOperator: the operator exists but not for these types or attributes.
  template <class... Parts>
  [[noreturn]] void unsupported(const Parts&... parts) const {
    refuse(ErrorCode::UnsupportedOperator, {TextPart(parts)...});
  }
  std::string describe_node() const;
  // `axis` counted from 0; throws InvalidModel when it is outside of [−rank, rank).
  size_t normalize_axis(int64_t axis, size_t rank) const;

private:
  [[noreturn]] void refuse(ErrorCode code, std::initializer_list<TextPart> message) const;

  const Node& node_;
  int64_t opset_;
  std::span<const ValueFact* const> inputs_, captures_;
  SubgraphHost* host_;
};

class InferContext : public NodeContext {
public:
  InferContext(const Node& node, int64_t opset, std::span<const ValueFact* const> inputs,
               std::span<const ValueFact* const> captures, SubgraphHost* host)
      : NodeContext(node, opset, inputs, captures, host), outputs_(node.outputs.size()) {}

  size_t output_count() const { return outputs_.size(); }
  void set_output(size_t i, DType dtype, Shape shape);
  void set_output_dtype(size_t i, DType dtype);  // shape not known before the run
  void set_output_value(size_t i, Tensor value); // known now (Shape, Size, Constant)
  // For operators of which every output has input 0's type and shape.
  void pass_through(size_t input = 0);
  std::vector<ValueFact>& outputs() { return outputs_; }

private:
  std::vector<ValueFact> outputs_;
};

// Pointers for one execution of a node; order and count as in the node, null for an absent
// optional.
struct RunContext {
  const void* const* inputs;
  void* const* outputs;
  const void* const* captures;
  uint8_t* scratch; // 64-byte aligned, as many bytes as prepare asked for
  Workers workers = {};

  template <class T>
  const T* input(size_t i) const {
    return static_cast<const T*>(inputs[i]);
  }
  template <class T>
  T* output(size_t i) const {
    return static_cast<T*>(outputs[i]);
  }
};

// A prepared node: a callable that owns what prepare computed (packed weights, tables, sizes).
class Kernel {
public:
  Kernel() = default;
  template <class F>
  Kernel(F function) : body_(std::make_unique<Body<F>>(std::move(function))) {}
  void operator()(const RunContext& context) const { body_->run(context); }
  explicit operator bool() const { return body_ != nullptr; }

private:
  struct Base {
    virtual ~Base() = default;
    virtual void run(const RunContext&) const = 0;
  };
  template <class F>
  struct Body final : Base {
    explicit Body(F f) : function(std::move(f)) {}
    void run(const RunContext& context) const override { function(context); }
    F function;
  };
  std::unique_ptr<Base> body_;
};

// The kernel of a node whose outputs are empty.
inline Kernel do_nothing() {
  return [](const RunContext&) {};
}

// Packed constants, shared by all plans of a session. Keyed by the constant they were made from and
// a name for the way of packing (which includes every parameter that changes the result).
class PackedWeights {
public:
  using Pack = std::function<Buffer()>;
  std::shared_ptr<const Buffer> get(const Tensor& source, std::string_view how, const Pack& pack);

private:
  struct Entry {
    SharedBytes source; // kept, so that its identity stays taken
    std::shared_ptr<const Buffer> packed;
  };
  std::map<std::pair<const void*, std::string>, Entry> entries_;
};

class PrepareContext : public NodeContext {
public:
  PrepareContext(const Node& node, int64_t opset, std::span<const ValueFact* const> inputs,
                 std::span<const ValueFact* const> outputs,
                 std::span<const ValueFact* const> captures, PackedWeights& weights,
                 SubgraphHost* host, size_t worker_count = 1)
      : NodeContext(node, opset, inputs, captures, host), outputs_(outputs), weights_(weights),
        packed_(inputs.size()), worker_count_(worker_count) {}

  size_t output_count() const { return outputs_.size(); }
  bool has_output(size_t i) const { return i < outputs_.size() && outputs_[i]; }
  const ValueFact& output(size_t i) const { return *outputs_[i]; }
  const Shape& output_shape(size_t i) const { return *outputs_[i]->shape; }
  // The tensor when input i is known now; its pointer is what the run will pass as well, and good
  // until then, unless the packed form is asked for.
  const Tensor* constant(size_t i) const;

  // Reserves scratch for every run; the largest request counts once, so ask once with the sum.
  void request_scratch(size_t bytes) { scratch_bytes_ = bytes; }
  size_t scratch_bytes() const { return scratch_bytes_; }
  // How many threads runs may use at most; each needs scratch memory of its own.
  size_t worker_count() const { return worker_count_; }
  // The packed form of constant input i (see PackedWeights). Takes the place of the constant, whose
  // bytes may be freed: the run passes null.
  std::shared_ptr<const Buffer> packed(size_t i, std::string_view how,
                                       const PackedWeights::Pack& pack);
  bool is_packed(size_t i) const { return packed_[i]; }

private:
  std::span<const ValueFact* const> outputs_;
  PackedWeights& weights_;
  std::vector<bool> packed_;
  size_t scratch_bytes_ = 0;
  size_t worker_count_;
};

// --- subgraphs

class SubgraphPlan {
public:
  virtual ~SubgraphPlan() = default;
  virtual const std::vector<ValueFact>& outputs() const = 0;
  // `inputs`: the subgraph's inputs, then its captures. Outputs are copied to `outputs`.
  virtual void run(std::span<const void* const> inputs, std::span<void* const> outputs) = 0;
};

class SubgraphHost {
public:
  virtual ~SubgraphHost() = default;
  // Facts of the subgraph's outputs, given facts of its inputs followed by its captures.
  virtual std::vector<ValueFact> infer(const Graph& graph,
                                       std::span<const ValueFact* const> inputs) = 0;
  virtual std::unique_ptr<SubgraphPlan> plan(const Graph& graph,
                                             std::span<const ValueFact* const> inputs) = 0;
  // Runs a subgraph on whole values, of its inputs and then of its captures; plans are kept for
  // values of the same types and shapes. The results keep their bytes.
  virtual std::vector<Tensor> run(const Graph& graph, std::span<const Tensor> inputs) = 0;
  // Null when nobody observes.
  virtual std::shared_ptr<ValueSink> sink() const { return nullptr; }
};

// --- the definition

enum class Aliasing : uint8_t {
  None,
  InPlace, // an output may share memory with a dying input of the same type and byte size
  View,    // output 0 is input 0's bytes under another shape: no step runs
};

// How the planner for channels-last may treat the operator (see passes/choose_layout).
enum class LayoutRule : uint8_t {
  Fixed,       // sees its operands as the model lays them out
  Elementwise, // any one layout for all operands (numpy broadcasting)
};

struct OpDef {
  // Null: nothing is known of the outputs before `compute` makes them.
  void (*infer)(InferContext&) = nullptr;
  // Null, without `compute`: exists only in the canonical stage; a lowering pass replaces it before
  // a plan is made.
  Kernel (*prepare)(PrepareContext&) = nullptr;
  // Makes the outputs (parallel to node.outputs) of inputs that are all known, wherever a plan
  // can't bind a kernel: without infer or prepare, where infer leaves a shape open, for operands
  // that are not dense. Results have bytes of their own, or share those of inputs.
  std::vector<Tensor> (*compute)(const NodeContext&) = nullptr;
  Aliasing aliasing = Aliasing::None;
  LayoutRule layout = LayoutRule::Fixed;
  // False: running it twice may differ (random numbers); never folded.
  bool deterministic = true;
  // Its outputs hold elements of its inputs, whatever these mean: strings, and elements narrower
  // than a byte, then move as numbers that stand for them.
  bool moves = false;
  // Its kernels know float32 alone among floats; others are computed as float32
  // (passes/widen_floats), but for float64 where `float64` says that it has a loop of its own.
  bool float32 = false;
  bool float64 = false;

  bool takes(DType type) const {
    return !float32 || !is_other_float(type) || (float64 && type == DType::Float64);
  }
};

} // namespace octet

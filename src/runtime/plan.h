// A lowered graph bound to one set of input shapes: an ordered list of steps with kernels chosen,
// constants packed, every intermediate and the scratch memory of each step placed in an arena.
//
// A value lives in one of four places: the caller's feed, a constant, the arena, or, where its
// shape depends on data or its elements are not dense, a tensor allocated during the run. Values
// that are the same bytes under another shape (views), or that an operator may overwrite in place,
// share one place. Running a plan without data-dependent shapes allocates nothing.
#pragma once

#include <memory>
#include <vector>

#include "base/deadline.h"
#include "ops/op_def.h"
#include "ops/propagate.h"
#include "runtime/arena_planner.h"
#include "runtime/profiler.h"

namespace octet {

class Plan {
public:
  // `inputs`: facts with concrete shapes of the graph's inputs and
  // captures. `build` has to follow.
  Plan(std::shared_ptr<const Graph> graph, std::span<const ValueFact* const> inputs,
       PackedWeights& weights, SubgraphHost& host, Workers workers);

  // Chooses kernels and packs constants; true when the deadline left something to do, for another
  // call.
  bool build(Deadline deadline);

  size_t arena_bytes() const { return layout_.bytes; }
  // Whether some shapes are found out, and nodes prepared, afresh at each run.
  bool is_data_dependent() const { return data_dependent_; }
  // Without a shape where only a run can tell.
  std::vector<ValueFact> output_facts() const;

  // Runs on an arena of arena_bytes(). `inputs`: data of the inputs, then captures; `values`: the
  // same as whole values, which may be left out where all of them are dense. Results stay where
  // they are until the arena is used again; read them with `output`.
  void run(uint8_t* arena, std::span<const void* const> inputs, Profiler* profiler,
           std::span<const Tensor> values = {});
  // The same in pieces: `start`, then `advance` until it returns false. Arena and inputs stay where
  // they are in between.
  void start(uint8_t* arena, std::span<const void* const> inputs,
             std::span<const Tensor> values = {});
  bool advance(Profiler* profiler, Deadline deadline);

  // Output i of the last run, pointing into memory that the next run overwrites.
  Tensor output(size_t i) const { return tensor_of(graph_.outputs()[i]); }

private:
  enum class Place : uint8_t { None, Input, Constant, Arena, Dynamic };
  struct Location {
    Place place = Place::None;
    uint32_t index = 0; // of the input, or of the arena request
  };
  static constexpr uint32_t kNoScratch = UINT32_MAX;
  struct Step {
    const Node* node;
    Kernel kernel;                 // empty: its shapes depend on data, so it is evaluated afresh
    uint32_t first = 0;            // of its operands in operands_: inputs, outputs, captures
    uint32_t scratch = kNoScratch; // the arena request of its scratch memory
  };
  struct Slot {
    uint32_t operand;
    ValueId value;
  };

  void place_inputs_and_constants();
  void place_node(const Node& node);
  bool runs_on_pointers(const Node& node, const OpDef& op) const;
  void place_results(const Node& node);
  void place_output(const Node& node, size_t output, const OpDef& op);
  void place_in_arena(ValueId id, uint32_t last_step);
  bool share_in_place(const Node& node, ValueId output);
  void add_step(const Node& node, const OpDef& op);
  void add_operand(ValueId id);
  void drop_constants();
  void run_step(const Step& step);
  void run_dynamic(const Node& node);
  void keep_result(ValueId id, Tensor result);
  const void* address(ValueId id) const;
  Tensor tensor_of(ValueId id) const;

  std::shared_ptr<const Graph> owner_;
  const Graph& graph_;
  PackedWeights& weights_;
  SubgraphHost& host_;
  Workers workers_;
  GraphFacts facts_;
  std::vector<Location> locations_; // by value
  std::vector<Tensor> dynamic_;     // by value; of the last run
  std::vector<ArenaRequest> requests_;
  std::vector<uint32_t> last_reads_; // by value: the index of the last node that reads it
  uint32_t node_index_ = 0;          // the next one to be placed
  std::vector<Step> steps_;
  size_t next_step_ = 0; // of a run
  std::vector<const void*> operands_;
  std::vector<std::shared_ptr<const void>> held_; // constants among them
  std::vector<Slot> input_slots_, arena_slots_;
  ArenaLayout layout_;
  bool data_dependent_ = false;
  uint8_t* arena_ = nullptr;
  std::span<const void* const> inputs_;
  std::span<const Tensor> values_;
};

} // namespace octet

#include "runtime/session.h"

#include <algorithm>
#include <deque>
#include <optional>

#include "runtime/plan.h"
#include "runtime/subgraph_host.h"

namespace octet {
namespace {
constexpr size_t kMaxPlans = 8;
// What is small and allocated after the arena finds room before it. So nothing follows the arena,
// and a larger one takes its place.
constexpr size_t kRoomBelowArena = 64 * 1024;

std::vector<Port> ports_of(const Graph& graph, const std::vector<ValueId>& ids) {
  std::vector<Port> out;
  for (ValueId id : ids)
    out.push_back({.name = graph.value(id).name, .type = graph.value(id).type});
  return out;
}

// Puts the caller's sizes in the place of symbolic dims.
void fix_free_dimensions(Graph& graph, const SessionOptions& options) {
  for (ValueId id : graph.inputs()) {
    TensorType& type = graph.value(id).type;
    for (size_t i = 0; type.shape && i < type.symbols.size(); ++i)
      for (const auto& [symbol, size] : options.free_dimensions)
        if (type.symbols[i] == symbol) {
          (*type.shape)[i] = size;
          type.symbols[i].clear();
        }
  }
}

void check_feed(const Port& port, const Tensor& tensor) {
  if (port.type.dtype != DType::Undefined && tensor.dtype() != port.type.dtype)
    fail(ErrorCode::InvalidInput, "input '", port.name, "' expects ", dtype_name(port.type.dtype),
         ", not ", dtype_name(tensor.dtype()));
  if (!port.type.shape) return;
  const Shape& declared = *port.type.shape;
  bool fits = declared.rank() == tensor.shape().rank();
  for (size_t i = 0; fits && i < declared.rank(); ++i)
    fits = declared[i] == kDynamicDim || declared[i] == tensor.shape()[i];
  if (!fits)
    fail(ErrorCode::InvalidInput, "input '", port.name, "' expects shape ", to_string(declared),
         ", not ", to_string(tensor.shape()));
}
} // namespace

struct Session::State {
  State(std::unique_ptr<Graph> g, Lowering l, SessionOptions o)
      : graph(std::move(g)), options(std::move(o)),
        host(std::move(l), options.sink, options.workers) {
    fix_free_dimensions(*graph, options);
    inputs = ports_of(*graph, graph->inputs());
    for (size_t i = 0; i < inputs.size(); ++i)
      inputs[i].image = graph->value(graph->inputs()[i]).image;
    outputs = ports_of(*graph, graph->outputs());
  }

  // A plan for these shapes; one that was made knowing small integer feeds is for those values
  // only.
  struct CachedPlan {
    std::vector<std::pair<DType, Shape>> signature = {};
    std::vector<Tensor> values = {}; // parallel to the feeds, or empty; no type: any value
    std::unique_ptr<Plan> plan = nullptr;
    bool fits(std::span<const Tensor> feeds) const;
  };

  std::vector<Tensor> order_feeds(std::span<const NamedTensor> feeds) const;
  std::vector<size_t> order_fetches(std::span<const std::string> fetches) const;
  // Whether there is a plan for these feeds; it is the first one then.
  bool find_plan();
  CachedPlan begin_plan(std::vector<Tensor> values);
  bool prepare(Deadline deadline);
  void keep(CachedPlan made);
  // Takes an arena that is large enough for all plans; those that no memory is left for are
  // forgotten. Throws `out-of-memory` when the one to run is among them.
  void fit_arena();

  std::unique_ptr<Graph> graph;
  SessionOptions options;
  std::vector<Port> inputs, outputs;
  LoweringHost host;
  std::deque<CachedPlan> plans; // most recently used first
  std::vector<Tensor> feeds;    // of the last run by names, whose results may be views of them
  std::vector<const void*> feed_data;
  Buffer arena;
  // Of the run under way.
  std::span<const Tensor> run_feeds;
  std::span<const size_t> run_fetches;
  std::optional<CachedPlan> unfinished;
  Profiler profiler;
};

std::vector<Tensor> Session::State::order_feeds(std::span<const NamedTensor> feeds) const {
  std::vector<const Tensor*> ordered(inputs.size());
  for (const NamedTensor& feed : feeds) {
    const auto port = std::find_if(inputs.begin(), inputs.end(),
                                   [&](const Port& p) { return p.name == feed.name; });
    if (port == inputs.end())
      fail(ErrorCode::InvalidInput, "the model has no input '", feed.name, "'");
    const Tensor*& slot = ordered[static_cast<size_t>(port - inputs.begin())];
    if (slot) fail(ErrorCode::InvalidInput, "input '", feed.name, "' is fed twice");
    slot = &feed.tensor;
  }
  std::vector<Tensor> out;
  for (size_t i = 0; i < ordered.size(); ++i) {
    if (!ordered[i]) fail(ErrorCode::InvalidInput, "input '", inputs[i].name, "' is missing");
    out.push_back(*ordered[i]);
  }
  return out;
}

std::vector<size_t> Session::State::order_fetches(std::span<const std::string> fetches) const {
  std::vector<size_t> out;
  for (const std::string& name : fetches) {
    const auto port =
        std::find_if(outputs.begin(), outputs.end(), [&](const Port& p) { return p.name == name; });
    if (port == outputs.end())
      fail(ErrorCode::InvalidInput, "the model has no output '", name, "'");
    out.push_back(static_cast<size_t>(port - outputs.begin()));
  }
  if (fetches.empty())
    for (size_t i = 0; i < outputs.size(); ++i) out.push_back(i);
  return out;
}

namespace {
// Copies of the feeds that may decide about shapes: a few integers or a condition.
std::vector<Tensor> small_integers(std::span<const Tensor> feeds) {
  constexpr size_t kMaxElements = 16;
  std::vector<Tensor> out(feeds.size());
  for (size_t i = 0; i < feeds.size(); ++i) {
    const Tensor& t = feeds[i];
    const bool decides = is_integer(t.dtype()) || t.dtype() == DType::Bool;
    if (!decides || t.elements() > kMaxElements) continue;
    Buffer copy(t.size_bytes());
    std::copy_n(t.bytes(), t.size_bytes(), copy.data());
    out[i] = Tensor(t.dtype(), t.shape(), SharedBytes(std::move(copy)));
  }
  return out;
}
} // namespace

bool Session::State::CachedPlan::fits(std::span<const Tensor> feeds) const {
  for (size_t i = 0; i < feeds.size(); ++i) {
    if (feeds[i].dtype() != signature[i].first || feeds[i].shape() != signature[i].second)
      return false;
    const bool bound = !values.empty() && values[i].dtype() != DType::Undefined;
    if (bound && !same_contents(feeds[i], values[i])) return false;
  }
  return true;
}

Session::State::CachedPlan Session::State::begin_plan(std::vector<Tensor> values) {
  CachedPlan made{.values = std::move(values)};
  std::vector<ValueFact> facts = facts_to_plan(run_feeds);
  for (size_t i = 0; i < run_feeds.size(); ++i) {
    if (!made.values.empty() && made.values[i].dtype() != DType::Undefined)
      facts[i].value = made.values[i];
    made.signature.emplace_back(run_feeds[i].dtype(), run_feeds[i].shape());
  }
  std::vector<const ValueFact*> pointers;
  for (const ValueFact& fact : facts) pointers.push_back(&fact);
  made.plan = host.begin_plan(*graph, pointers);
  return made;
}

bool Session::State::find_plan() {
  const auto found = std::find_if(plans.begin(), plans.end(),
                                  [&](const CachedPlan& cached) { return cached.fits(run_feeds); });
  if (found == plans.end()) return false;
  std::rotate(plans.begin(), found, found + 1);
  return true;
}

void Session::State::keep(CachedPlan made) {
  plans.push_front(std::move(made));
  if (plans.size() > kMaxPlans) plans.pop_back();
}

void Session::State::fit_arena() {
  const auto largest =
      std::max_element(plans.begin(), plans.end(), [](const auto& a, const auto& b) {
        return a.plan->arena_bytes() < b.plan->arena_bytes();
      });
  const size_t bytes = largest->plan->arena_bytes();
  if (bytes <= arena.size()) return;
  arena = Buffer();
  try {
    const Buffer room(kRoomBelowArena);
    arena = Buffer(bytes);
  } catch (const Error&) {
    const bool is_wanted = largest == plans.begin();
    plans.erase(largest);
    if (is_wanted) throw;
    fit_arena();
  }
}

bool Session::State::prepare(Deadline deadline) {
  while (unfinished) {
    CachedPlan made = std::move(*unfinished);
    unfinished.reset();
    if (made.plan->build(deadline)) {
      unfinished = std::move(made);
      return true;
    }
    const bool can_know_more = made.values.empty() && !run_feeds.empty();
    if (made.plan->is_data_dependent() && can_know_more)
      unfinished = begin_plan(small_integers(run_feeds));
    else
      keep(std::move(made));
  }
  fit_arena();
  plans.front().plan->start(arena.data(), feed_data, run_feeds);
  return false;
}

Session::Session(std::unique_ptr<Graph> graph, Lowering lower, SessionOptions options)
    : state_(std::make_unique<State>(std::move(graph), std::move(lower), std::move(options))) {}
Session::~Session() = default;

const std::vector<Port>& Session::inputs() const {
  return state_->inputs;
}
const std::vector<Port>& Session::outputs() const {
  return state_->outputs;
}
const std::vector<StepTime>& Session::profile() const {
  return state_->profiler.steps();
}

std::vector<Tensor> Session::run(std::span<const NamedTensor> feeds,
                                 std::span<const std::string> fetches) {
  state_->feeds = state_->order_feeds(feeds);
  return run_ordered(state_->feeds, state_->order_fetches(fetches));
}

std::vector<Tensor> Session::run_ordered(std::span<const Tensor> feeds,
                                         std::span<const size_t> fetches) {
  begin(feeds, fetches);
  prepare(Deadline::never());
  advance(Deadline::never());
  return results();
}

void Session::begin(std::span<const Tensor> feeds, std::span<const size_t> fetches) {
  state_->unfinished.reset();
  for (size_t i = 0; i < feeds.size(); ++i) check_feed(state_->inputs[i], feeds[i]);
  state_->run_feeds = feeds;
  state_->run_fetches = fetches;
  state_->feed_data.clear();
  for (const Tensor& feed : feeds) state_->feed_data.push_back(feed.aligned_bytes());
  state_->profiler.clear();
  if (state_->find_plan()) return;
  give_back_arena();
  state_->unfinished = state_->begin_plan({});
}

void Session::give_back_arena() {
  state_->arena = Buffer();
}

bool Session::prepare(Deadline deadline) {
  return state_->prepare(deadline);
}

bool Session::advance(Deadline deadline) {
  return state_->plans.front().plan->advance(state_->options.profile ? &state_->profiler : nullptr,
                                             deadline);
}

std::vector<Tensor> Session::results() const {
  const Plan& plan = *state_->plans.front().plan;
  std::vector<Tensor> results;
  results.reserve(state_->run_fetches.size());
  for (size_t i : state_->run_fetches) results.push_back(plan.output(i));
  return results;
}

} // namespace octet

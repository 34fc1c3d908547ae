// Operators that the planner may run in place give the same result over any operand of the output's
// type and size.
#include <catch2/catch.hpp>
#include <cstring>

#include "tests/ops/run_op.h"

namespace octet {
namespace {
std::vector<OpCall> candidates(const std::string& op) {
  const Tensor x = floats({2, 3}, {-2, -0.5f, 0, 0.25f, 1, 7}),
               y = floats({2, 3}, {3, -1, 2, 0.5f, -4, 1});
  const Tensor p = Tensor::of<bool>({2, 3}, {true, false, true, false, true, true}),
               q = Tensor::of<bool>({2, 3}, {true, true, false, false, true, false});
  const Tensor m = Tensor::of<int64_t>({2, 3}, {5, 1, 2, 8, 3, 6}),
               n = Tensor::of<int64_t>({2, 3}, {2, 3, 1, 1, 2, 2});
  return {{op, {p, x, y}},
          {op, {x, y}},
          {op, {x}},
          {op, {p, q}},
          {op, {p}},
          {op, {m, n}},
          {op, {m, n}, {{"direction", std::string("LEFT")}}},
          {op, {m}},
          {op, {x, Tensor::scalar(int64_t{1})}}};
}

// The result of the call with its output in the memory of input `shared`; nothing when they differ
// in type or size.
std::optional<Tensor> run_over_input(const OpCall& call, size_t shared, const Tensor& expected) {
  if (call.inputs[shared].dtype() != expected.dtype() ||
      call.inputs[shared].size_bytes() != expected.size_bytes())
    return std::nullopt;
  Node node{.name = "tested", .op_type = call.op_type, .outputs = {ValueId(0)}};
  for (const auto& [name, value] : call.attributes) node.attributes.set(name, value);
  std::vector<ValueFact> facts;
  std::vector<Buffer> data;
  for (const Tensor& t : call.inputs) {
    facts.push_back({.dtype = t.dtype(), .shape = t.shape(), .value = t});
    data.emplace_back(t.size_bytes());
    std::memcpy(data.back().data(), t.bytes(), t.size_bytes());
  }
  const ValueFact out{.dtype = expected.dtype(), .shape = expected.shape(), .value = {}};
  std::vector<const ValueFact*> inputs;
  std::vector<const void*> pointers;
  for (size_t i = 0; i < facts.size(); ++i) {
    inputs.push_back(&facts[i]);
    pointers.push_back(data[i].data());
  }
  const ValueFact* outputs[] = {&out};
  void* results[] = {data[shared].data()};
  PackedWeights weights;
  PrepareContext prepare(node, call.opset, inputs, outputs, {}, weights, nullptr);
  const Kernel kernel = find_op("", call.op_type)->prepare(prepare);
  Buffer scratch(prepare.scratch_bytes());
  kernel({pointers.data(), results, nullptr, scratch.data()});
  return Tensor(expected.dtype(), expected.shape(), SharedBytes(std::move(data[shared])));
}

bool same_bytes(const Tensor& a, const Tensor& b) {
  return a.size_bytes() == b.size_bytes() && std::memcmp(a.bytes(), b.bytes(), a.size_bytes()) == 0;
}
} // namespace

TEST_CASE("operators in place") {
  size_t checked = 0;
  for (const OpListing& listing : list_ops()) {
    if (!listing.domain.empty() || find_op("", listing.name)->aliasing != Aliasing::InPlace)
      continue;
    INFO(std::string(listing.name));
    size_t ran = 0;
    for (const OpCall& call : candidates(std::string(listing.name))) {
      std::vector<Tensor> expected;
      try {
        expected = run_op(call);
      } catch (const Error&) {
        continue; // not operands of this operator
      }
      for (size_t i = 0; i < call.inputs.size(); ++i) {
        const auto got = run_over_input(call, i, expected[0]);
        if (!got) continue;
        ++ran;
        CHECK(same_bytes(*got, expected[0]));
      }
    }
    CHECK(ran > 0);
    ++checked;
  }
  CHECK(checked > 50);
}

} // namespace octet

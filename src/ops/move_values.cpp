#include "ops/move_values.h"

#include <algorithm>

#include "ops/narrow.h"

namespace octet {
namespace {
// Strings by their numbers, of which 0 is the empty one's.
class StringPool {
public:
  Tensor substitute(const Tensor& strings) {
    std::vector<int64_t> numbers(strings.elements());
    for (size_t i = 0; i < numbers.size(); ++i) {
      numbers[i] = static_cast<int64_t>(pool_.size());
      pool_.push_back(&strings.strings()[i]);
    }
    return Tensor::of<int64_t>(strings.shape(), numbers);
  }

  Tensor restore(const Tensor& numbers) const {
    std::vector<std::string> strings;
    for (const int64_t number : numbers.values<int64_t>())
      strings.push_back(number == 0 ? std::string() : *pool_[static_cast<size_t>(number)]);
    return Tensor(numbers.shape(), std::move(strings));
  }

private:
  std::vector<const std::string*> pool_ = {nullptr};
};
} // namespace

bool needs_substitutes(std::span<const Tensor* const> operands) {
  return std::any_of(operands.begin(), operands.end(), [](const Tensor* t) {
    return t && (t->dtype() == DType::String || is_narrow(t->dtype()));
  });
}

std::optional<std::vector<Tensor>> move_substitutes(std::span<const Tensor* const> operands,
                                                    std::span<const ValueFact> outputs,
                                                    const Evaluate& evaluate) {
  StringPool pool;
  std::vector<Tensor> substitutes(operands.size());
  std::vector<const Tensor*> pointers(operands.begin(), operands.end());
  for (size_t i = 0; i < operands.size(); ++i) {
    const Tensor* operand = operands[i];
    if (!operand) continue;
    if (operand->dtype() == DType::String)
      substitutes[i] = pool.substitute(*operand);
    else if (is_narrow(operand->dtype()))
      substitutes[i] = widen_codes(*operand);
    else
      continue;
    pointers[i] = &substitutes[i];
  }
  auto results = evaluate(pointers);
  for (size_t i = 0; results && i < results->size(); ++i) {
    Tensor& result = (*results)[i];
    if (outputs[i].dtype == DType::String)
      result = pool.restore(result);
    else if (is_narrow(outputs[i].dtype))
      result = narrow_codes(result, outputs[i].dtype);
  }
  return results;
}

} // namespace octet

#include "bindings/call_block.h"

#include <utility>

#include "base/limits.h"
#include "bindings/adapters.h"

namespace octet::bindings {

// Reads the block's numbers one after the other, and takes the strings that some are about, so that
// no run leaves any to the next.
class CallBlock::Numbers {
public:
  Numbers(const Buffer& block, std::vector<std::vector<std::string>> strings)
      : next_(reinterpret_cast<const double*>(block.data())),
        end_(next_ + block.size() / sizeof(double)), strings_(std::move(strings)) {}

  int64_t integer() {
    if (next_ == end_) fail(ErrorCode::Internal, "the call block ends early");
    return integer_of(*next_++);
  }
  // Below `limit`.
  size_t index(size_t limit) {
    const int64_t number = integer();
    if (number < 0 || static_cast<uint64_t>(number) >= limit)
      fail(ErrorCode::Internal, "the call block has ", number, " where less than ", limit,
           " is expected");
    return static_cast<size_t>(number);
  }
  std::vector<std::string> strings() { return std::move(strings_[index(strings_.size())]); }

private:
  const double* next_;
  const double* end_;
  std::vector<std::vector<std::string>> strings_;
};

uintptr_t CallBlock::reserve(double bytes) {
  if (!(bytes >= 0 && bytes < static_cast<double>(SIZE_MAX / 2)))
    fail(ErrorCode::OutOfMemory, "no room for ", bytes, " bytes of feeds");
  block_ = Buffer();
  block_ = Buffer(static_cast<size_t>(bytes));
  return reinterpret_cast<uintptr_t>(block_.data());
}

void CallBlock::give_strings(std::vector<std::string> strings) {
  strings_.push_back(std::move(strings));
}

Tensor CallBlock::feed_items(DType type, Numbers& numbers, int depth) {
  if (depth == limits::kMaxNesting)
    fail(ErrorCode::InvalidInput, "it is nested more than ", limits::kMaxNesting, " deep");
  std::vector<Tensor> items(numbers.index(block_.size()));
  for (Tensor& item : items) item = feed(numbers, depth + 1);
  if (type == DType::Sequence) return Tensor::sequence(std::move(items));
  if (items.size() != 2) fail(ErrorCode::Internal, "a map in the call block lacks keys or values");
  return Tensor::map(std::move(items[0]), std::move(items[1]));
}

Tensor CallBlock::feed(Numbers& numbers, int depth) {
  const size_t number = numbers.index(kDTypeCount);
  const auto type = static_cast<DType>(number);
  if (type == DType::Sequence || type == DType::Map) return feed_items(type, numbers, depth);
  const int64_t rank = numbers.integer();
  if (rank > static_cast<int64_t>(limits::kMaxRank))
    fail(ErrorCode::InvalidInput, "it has more than ", limits::kMaxRank, " dimensions");
  std::vector<int64_t> dims(static_cast<size_t>(rank));
  for (int64_t& dim : dims) dim = numbers.integer();
  if (type == DType::Undefined) return {};
  if (type == DType::String) {
    std::vector<std::string> strings = numbers.strings();
    numbers.integer();
    return Tensor(Shape(std::move(dims)), std::move(strings));
  }
  const size_t offset = numbers.index(block_.size() + 1);
  const size_t size = numbers.index(block_.size() - offset + 1);
  return Tensor(type, Shape(std::move(dims)),
                SharedBytes(Bytes(block_.data() + offset, size), nullptr));
}

uintptr_t CallBlock::run(Session& session) {
  begin(session);
  session.prepare(Deadline::never());
  session.advance(Deadline::never());
  return results(session);
}

void CallBlock::begin(Session& session) {
  Numbers numbers(block_, std::exchange(strings_, {}));
  feeds_.clear();
  for (const Port& port : session.inputs()) {
    try {
      feeds_.push_back(feed(numbers, 0));
    } catch (const Error& error) {
      // A tensor that contradicts itself is the caller's mistake here, not the model's.
      fail(ErrorCode::InvalidInput, "input '", port.name, "': ", error.message());
    }
  }
  const size_t outputs = session.outputs().size();
  fetches_.resize(numbers.index(outputs + 1));
  for (size_t& fetch : fetches_) fetch = numbers.index(outputs);
  session.begin(feeds_, fetches_);
}

uintptr_t CallBlock::results(const Session& session) {
  results_ = session.results();
  description_.clear();
  description_.reserve(1); // no address would say that the call failed
  result_strings_.clear();
  for (const Tensor& result : results_) describe(result);
  return reinterpret_cast<uintptr_t>(description_.data());
}

void CallBlock::describe(const Tensor& result) {
  description_.push_back(static_cast<double>(result.dtype()));
  if (result.dtype() != DType::Sequence && result.dtype() != DType::Map)
    return describe_tensor(result);
  description_.push_back(static_cast<double>(result.items().size()));
  for (const Tensor& item : result.items()) describe(item);
}

void CallBlock::describe_tensor(const Tensor& result) {
  description_.push_back(static_cast<double>(result.shape().rank()));
  for (const int64_t dim : result.shape()) description_.push_back(static_cast<double>(dim));
  if (result.dtype() == DType::Undefined) return;
  const bool is_string = result.dtype() == DType::String;
  if (is_string) result_strings_.push_back(&result.strings());
  description_.push_back(is_string
                             ? static_cast<double>(result_strings_.size() - 1)
                             : static_cast<double>(reinterpret_cast<uintptr_t>(result.bytes())));
  description_.push_back(static_cast<double>(result.size_bytes()));
}

} // namespace octet::bindings

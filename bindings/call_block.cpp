#include "bindings/call_block.h"

#include "base/limits.h"
#include "bindings/adapters.h"

namespace octet::bindings {

// Reads the block's numbers one after the other.
class CallBlock::Numbers {
public:
  explicit Numbers(const Buffer& block)
      : next_(reinterpret_cast<const double*>(block.data())),
        end_(next_ + block.size() / sizeof(double)) {}

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

private:
  const double* next_;
  const double* end_;
};

uintptr_t CallBlock::reserve(double bytes) {
  if (!(bytes >= 0 && bytes < static_cast<double>(SIZE_MAX / 2)))
    fail(ErrorCode::OutOfMemory, "no room for ", bytes, " bytes of feeds");
  block_ = Buffer();
  block_ = Buffer(static_cast<size_t>(bytes));
  return reinterpret_cast<uintptr_t>(block_.data());
}

void CallBlock::give_strings(size_t input, std::vector<std::string> strings) {
  strings_[input] = std::move(strings);
}

Tensor CallBlock::feed(size_t input, Numbers& numbers) {
  const auto dtype = dtype_from_onnx(numbers.integer());
  if (!dtype) fail(ErrorCode::InvalidInput, "not an element type");
  const int64_t rank = numbers.integer();
  if (rank > static_cast<int64_t>(limits::kMaxRank))
    fail(ErrorCode::InvalidInput, "it has more than ", limits::kMaxRank, " dimensions");
  std::vector<int64_t> dims(static_cast<size_t>(rank));
  for (int64_t& dim : dims) dim = numbers.integer();
  const size_t offset = numbers.index(block_.size() + 1);
  const size_t size = numbers.index(block_.size() - offset + 1);
  if (*dtype == DType::String) return Tensor(Shape(std::move(dims)), std::move(strings_[input]));
  return Tensor(*dtype, Shape(std::move(dims)),
                SharedBytes(Bytes(block_.data() + offset, size), nullptr));
}

uintptr_t CallBlock::run(Session& session) {
  Numbers numbers(block_);
  feeds_.clear();
  for (const Port& port : session.inputs()) {
    try {
      feeds_.push_back(feed(feeds_.size(), numbers));
    } catch (const Error& error) {
      // A tensor that contradicts itself is the caller's mistake here, not the model's.
      fail(ErrorCode::InvalidInput, "input '", port.name, "': ", error.message());
    }
  }
  strings_.clear();
  const size_t outputs = session.outputs().size();
  fetches_.resize(numbers.index(outputs + 1));
  for (size_t& fetch : fetches_) fetch = numbers.index(outputs);
  results_ = session.run_ordered(feeds_, fetches_);
  description_.clear();
  description_.reserve(1); // no address would say that the call failed
  for (const Tensor& result : results_) describe(result);
  return reinterpret_cast<uintptr_t>(description_.data());
}

void CallBlock::describe(const Tensor& result) {
  description_.push_back(static_cast<double>(result.dtype()));
  description_.push_back(static_cast<double>(result.shape().rank()));
  for (const int64_t dim : result.shape()) description_.push_back(static_cast<double>(dim));
  const bool is_string = result.dtype() == DType::String;
  description_.push_back(
      is_string ? 0 : static_cast<double>(reinterpret_cast<uintptr_t>(result.bytes())));
  description_.push_back(is_string ? 0 : static_cast<double>(result.size_bytes()));
}

} // namespace octet::bindings

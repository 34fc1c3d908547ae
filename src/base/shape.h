// The dimensions of a tensor.
//
// A Shape in a running plan is concrete (every dim ≥ 0). A model's declared type may leave dims
// open: then the dim is kDynamicDim and its symbol, if any, is kept by the graph beside it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace octet {

inline constexpr int64_t kDynamicDim = -1;

class Shape {
public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) : dims_(dims) {}
  explicit Shape(std::vector<int64_t> dims) : dims_(std::move(dims)) {}

  size_t rank() const { return dims_.size(); }
  int64_t operator[](size_t i) const { return dims_[i]; }
  int64_t& operator[](size_t i) { return dims_[i]; }
  int64_t back() const { return dims_.back(); }
  const std::vector<int64_t>& dims() const { return dims_; }
  auto begin() const { return dims_.begin(); }
  auto end() const { return dims_.end(); }
  void push_back(int64_t dim) { dims_.push_back(dim); }
  bool operator==(const Shape&) const = default;

  bool is_concrete() const;
  // Number of elements of a concrete shape; throws InvalidModel on overflow or a negative dim.
  size_t elements() const;
  // Product of the dims in [begin, end).
  size_t elements(size_t begin, size_t end) const;

private:
  std::vector<int64_t> dims_;
};

// "[2, 3, ?]"
std::string to_string(const Shape& shape);

// numpy broadcasting of two concrete shapes; throws InvalidInput naming both when they do not fit.
Shape broadcast_shapes(const Shape& a, const Shape& b);

// Maps an axis of [−rank, rank) to [0, rank); throws InvalidModel naming `what` otherwise.
size_t normalize_axis(int64_t axis, size_t rank, const char* what);

} // namespace octet

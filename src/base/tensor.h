// A value: a tensor (element type, concrete shape, shared read-only bytes or strings), a sequence
// of values, a map, or nothing.
//
// Initializers, constants, feeds and results are Tensors. Kernels never see one: operators hand
// them raw pointers. Copying a Tensor shares its data. Sequences and maps have no dense elements
// and pass as values of the types Sequence and Map; an optional is its content, or, when it is
// empty, a value of type Undefined.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "base/dtype.h"
#include "base/shape.h"

namespace octet {

class Tensor {
public:
  Tensor() = default;
  // `data` holds exactly dtype_bytes(dtype, elements) bytes (throws InvalidModel otherwise), at any
  // alignment: it may point into a file.
  Tensor(DType dtype, Shape shape, SharedBytes data);
  Tensor(Shape shape, std::vector<std::string> strings);
  // A value of type Sequence, whose shape is its length.
  static Tensor sequence(std::vector<Tensor> items);
  // A value of type Map, whose items are its keys and its values, as many of each (throws
  // InvalidModel otherwise).
  static Tensor map(Tensor keys, Tensor values);

  // A new tensor that owns a copy of `values`.
  template <class T>
  static Tensor of(Shape shape, std::span<const T> values);
  template <class T>
  static Tensor of(Shape shape, std::initializer_list<T> values) {
    return of<T>(std::move(shape), std::span<const T>(values.begin(), values.size()));
  }
  template <class T>
  static Tensor scalar(T value) {
    return of<T>(Shape{}, {value});
  }
  // The shape operand of Reshape and its kind: a 1-D int64 tensor.
  static Tensor of_dims(std::span<const int64_t> values);

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  size_t elements() const { return elements_; }
  size_t size_bytes() const { return data_.size(); }
  // Brings the bytes into the heap when they are elsewhere (see SharedBytes).
  const uint8_t* bytes() const { return data_.data(); }
  // The same, moved to an address fit for the element type if a file left them elsewhere (natively
  // only).
  const uint8_t* aligned_bytes() const {
    align_to(8);
    return data_.data();
  }
  const SharedBytes& data() const { return data_; }
  const std::vector<std::string>& strings() const { return *strings_; }
  // Of a sequence or a map.
  std::span<const Tensor> items() const { return *items_; }
  // The same value, with bytes of its own where nobody is known to keep them (those of an arena).
  Tensor kept() const;

  // Typed view. Precondition: dtype() == dtype_of<T>. Copies first when a file left the bytes
  // unaligned.
  template <class T>
  std::span<const T> values() const;

  // The same data under another shape of as many elements.
  Tensor reshaped(Shape shape) const;

private:
  void align_to(size_t alignment) const;

  DType dtype_ = DType::Undefined;
  Shape shape_;
  size_t elements_ = 0;
  mutable SharedBytes data_;
  std::shared_ptr<const std::vector<std::string>> strings_;
  std::shared_ptr<const std::vector<Tensor>> items_;
};

template <class T>
std::span<const T> Tensor::values() const {
  align_to(alignof(T));
  return {reinterpret_cast<const T*>(data_.data()), elements_};
}

template <class T>
Tensor Tensor::of(Shape shape, std::span<const T> values) {
  Buffer buffer(values.size_bytes());
  std::copy_n(reinterpret_cast<const uint8_t*>(values.data()), values.size_bytes(), buffer.data());
  return Tensor(dtype_of<T>, std::move(shape), SharedBytes(std::move(buffer)));
}

// Whether two tensors have the same type, shape and elements (bit by bit).
bool same_contents(const Tensor& a, const Tensor& b);

// Elements of any integer type (or bool) as int64, for small operands such as axes and shapes.
// Throws InvalidModel naming `what` for other types.
std::vector<int64_t> int64_values(const Tensor& tensor, const char* what);

// Elements of any real number type as double; the same rules.
std::vector<double> float64_values(const Tensor& tensor, const char* what);

} // namespace octet

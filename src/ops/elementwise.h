// Shared bodies of operators that compute each output element from one element per operand: loops
// over blocks of wide numbers (ops/wide.h), so that an operator is one small function per wide
// type.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <type_traits>

#include "kernels/eltwise/binary.h"
#include "kernels/eltwise/unary.h"
#include "ops/broadcast.h"
#include "ops/op_def.h"
#include "ops/wide.h"

namespace octet {

// --- one operand

inline constexpr size_t kMaxUnaryParams = 3;

// y[i] = f(x[i]) on n wide numbers; x == y is allowed.
using UnaryFn = void (*)(const void* x, void* y, size_t n, const float* params) noexcept;

struct UnaryParam {
  const char* attribute = nullptr;
  float fallback = 0;
};

struct UnaryOp {
  std::array<UnaryFn, kWideCount> functions{}; // by Wide; null where not defined
  std::array<UnaryParam, kMaxUnaryParams> params{};
};

// The loop over `f(x, params)`, a captureless lambda, for wide numbers of type T.
template <class T, class F>
void unary_loop(const void* x, void* y, size_t n, const float* params) noexcept {
  const T* from = static_cast<const T*>(x);
  T* to = static_cast<T*>(y);
  for (size_t i = 0; i < n; ++i) to[i] = F{}(from[i], params);
}

template <class F>
constexpr UnaryOp float_op(F, std::array<UnaryParam, kMaxUnaryParams> params = {}) {
  return {{unary_loop<float, F>, unary_loop<double, F>}, params};
}
// The same with a kernel for float32.
template <kernels::UnaryFn* kernel>
void unary_kernel_loop(const void* x, void* y, size_t n, const float* params) noexcept {
  kernel(static_cast<const float*>(x), static_cast<float*>(y), n, params);
}
template <kernels::UnaryFn* kernel, class F>
constexpr UnaryOp kernel_op(F, std::array<UnaryParam, kMaxUnaryParams> params = {}) {
  return {{unary_kernel_loop<kernel>, unary_loop<double, F>}, params};
}

template <class F>
constexpr UnaryOp number_op(F, std::array<UnaryParam, kMaxUnaryParams> params = {}) {
  return {{unary_loop<float, F>, unary_loop<double, F>, unary_loop<int64_t, F>,
           unary_loop<uint64_t, F>},
          params};
}

// Calls f(wide numbers, index of the first, count) for successive blocks of x; the block may be
// overwritten when elements are not wide numbers themselves.
inline constexpr size_t kElementwiseBlock = 256;
using ElementwiseBlock = std::array<uint64_t, kElementwiseBlock>;
template <class F>
void for_each_block(const WideType& type, const void* x, size_t count, F&& f) {
  if (type.is_native) return f(x, size_t{0}, count);
  ElementwiseBlock block;
  for (size_t i = 0; i < count; i += kElementwiseBlock) {
    const size_t n = std::min(kElementwiseBlock, count - i);
    type.load(static_cast<const uint8_t*>(x) + i * type.bytes, 1, n, block.data());
    f(static_cast<const void*>(block.data()), i, n);
  }
}

// y = function(x, y, n) on all elements of one number type, block by block where it is not wide.
template <class F>
void map_blocks(const WideType& type, const void* x, void* y, size_t count, F&& function) {
  if (type.is_native) return function(x, y, count);
  for_each_block(type, x, count, [&](const void* wide, size_t begin, size_t n) {
    ElementwiseBlock result;
    function(wide, static_cast<void*>(result.data()), n);
    type.store(result.data(), n, static_cast<uint8_t*>(y) + begin * type.bytes);
  });
}

Kernel unary_kernel(PrepareContext& ctx, const UnaryOp& op);

template <const UnaryOp& op>
Kernel prepare_unary(PrepareContext& ctx) {
  return unary_kernel(ctx, op);
}

void infer_same(InferContext& ctx);

// The float32 loop of an activation that epilogues apply in place, or null. Its params are the
// operator's attributes in the order of the definition.
UnaryFn find_activation(std::string_view op_type);

// --- two operands

// y[i] = f(a[i], b[i]) on n wide numbers; y may be a or b. Predicates write one byte per element.
using BinaryFn = void (*)(const void* a, const void* b, void* y, size_t n) noexcept;

struct BinaryOp {
  std::array<BinaryFn, kWideCount> functions{};
  bool is_predicate = false;               // yields bool
  std::optional<kernels::Binary> kernel{}; // broadcasts float32 operands itself
};

template <class T, class F>
void binary_loop(const void* a, const void* b, void* y, size_t n) noexcept {
  using Result = std::invoke_result_t<F, T, T>;
  const T* left = static_cast<const T*>(a);
  const T* right = static_cast<const T*>(b);
  Result* to = static_cast<Result*>(y);
  for (size_t i = 0; i < n; ++i) to[i] = F{}(left[i], right[i]);
}

template <class F>
constexpr BinaryOp binary_op(F) {
  return {{binary_loop<float, F>, binary_loop<double, F>, binary_loop<int64_t, F>,
           binary_loop<uint64_t, F>},
          std::is_same_v<std::invoke_result_t<F, float, float>, bool>};
}

// The float function is a kernel, F serves the other types.
template <kernels::Binary kernel>
void binary_kernel_loop(const void* a, const void* b, void* y, size_t n) noexcept {
  kernels::BinaryNest nest;
  nest.add_inner(n, {1, 1, 1});
  kernels::binary_f32(kernel, nest, static_cast<const float*>(a), static_cast<const float*>(b), y);
}
template <kernels::Binary kernel, class F>
constexpr BinaryOp kernel_op(F) {
  return {{binary_kernel_loop<kernel>, binary_loop<double, F>, binary_loop<int64_t, F>,
           binary_loop<uint64_t, F>},
          std::is_same_v<std::invoke_result_t<F, double, double>, bool>,
          kernel};
}

// y = f(a, b) broadcast; all three of any number types, computed as `compute`.
class BinaryLoop {
public:
  struct Operand {
    DType dtype;
    const Shape* shape;
  };
  BinaryLoop(const NodeContext& ctx, const BinaryOp& op, Wide compute, Operand a, Operand b,
             Operand out);

  void operator()(const Workers& workers, const void* a, const void* b, void* y) const noexcept;

private:
  struct Source {
    const WideType* type;
    WideConvert convert; // null when elements are wide numbers of the computing type
  };
  void run_blocks(const void* a, const void* b, void* y) const noexcept;
  const void* fetch(size_t operand, const uint8_t* x, size_t n, bool repeats,
                    void* block) const noexcept;

  BinaryFn function_;
  std::optional<kernels::Binary> kernel_; // set when it can take the operands as they are
  std::array<Source, 2> sources_;
  const WideType* out_ = nullptr; // null for predicates: the function writes the output itself
  WideConvert convert_out_ = nullptr;
  bool direct_ = true; // the function reads and writes the operands where they are
  kernels::BinaryNest nest_;
};

// Infers numpy broadcasting of all inputs, which have one type; the output has it as well.
void infer_broadcast(InferContext& ctx);
// The same for predicates: the output is bool.
void infer_predicate(InferContext& ctx);
// The shape that all inputs broadcast to; throws naming the node.
Shape broadcast_inputs(const InferContext& ctx);

Kernel binary_kernel(PrepareContext& ctx, const BinaryOp& op);

template <const BinaryOp& op>
Kernel prepare_binary(PrepareContext& ctx) {
  return binary_kernel(ctx, op);
}

} // namespace octet

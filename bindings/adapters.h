// Between C++ and JavaScript: errors, bytes, lists. Nothing here knows what is being called.
//
// Bytes cross as (address, size) pairs. JavaScript asks for room with `allocate`, fills it with one
// copy and hands it over; from then on C++ owns it, whatever happens. Results are read from the
// heap before the next call. Files cross as Uint8Arrays, whose parts C++ fetches when it needs
// them.
#pragma once

#include <emscripten/val.h>

#include <new>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "base/error.h"
#include "base/tensor.h"

namespace octet::bindings {

using emscripten::val;

// {error: {code, message}}
val failure(ErrorCode code, const std::string& message);

// Runs `body` and returns {value: its result}, or what went wrong as {error}. The only place where
// exceptions end; nothing is thrown into JavaScript.
template <class Body>
val guard(const Body& body) {
  try {
    val result = val::object();
    result.set("value", body());
    return result;
  } catch (const Error& error) {
    return failure(error.code(), error.message());
  } catch (const std::bad_alloc&) {
    return failure(ErrorCode::OutOfMemory, "out of memory");
  } catch (const std::exception& error) {
    return failure(ErrorCode::Internal, error.what());
  }
}

// Room for `size` bytes in the heap, or 0.
uintptr_t allocate(double size);
void deallocate(uintptr_t address);

// Takes over bytes that `allocate` made room for.
SharedBytes take_bytes(uintptr_t address, double size);

// A file in a Uint8Array that never changes. A small one is copied; a large one stays outside of
// the heap.
SharedBytes file_of(const val& array);

// {address, size} of bytes that stay owned by C++.
val view_of(Bytes bytes);

std::vector<std::string> strings_of(const val& array);
// [[name, number], …]
std::vector<std::pair<std::string, int64_t>> named_numbers_of(const val& entries);

// {type: ONNX number, dims: [numbers], address, size} or {…, strings} → Tensor, taking over the
// bytes.
Tensor take_tensor(const val& description);
// The same form, pointing at the tensor's own bytes.
val describe_tensor(const Tensor& tensor);

} // namespace octet::bindings

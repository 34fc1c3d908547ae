// Between C++ and JavaScript: errors, bytes, lists. Nothing here knows what is being called.
//
// Results cross as (address, size) pairs, to be read from the heap before the next call. Files
// cross as Uint8Arrays, whose parts C++ fetches when it needs them.
#pragma once

#include <emscripten/val.h>

#include <new>
#include <optional>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "base/error.h"

namespace octet::bindings {

using emscripten::val;

// What went wrong, as {error: {code, message}}.
val describe(const Error& error);

// Runs `body`; what it throws comes back. The only place where exceptions end; nothing is thrown
// into JavaScript.
template <class Body>
std::optional<Error> attempt(const Body& body) {
  try {
    body();
    return std::nullopt;
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return Error(ErrorCode::OutOfMemory, "out of memory");
  } catch (const std::exception& error) {
    return Error(ErrorCode::Internal, error.what());
  }
}

// Runs `body` and returns {value: its result}, or what went wrong as {error}.
template <class Body>
val guard(const Body& body) {
  val result = val::object();
  const auto error = attempt([&] { result.set("value", body()); });
  return error ? describe(*error) : result;
}

// A file in a Uint8Array that never changes. A small one is copied; a large one stays outside of
// the heap.
SharedBytes file_of(const val& array);

// {address, size} of bytes that stay owned by C++.
val view_of(Bytes bytes);

// Throws InvalidInput for what is not one.
int64_t integer_of(double number);

std::vector<std::string> strings_of(const val& array);
val array_of(const std::vector<std::string>& strings);
// [[name, number], …]
std::vector<std::pair<std::string, int64_t>> named_numbers_of(const val& entries);

} // namespace octet::bindings

// How the tensors of a run cross: as numbers in the heap, because objects cost more than many a
// run.
//
// The block holds float64 numbers and the bytes of the feeds. JavaScript reserves it, writes
//   for each input in order:   element type, rank, dims…, offset of its bytes in the block, size
//   then:                      how many outputs are wanted, and their numbers
// and reads results of the form
//   for each wanted output:    element type, rank, dims…, address of its bytes in the heap, size
// Strings cross apart: instead of an offset and a size there are the number of the tensor among
// those of strings, and 0. A sequence (type 27) or map (28) is its type, the number of its items
// (keys and values, of a map), and the items one after the other; type 0 and another 0 are nothing,
// the content of an empty optional.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/session.h"
#include "base/buffer.h"
#include "base/tensor.h"

namespace octet::bindings {

class CallBlock {
public:
  // Room for `bytes`, which loses what was written before; its address. Throws OutOfMemory.
  uintptr_t reserve(double bytes);
  // For the next `run`.
  void give_strings(std::vector<std::string> strings);

  // Runs on what was written; returns the address of the results, which stay until the next call.
  uintptr_t run(Session& session);
  // The first and the last part of it: the caller lets the session prepare and advance in between.
  void begin(Session& session);
  uintptr_t results(const Session& session);
  // Tensor i of strings among the results of the last run.
  const std::vector<std::string>& strings(size_t i) const { return *result_strings_.at(i); }

private:
  class Numbers;
  Tensor feed(Numbers& numbers, int depth);
  Tensor feed_items(DType type, Numbers& numbers, int depth);
  void describe(const Tensor& result);
  void describe_tensor(const Tensor& result);

  Buffer block_;
  std::vector<std::vector<std::string>> strings_; // of the next run's feeds
  std::vector<const std::vector<std::string>*> result_strings_;
  std::vector<Tensor> feeds_, results_; // results may be views of feeds
  std::vector<size_t> fetches_;
  std::vector<double> description_;
};

} // namespace octet::bindings

// How the tensors of a run cross: as numbers in the heap, because objects cost more than many a
// run.
//
// The block holds float64 numbers and the bytes of the feeds. JavaScript reserves it, writes
//   for each input in order:   element type, rank, dims…, offset of its bytes in the block, size
//   then:                      how many outputs are wanted, and their numbers
// and reads results of the form
//   for each wanted output:    element type, rank, dims…, address of its bytes in the heap, size
// Strings cross apart: instead of an offset and a size there are two numbers without meaning.
#pragma once

#include <cstdint>
#include <map>
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
  void give_strings(size_t input, std::vector<std::string> strings);

  // Runs on what was written; returns the address of the results, which stay until the next call.
  uintptr_t run(Session& session);
  // Result i of the last run, which is a tensor of strings.
  const std::vector<std::string>& strings(size_t i) const { return results_.at(i).strings(); }

private:
  class Numbers;
  Tensor feed(size_t input, Numbers& numbers);
  void describe(const Tensor& result);

  Buffer block_;
  std::map<size_t, std::vector<std::string>> strings_;
  std::vector<Tensor> feeds_, results_; // results may be views of feeds
  std::vector<size_t> fetches_;
  std::vector<double> description_;
};

} // namespace octet::bindings

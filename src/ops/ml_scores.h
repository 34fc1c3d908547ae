// What classifiers and regressors of ai.onnx.ml do with scores, as onnxruntime does it.
#pragma once

#include <string>
#include <vector>

#include "ops/op_def.h"

namespace octet {

enum class PostTransform : uint8_t { None, Softmax, Logistic, SoftmaxZero, Probit };

// Attribute `post_transform`: a name, or TreeEnsemble's number. Throws InvalidModel.
PostTransform post_transform_of(const NodeContext& ctx);

// How a single score becomes one of each of two classes.
enum class SecondClass : uint8_t {
  None,
  Complement, // 1 − score: of votes that are all positive; of a logistic score, the opposite
  Opposite,   // −score
};

// The scores of one row, transformed; a single one may become two. Among single scores that stay
// alone only Probit's are transformed.
void finish_scores(std::vector<double>& scores, PostTransform transform, SecondClass second);

// The labels of classes: numbers or strings.
class ClassLabels {
public:
  // Of the attributes of these names. Throws InvalidModel when there are none, or both.
  ClassLabels(const NodeContext& ctx, std::string_view numbers, std::string_view strings);

  size_t size() const { return are_strings() ? strings_.size() : numbers_.size(); }
  bool are_strings() const { return !strings_.empty(); }
  DType dtype() const { return are_strings() ? DType::String : DType::Int64; }
  // The labels of classes, which exist. With one label alone class 1 has it and class 0 is 0 or "".
  Tensor pick(const std::vector<size_t>& classes) const;
  int64_t number(size_t index) const;

private:
  std::vector<int64_t> numbers_;
  std::vector<std::string> strings_;
};

// Rows of a matrix, or the one row of a list. Throws InvalidModel for other shapes.
struct Rows {
  int64_t count, width;
};
Rows rows_of(const NodeContext& ctx);

} // namespace octet

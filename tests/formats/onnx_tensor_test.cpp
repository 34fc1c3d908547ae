// Initializers of ONNX files: where their data is, and whether there is as much as there must be.
#include <catch2/catch.hpp>

#include "base/limits.h"
#include "formats/onnx/onnx_reader.h"
#include "formats/onnx/onnx_writer.h"
#include "tests/formats/onnx_bytes.h"
#include "tests/formats/onnx_files.h"
#include "tests/formats/sanitizer.h"

using namespace octet;
using namespace octet::test;
using Catch::Matchers::Contains;

namespace {
// A model whose only initializer is `w`.
std::string model_with(const std::string& tensor) {
  return model(initializer(tensor) + output("w"));
}

const Tensor& only_constant(const Graph& graph) {
  return *graph.constant(graph.outputs()[0]);
}

std::string text_of(const Tensor& tensor) {
  return std::string(reinterpret_cast<const char*>(tensor.bytes()), tensor.size_bytes());
}

std::string int64_data(std::string_view varints) {
  return text(onnx::tensor::kInt64Data, varints);
}
} // namespace

TEST_CASE("raw weights stay in the file") {
  const SharedBytes file =
      shared(model_with(tensor_fields("w", DType::UInt8, {4}) + raw_data("abcd")));
  const auto graph = read_onnx(file);
  const Tensor& w = only_constant(*graph);
  CHECK(w.bytes() > file.data());
  CHECK(w.bytes() + 4 <= file.data() + file.size());
  CHECK(text_of(w) == "abcd");
}

TEST_CASE("weights are not copied to be read, and once to be written") {
  const std::string weight(1 << 20, 'w');
  const SharedBytes file =
      shared(model_with(tensor_fields("w", DType::UInt8, {1 << 20}) + raw_data(weight)));
  constexpr size_t kRest = 20'000;
  const AllocationPeak reading;
  const auto graph = read_onnx(file);
  CHECK(reading.bytes() < kRest);
  const AllocationPeak writing;
  write_onnx(*graph);
  CHECK(writing.bytes() < weight.size() + kRest);
}

TEST_CASE("tensors must have as much data as their shape says") {
  const auto error = [](DType dtype, std::initializer_list<int64_t> dims, const std::string& data) {
    const std::string message = error_of(model_with(tensor_fields("w", dtype, dims) + data));
    CHECK_THAT(message, Contains("'w'"));
    return message;
  };
  CHECK_THAT(error(DType::Float32, {2}, raw_data("abcd")),
             Contains("8 bytes") && Contains("holds 4"));
  CHECK_THAT(error(DType::Float32, {1}, raw_data("abcdefgh")), Contains("holds 8"));
  CHECK_THAT(error(DType::Int64, {3}, int64_data("\x01\x02")), Contains("less"));
  CHECK_THAT(error(DType::Int64, {3}, int64_data("\x01\x80\x02")), Contains("holds 16"));
  CHECK_THAT(error(DType::Int64, {1}, int64_data("\x01\x02")), Contains("more"));
  CHECK_THAT(error(DType::Int64, {1}, int64_data("\x80")), Contains("broken"));
  CHECK_THAT(error(DType::Float32, {1}, int64_data("\x01")), Contains("another type"));
  CHECK_THAT(error(DType::UInt8, {1}, int64_data("\x01") + raw_data("a")),
             Contains("two different"));
  CHECK_THAT(error(DType::Float32, {1}, ""), Contains("less"));
  CHECK_THAT(error(DType::Float32, {-1}, raw_data("")), Contains("not concrete"));
  CHECK_THAT(error(DType::Float32, {1LL << 60}, raw_data("abcd")),
             Contains("bytes") || Contains("large") || Contains("overflows"));
  CHECK_THAT(error(DType::Float32, {1LL << 40, 1LL << 40}, raw_data("")),
             Contains("large") || Contains("overflows"));
  CHECK_THAT(error(static_cast<DType>(99), {1}, raw_data("a")), Contains("99"));
  CHECK_THAT(error(DType::String, {2}, text(onnx::tensor::kStringData, "one")),
             Contains("2 strings"));
  CHECK_THAT(error(DType::String, {1}, raw_data("a")), Contains("belong"));
  CHECK_THAT(error(DType::UInt8, {1}, text(onnx::tensor::kStringData, "a")), Contains("strings"));
}

TEST_CASE("a shape has at most so many dimensions") {
  std::string dims(limits::kMaxRank + 1, '\x01');
  const auto file = [&] {
    return model_with(tensor_fields("w", DType::UInt8, {}) + text(onnx::tensor::kDims, dims) +
                      raw_data("a"));
  };
  CHECK_THAT(error_of(file()), Contains("'w'") && Contains("dimensions"));
  dims.pop_back();
  CHECK(error_of(file()).empty());
}

TEST_CASE("bools are zero or one") {
  const auto graph = read(model_with(tensor_fields("w", DType::Bool, {3}) +
                                     raw_data(std::string_view("\0\x01\x07", 3))));
  CHECK(text_of(only_constant(*graph)) == std::string("\0\x01\x01", 3));
}

TEST_CASE("external data comes from the files given") {
  const auto entry = [](std::string_view key, std::string_view value) {
    return text(onnx::tensor::kExternalData,
                text(onnx::entry::kKey, key) + text(onnx::entry::kValue, value));
  };
  const auto file = [&](const std::string& entries) {
    return model_with(tensor_fields("w", DType::UInt8, {3}) +
                      number(onnx::tensor::kDataLocation, 1) + entries);
  };
  const std::string here = entry("location", "dir/weights.bin");
  const ExternalFile weights[] = {{"dir/weights.bin", shared("0123456789")}};
  ExternalFiles given{std::span(weights)};

  const auto part = read(
      file(entry("location", "./dir/weights.bin") + entry("offset", "4") + entry("length", "3")),
      given);
  CHECK(only_constant(*part).bytes() == weights[0].bytes.data() + 4);
  CHECK(only_constant(*read(file(here), given)).bytes() == weights[0].bytes.data());
  const std::string written = test::text_of(write_onnx(*part));
  CHECK_THAT(written, Contains("456") && !Contains("weights.bin"));

  const auto error = [&](const std::string& entries) {
    const std::string message = error_of(file(entries), given);
    CHECK_THAT(message, Contains("'w'"));
    return message;
  };
  CHECK_THAT(error(entry("location", "other.bin")),
             Contains("'other.bin'") && Contains("not given"));
  for (const char* path :
       {"../weights.bin", "dir/../../weights.bin", "/etc/passwd", "C:\\x", "a\\b", ".."})
    CHECK_THAT(error(entry("location", path)), Contains("not a path below"));
  std::vector<std::string> asked;
  given.find = [&](const std::string& location) -> std::optional<SharedBytes> {
    asked.push_back(location);
    if (location == "other.bin") return shared("abc");
    return std::nullopt;
  };
  CHECK(text_of(only_constant(*read(file(entry("location", "./other.bin")), given))) == "abc");
  CHECK_THAT(error(entry("location", "third.bin")), Contains("not given"));
  CHECK_THAT(error(entry("location", "../other.bin")), Contains("not a path below"));
  read(file(here + entry("length", "3")), given);
  CHECK(asked == std::vector<std::string>{"other.bin", "third.bin"});
  CHECK_THAT(error(here + entry("offset", "8")), Contains("not there"));
  CHECK_THAT(error(here + entry("offset", "18446744073709551615")), Contains("not there"));
  CHECK_THAT(error(here + entry("length", "4")), Contains("has 4"));
  CHECK_THAT(error(here + entry("offset", "-1")), Contains("not a number"));
  CHECK_THAT(error(""), Contains("names no file"));
}

TEST_CASE("sparse initializers become dense") {
  const auto sparse = [](std::initializer_list<int64_t> indices_shape, std::string_view indices,
                         std::initializer_list<int64_t> dims) {
    std::string out =
        text(onnx::sparse_tensor::kValues, tensor_fields("w", DType::UInt8, {2}) + raw_data("ab")) +
        text(onnx::sparse_tensor::kIndices,
             tensor_fields("", DType::Int64, indices_shape) + int64_data(indices));
    for (int64_t dim : dims) out += number(onnx::sparse_tensor::kDims, dim);
    return model(text(onnx::graph::kSparseInitializer, out) + output("w"));
  };
  const std::string dense("\0a\0\0\0b", 6);
  CHECK(text_of(only_constant(*read(sparse({2}, "\x01\x05", {2, 3})))) == dense);
  const std::string_view pairs("\x00\x01\x01\x02", 4);
  CHECK(text_of(only_constant(*read(sparse({2, 2}, pairs, {2, 3})))) == dense);
  CHECK_THAT(error_of(sparse({2}, "\x01\x06", {2, 3})), Contains("'w'") && Contains("index 6"));
  CHECK_THAT(error_of(sparse({}, "\x01", {2, 3})), Contains("'w'") && Contains("fit"));
  CHECK_THAT(error_of(sparse({2, 3}, "\1\1\1\1\1\1", {2, 3})), Contains("'w'") && Contains("fit"));
  CHECK_THAT(error_of(sparse({2}, "\x01\x05", {1 << 20, 1 << 10})),
             Contains("'w'") && Contains("sparse"));
}

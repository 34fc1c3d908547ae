// The ONNX backend node tests of Debian's libonnx-testdata: every test whose operators are all
// registered must pass, but for the few listed here with their reason. Each model runs as a session
// would run it: canonicalized, lowered, planned.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "formats/format_list.h"
#include "formats/onnx/read_tensor.h"
#include "ops/registry.h"
#include "passes/pipeline.h"
#include "runtime/session.h"

namespace octet {
namespace {
namespace fs = std::filesystem;
constexpr const char* kNodeTests = "/usr/share/libonnx-testdata/data/node";

// What ONNX's own runner allows for float32, with the absolute part of this project's promise.
constexpr double kRelative = 1e-3, kAbsolute = 1e-5;

SharedBytes read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  REQUIRE(file);
  Buffer buffer(static_cast<size_t>(file.tellg()));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(buffer.data()), static_cast<std::streamsize>(buffer.size()));
  return SharedBytes(std::move(buffer));
}

Tensor read_tensor_file(const fs::path& path) {
  const onnx::ModelFiles files{read_file(path), {}};
  return onnx::read_tensor(wire::MessageReader(files.model.bytes()), files).tensor;
}

std::vector<Tensor> read_tensors(const fs::path& folder, const std::string& kind) {
  std::vector<Tensor> out;
  for (size_t i = 0;; ++i) {
    const fs::path path = folder / (kind + "_" + std::to_string(i) + ".pb");
    if (!fs::exists(path)) return out;
    out.push_back(read_tensor_file(path));
  }
}

// The test data has the bits of bfloat16 tensors as uint16.
Tensor with_declared_type(const Tensor& tensor, DType declared) {
  if (tensor.dtype() != DType::UInt16 || declared != DType::BFloat16) return tensor;
  return Tensor(declared, tensor.shape(), tensor.data());
}

bool uses_only_registered(const Graph& graph) {
  return std::all_of(graph.nodes().begin(), graph.nodes().end(), [&](NodeId id) {
    const Node& node = graph.node(id);
    if (!find_op(node.domain, node.op_type)) return false;
    return std::all_of(node.attributes.begin(), node.attributes.end(), [](const auto& item) {
      const auto* subgraph = std::get_if<std::shared_ptr<Graph>>(&item.second);
      return !subgraph || uses_only_registered(**subgraph);
    });
  });
}

// Empty when equal within tolerance, else what differs.
std::string difference(const Tensor& got, const Tensor& expected) {
  if (got.dtype() != expected.dtype())
    return concat("is ", dtype_name(got.dtype()), ", not ", dtype_name(expected.dtype()));
  if (got.shape() != expected.shape())
    return concat("has shape ", to_string(got.shape()), ", not ", to_string(expected.shape()));
  const auto a = float64_values(got, "result"), b = float64_values(expected, "expectation");
  const bool exact = !is_float(got.dtype());
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    const bool close =
        std::isfinite(b[i]) && std::abs(a[i] - b[i]) <= kAbsolute + kRelative * std::abs(b[i]);
    if (exact || !close) return concat("has ", a[i], " instead of ", b[i], " at ", i);
  }
  return {};
}

// Empty when the test passes.
std::string run_test(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.is_directory()) continue;
    const auto inputs = read_tensors(entry.path(), "input");
    const auto expected = read_tensors(entry.path(), "output");
    auto graph = read_model(read_file(folder / "model.onnx"));
    canonicalize(*graph);
    Session session(std::move(graph), lower, {});
    if (session.inputs().size() != inputs.size()) return "other inputs than the model's";
    std::vector<NamedTensor> feeds;
    for (size_t i = 0; i < inputs.size(); ++i)
      feeds.push_back({session.inputs()[i].name,
                       with_declared_type(inputs[i], session.inputs()[i].type.dtype)});
    const auto results = session.run(feeds, {});
    if (results.size() != expected.size()) return "other outputs than the model's";
    for (size_t i = 0; i < results.size(); ++i)
      if (const auto found =
              difference(results[i], with_declared_type(expected[i], results[i].dtype()));
          !found.empty())
        return concat("output ", i, " ", found);
  }
  return {};
}

struct Exception {
  const char* prefix; // of the names of the tests
  const char* reason; // part of the message that must be given
};
constexpr Exception kExceptions[] = {
    // The data truncates where the specification rounds.
    {"cast_FLOAT_to_BFLOAT16", "0.48046875 instead of 0.478515625"},
    // The data contradicts the model's declared shape.
    {"castlike_BFLOAT16_to_FLOAT", "expects shape [3, 4], not [1]"},
    {"castlike_FLOAT_to_BFLOAT16", "expects shape [3, 4], not [1]"},
    {"cast_FLOAT_to_STRING", "type string"},
    {"cast_STRING_to_FLOAT", "type string"},
    {"castlike_FLOAT_to_STRING", "type string"},
    {"castlike_STRING_to_FLOAT", "type string"},
    {"identity_", "tensor ''"}, // of a sequence and of an optional
    {"training_dropout", "training mode"},
    {"batchnorm_", "training mode"},
    {"convtranspose_3d", "no kernel"}, // three spatial axes
    {"maxpool_3d", "no kernel"},
    {"averagepool_3d", "no kernel"},
    {"maxpool_with_argmax", "Indices"},
    {"resize_", "mode 'cubic'"},
    {"resize_tf_crop", "tf_crop_and_resize"},
    // The test aligns corners of the output's unrounded size; onnxruntime of the real one.
    {"resize_downsample_scales_linear_align_corners", "has 4 instead of 3.14285"},
    {"basic_convinteger", "not constant"},
    {"convinteger_", "not constant"},
    {"qlinearconv", "not constant"},
    {"qlinearmatmul_", "the scale of the weights is not a float32 constant"},
};

std::string run_guarded(const fs::path& folder) {
  try {
    return run_test(folder);
  } catch (const Error& error) {
    return concat(error_code_name(error.code()), ": ", error.message());
  }
}

bool is_excepted(const std::string& name, const std::string& message) {
  return std::any_of(std::begin(kExceptions), std::end(kExceptions), [&](const Exception& e) {
    return name.rfind(e.prefix, 0) == 0 && message.find(e.reason) != std::string::npos;
  });
}
} // namespace

TEST_CASE("ONNX backend node tests") {
  REQUIRE(fs::is_directory(kNodeTests));
  size_t passed = 0, excepted = 0, unregistered = 0;
  for (const auto& entry : fs::directory_iterator(kNodeTests)) {
    const std::string name = entry.path().filename().string().substr(5);
    bool registered = false;
    try {
      registered = uses_only_registered(*read_model(read_file(entry.path() / "model.onnx")));
    } catch (const Error&) {
      // Types that Octet does not model: sequences, optionals.
    }
    if (!registered) {
      ++unregistered;
      continue;
    }
    const std::string message = run_guarded(entry.path());
    if (!message.empty() && is_excepted(name, message)) {
      ++excepted;
      continue;
    }
    INFO(name << ": " << message);
    CHECK(message.empty());
    passed += message.empty();
  }
  WARN(passed << " passed, " << excepted << " excepted, " << unregistered
              << " with operators that do not exist here");
}

} // namespace octet

// The native twin of package_child.mjs: runs the models of the conformance tests under the
// sanitizers, as a session in the browser would. Reads requests from standard input and writes
// replies to standard output; wire.mjs describes both.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "api/model.h"
#include "api/session.h"

namespace octet {
namespace {

constexpr std::string_view kNothing = "-";
constexpr char kDigits[] = "0123456789abcdef";

std::string to_hex(const uint8_t* bytes, size_t size) {
  if (size == 0) return std::string(kNothing);
  std::string out;
  out.reserve(size * 2);
  for (size_t i = 0; i < size; ++i) {
    out += kDigits[bytes[i] >> 4];
    out += kDigits[bytes[i] & 15];
  }
  return out;
}

std::string to_hex(const std::string& text) {
  return to_hex(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

std::string from_hex(const std::string& word) {
  if (word == kNothing) return {};
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string out;
  for (size_t i = 0; i + 1 < word.size(); i += 2)
    out += static_cast<char>(digit(word[i]) << 4 | digit(word[i + 1]));
  return out;
}

template <class T>
T next(std::istream& words) {
  T value{};
  words >> value;
  return value;
}

SharedBytes shared(const std::string& bytes) {
  Buffer buffer(bytes.size());
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(buffer.data()));
  return SharedBytes(std::move(buffer));
}

Shape read_shape(std::istream& words) {
  std::vector<int64_t> dims(next<size_t>(words));
  for (int64_t& dim : dims) words >> dim;
  return Shape(std::move(dims));
}

Tensor read_value(std::istream& words) {
  const auto kind = next<std::string>(words);
  if (kind == "strings") {
    Shape shape = read_shape(words);
    std::vector<std::string> strings(shape.elements());
    for (std::string& text : strings) text = from_hex(next<std::string>(words));
    return Tensor(std::move(shape), std::move(strings));
  }
  if (kind == "sequence") {
    std::vector<Tensor> items(next<size_t>(words));
    for (Tensor& item : items) item = read_value(words);
    return Tensor::sequence(std::move(items));
  }
  if (kind == "none") return {};
  const auto dtype = dtype_from_onnx(next<int64_t>(words));
  if (!dtype) fail(ErrorCode::InvalidInput, "a feed of an element type that does not exist");
  Shape shape = read_shape(words);
  return Tensor(*dtype, std::move(shape), shared(from_hex(next<std::string>(words))));
}

void write_tensor(std::ostream& reply, const Tensor& tensor) {
  const bool is_string = tensor.dtype() == DType::String;
  reply << (is_string ? " strings" : " tensor");
  if (!is_string) reply << ' ' << static_cast<int>(tensor.dtype());
  reply << ' ' << tensor.shape().rank();
  for (const int64_t dim : tensor.shape()) reply << ' ' << dim;
  if (!is_string) {
    reply << ' ' << to_hex(tensor.bytes(), tensor.size_bytes());
  } else {
    for (const std::string& text : tensor.strings()) reply << ' ' << to_hex(text);
  }
}

void write_value(std::ostream& reply, const Tensor& value) {
  switch (value.dtype()) {
  case DType::Undefined:
    reply << " none";
    return;
  case DType::Sequence:
    reply << " sequence " << value.items().size();
    for (const Tensor& item : value.items()) write_value(reply, item);
    return;
  case DType::Map:
    fail(ErrorCode::UnsupportedOperator, "a map as a result");
  default:
    write_tensor(reply, value);
  }
}

std::string read_file(const std::string& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

void run(std::istream& words, std::ostream& reply) {
  const std::string path = from_hex(next<std::string>(words));
  const auto session = create_session(open_model(shared(read_file(path))), {});
  for (const Port& port : session->inputs())
    if (port.image)
      fail(ErrorCode::UnsupportedOperator, "ImageDecoder '", port.image->node, "' in this process");
  std::vector<NamedTensor> feeds(next<size_t>(words));
  for (NamedTensor& feed : feeds) {
    feed.name = from_hex(next<std::string>(words));
    feed.tensor = read_value(words);
  }
  const std::vector<Tensor> results = session->run(feeds, {});
  reply << "ok " << results.size();
  for (const Tensor& result : results) write_value(reply, result);
}

std::string reply_to(const std::string& request) {
  std::istringstream words(request);
  std::ostringstream reply;
  const auto error = [](std::string_view code, const std::string& message) {
    return concat("error ", code, " ", to_hex(message));
  };
  try {
    run(words, reply);
    return reply.str();
  } catch (const Error& e) {
    return error(error_code_name(e.code()), e.message());
  } catch (const std::exception& e) {
    return error("exception", e.what());
  }
}

} // namespace
} // namespace octet

int main() {
  for (std::string request; std::getline(std::cin, request);)
    std::cout << octet::reply_to(request) << std::endl;
}

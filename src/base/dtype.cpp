#include "base/dtype.h"

#include "base/bytes.h"

namespace octet {
namespace {
struct DTypeInfo {
  std::string_view name;
  uint8_t bits;
};
constexpr DTypeInfo kInfo[kDTypeCount] = {
    {"undefined", 0},      {"float32", 32},   {"uint8", 8},
    {"int8", 8},           {"uint16", 16},    {"int16", 16},
    {"int32", 32},         {"int64", 64},     {"string", 0},
    {"bool", 8},           {"float16", 16},   {"float64", 64},
    {"uint32", 32},        {"uint64", 64},    {"complex64", 64},
    {"complex128", 128},   {"bfloat16", 16},  {"float8e4m3fn", 8},
    {"float8e4m3fnuz", 8}, {"float8e5m2", 8}, {"float8e5m2fnuz", 8},
    {"uint4", 4},          {"int4", 4},       {"float4e2m1", 4},
    {"float8e8m0", 8},     {"uint2", 2},      {"int2", 2},
    {"sequence", 0},       {"map", 0},
};
} // namespace

size_t dtype_bits(DType dtype) {
  return kInfo[static_cast<int>(dtype)].bits;
}

std::string_view dtype_name(DType dtype) {
  return kInfo[static_cast<int>(dtype)].name;
}

std::optional<DType> dtype_from_onnx(int64_t number) {
  if (number < 0 || number > static_cast<int>(DType::Int2)) return std::nullopt;
  return static_cast<DType>(number);
}

size_t dtype_bytes(DType dtype, size_t count) {
  const size_t bits = dtype_bits(dtype);
  if (bits >= 8) return checked_mul(count, bits / 8);
  return checked_add(checked_mul(count, bits), 7) / 8;
}

} // namespace octet

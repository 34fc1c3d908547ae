// The lowered Compare: sums that tell how far a value (input 1) is from a reference of the same
// shape (input 0). Its one output, of type float64, holds Σ r², Σ c², Σ r·c, Σ (r − c)², max |r −
// c|, how many rows (along the last axis) there are, and in how many of them the first of the
// largest elements is at the same place. No rows stand for values that nothing can be said of:
// those without numbers, and with the attribute `floats_only` those whose reference is not of
// floats.
//
// With the attribute `scale` the candidate is of uint8, int8 or int16 that stand for
// (c − zero_point) · scale, and the reference is of float32. With the attribute `channels_last`
// operands are laid out so; rows are those of the model's layout all the same. The sums do not
// depend on the number of threads.
#include <algorithm>
#include <cmath>
#include <optional>

#include "kernels/compare/compare.h"
#include "kernels/convert/convert.h"
#include "ops/op_def.h"
#include "ops/scratch_layout.h"
#include "ops/wide.h"

namespace octet {
namespace {
struct Sums {
  kernels::DifferenceSums differences;
  double rows = 0, agreeing = 0;

  void add(const Sums& other) {
    differences.signal += other.differences.signal;
    differences.candidate += other.differences.candidate;
    differences.product += other.differences.product;
    differences.noise += other.differences.noise;
    differences.largest = std::max(differences.largest, other.differences.largest);
    rows += other.rows;
    agreeing += other.agreeing;
  }
};
constexpr int64_t kSumCount = sizeof(Sums) / sizeof(double);

// The tensor in blocks of rows that lie side by side, one for each channel.
struct RowBlocks {
  size_t width = 0, channels = 1, count = 0;
  size_t elements() const { return width * channels; }
};

RowBlocks row_blocks(const Shape& shape, bool channels_last) {
  const size_t rank = shape.rank();
  const auto dim = [&](size_t from_end) {
    return rank < from_end ? size_t{1} : static_cast<size_t>(shape[rank - from_end]);
  };
  RowBlocks blocks{.width = dim(channels_last ? 2 : 1), .channels = channels_last ? dim(1) : 1};
  if (blocks.elements() != 0) blocks.count = shape.elements() / blocks.elements();
  return blocks;
}

// Reads numbers of a type as doubles.
class Doubles {
public:
  explicit Doubles(DType dtype)
      : type_(find_wide(dtype)), convert_(wide_convert(type_->wide, Wide::F64)) {}

  // `wide` has room for as many.
  void load(const void* values, size_t first, size_t count, double* wide, double* to) const {
    const auto* bytes = static_cast<const uint8_t*>(values) + first * type_->bytes;
    type_->load(bytes, 1, count, wide);
    convert_(wide, count, to);
  }

private:
  const WideType* type_;
  WideConvert convert_;
};

bool can_compare(const NodeContext& ctx) {
  if (!ctx.has_input(0) || !ctx.has_input(1)) return false;
  const bool floats_only = ctx.attributes().get_int("floats_only", 0) != 0;
  return find_wide(ctx.dtype(0)) && find_wide(ctx.dtype(1)) &&
         (!floats_only || is_float(ctx.dtype(0)));
}

void infer_compare(InferContext& ctx) {
  if (can_compare(ctx) && ctx.shape(0) != ctx.shape(1))
    fail(ErrorCode::InvalidInput, "'", ctx.node().name, "' is ", to_string(ctx.shape(0)), " and ",
         to_string(ctx.shape(1)));
  ctx.set_output(0, DType::Float64, {kSumCount});
}

// Codes that stand for (code − zero_point) · scale.
struct CodeScale {
  kernels::QType type = kernels::QType::s16;
  float scale = 1;
  int16_t zero_point = 0; // as the kernels read it: little-endian, so its first byte serves bytes
  size_t bytes() const { return kernels::element_bytes(type); }
};

std::optional<CodeScale> code_scale(const PrepareContext& ctx) {
  const Attributes& attributes = ctx.attributes();
  if (!attributes.has("scale")) return std::nullopt;
  using kernels::QType;
  const DType dtype = ctx.dtype(1);
  return CodeScale{.type = dtype == DType::UInt8  ? QType::u8
                           : dtype == DType::Int8 ? QType::s8
                                                  : QType::s16,
                   .scale = attributes.get_float("scale", 1),
                   .zero_point = static_cast<int16_t>(attributes.get_int("zero_point", 0))};
}

// Compares parts of the tensor, always the same ones.
class Comparer {
public:
  Comparer(PrepareContext& ctx, bool channels_last)
      : blocks_(row_blocks(ctx.shape(0), channels_last)), reference_(ctx.dtype(0)),
        candidate_(ctx.dtype(1)), codes_(code_scale(ctx)),
        is_float32_(ctx.dtype(0) == DType::Float32 && ctx.dtype(1) == DType::Float32) {
    if (codes_) {
      blocks_at_once_ =
          std::max<size_t>(kNumbersAtOnce / std::max<size_t>(blocks_.elements(), 1), 1);
      room_ = aligned_scratch(
          checked_mul(checked_mul(blocks_at_once_, blocks_.elements()), sizeof(float)));
    } else if (!is_float32_) {
      room_ = aligned_scratch(checked_mul(blocks_.elements(), sizeof(double)));
    }
    ctx.request_scratch(checked_add(
        kPartsBytes, checked_mul(ctx.worker_count(), checked_mul(kRoomsPerWorker, room_))));
  }

  void operator()(const RunContext& run) const {
    auto* parts = reinterpret_cast<Sums*>(run.scratch);
    constexpr size_t kCost = 16; // of an element
    const size_t cost = blocks_.count * blocks_.elements() / kParts * kCost;
    run.workers.split(kParts, 1, cost, [&](size_t begin, size_t end, size_t worker) {
      for (size_t part = begin; part < end; ++part)
        parts[part] = compare(run, blocks_.count * part / kParts,
                              blocks_.count * (part + 1) / kParts, worker);
    });
    Sums total;
    for (size_t part = 0; part < kParts; ++part) total.add(parts[part]);
    if (std::isnan(total.differences.noise)) total.differences.largest = total.differences.noise;
    *run.output<Sums>(0) = total;
  }

private:
  static constexpr size_t kParts = 16, kPartsBytes = kParts * sizeof(Sums), kRoomsPerWorker = 3,
                          kNumbersAtOnce = 4096;
  static_assert(kPartsBytes % 64 == 0);

  // Blocks [begin, end).
  Sums compare(const RunContext& run, size_t begin, size_t end, size_t worker) const {
    Sums sums;
    sums.rows = static_cast<double>((end - begin) * blocks_.channels);
    if (codes_)
      add_codes(run, begin, end, room<float>(run, worker, 0), sums);
    else if (is_float32_)
      add_floats(run.input<float>(0), run.input<float>(1), begin, end, sums);
    else
      add_numbers(run, begin, end, worker, sums);
    return sums;
  }

  void add_floats(const float* r, const float* c, size_t begin, size_t end, Sums& sums) const {
    const size_t size = blocks_.elements();
    r += begin * size;
    c += begin * size;
    kernels::sum_differences_f32(r, c, (end - begin) * size, sums.differences);
    for (size_t i = begin; i < end; ++i, r += size, c += size)
      sums.agreeing +=
          static_cast<double>(kernels::count_same_tops_f32(r, c, blocks_.width, blocks_.channels));
  }

  void add_codes(const RunContext& run, size_t begin, size_t end, float* numbers,
                 Sums& sums) const {
    const size_t size = blocks_.elements();
    for (size_t i = begin; i < end; i += blocks_at_once_) {
      const size_t count = std::min(blocks_at_once_, end - i);
      const kernels::QuantAxis axes{
          .inner = count * size, .scale = &codes_->scale, .zero_point = &codes_->zero_point};
      const uint8_t* codes = run.input<uint8_t>(1) + i * size * codes_->bytes();
      kernels::dequantize_linear(axes, codes, codes_->type, numbers, 0, axes.inner);
      add_floats(run.input<float>(0) + i * size, numbers, 0, count, sums);
    }
  }

  void add_numbers(const RunContext& run, size_t begin, size_t end, size_t worker,
                   Sums& sums) const {
    const size_t size = blocks_.elements();
    auto *r = room<double>(run, worker, 0), *c = room<double>(run, worker, 1),
         *wide = room<double>(run, worker, 2);
    for (size_t i = begin; i < end; ++i) {
      reference_.load(run.inputs[0], i * size, size, wide, r);
      candidate_.load(run.inputs[1], i * size, size, wide, c);
      kernels::sum_differences(r, c, size, sums.differences);
      sums.agreeing +=
          static_cast<double>(kernels::count_same_tops(r, c, blocks_.width, blocks_.channels));
    }
  }

  // For numbers that are converted.
  template <class T>
  T* room(const RunContext& run, size_t worker, size_t which) const {
    return reinterpret_cast<T*>(run.scratch + kPartsBytes +
                                (worker * kRoomsPerWorker + which) * room_);
  }

  RowBlocks blocks_;
  Doubles reference_, candidate_;
  std::optional<CodeScale> codes_; // of the candidate
  bool is_float32_;
  size_t blocks_at_once_ = 0; // of codes
  size_t room_ = 0;           // bytes
};

Kernel prepare_compare(PrepareContext& ctx) {
  if (can_compare(ctx)) return Comparer(ctx, ctx.attributes().get_int("channels_last", 0) != 0);
  return [](const RunContext& run) { *run.output<Sums>(0) = {}; };
}

std::vector<Tensor> compute_compare(const NodeContext&) {
  constexpr double kNothing[kSumCount] = {};
  return {Tensor::of<double>({kSumCount}, std::span<const double>(kNothing))};
}
} // namespace

extern const OpDef op_compare{
    .infer = infer_compare, .prepare = prepare_compare, .compute = compute_compare};

} // namespace octet

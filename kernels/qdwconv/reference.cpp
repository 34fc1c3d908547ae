#include "kernels/dispatch.h"
#include "kernels/qdot/byte_dot.h"
#include "kernels/qgemm/output_reference.h"

namespace octet::kernels {
namespace {

/// Int16 of two rows, and bytes of four.
struct Pairs {
  using Weight = int16_t;
  static constexpr size_t kRows = kDwPair;
  static int32_t activation(const void* x, size_t i) noexcept {
    return static_cast<const int16_t*>(x)[i];
  }
};
struct Quads {
  using Weight = int8_t;
  static constexpr size_t kRows = kDwQuad;
  static int32_t activation(const void* x, size_t i) noexcept {
    if (byte_dot() == ByteDot::signed_activations) return static_cast<const int8_t*>(x)[i];
    return static_cast<const uint8_t*>(x)[i];
  }
};

template <class Rows>
int32_t channel_sum(const QDwTile& tile, size_t pixel, size_t c) noexcept {
  int32_t acc = 0;
  for (size_t group = 0; group < tile.row_groups; ++group)
    for (size_t kx = 0; kx < tile.columns; ++kx) {
      const int16_t* x =
          tile.x[group] + pixel * tile.x_pixel + kx * tile.x_column + c / kDwChannels * kDwElements;
      const int16_t* w =
          tile.w + c / kDwChannels * tile.w_channels + group * tile.w_row + kx * kDwElements;
      for (size_t i = c % kDwChannels * Rows::kRows; i < (c % kDwChannels + 1) * Rows::kRows; ++i)
        acc = wrap_add(acc, Rows::activation(x, i) *
                                reinterpret_cast<const typename Rows::Weight*>(w)[i]);
    }
  return acc;
}

template <QOutput kOutput, class Rows>
void run_tile(const QDwTile& tile) noexcept {
  for (size_t pixel = 0; pixel < tile.pixels; ++pixel)
    for (size_t c = 0; c < tile.channels; ++c)
      store_output_reference<kOutput>(channel_sum<Rows>(tile, pixel, c), 0, c, *tile.params,
                                      static_cast<char*>(tile.y) + pixel * tile.y_pixel);
}

template <class T, size_t kRows>
void interleave(const QDwRows& rows) noexcept {
  T* to = reinterpret_cast<T*>(rows.to);
  const size_t padded = interleaved_pixel_elements(rows.channels) / 2;
  for (size_t p = 0; p < rows.pixels; ++p)
    for (size_t c = 0; c < padded; ++c)
      for (size_t r = 0; r < kRows; ++r)
        *to++ =
            c < rows.channels ? static_cast<const T*>(rows.rows[r])[p * rows.strides[r] + c] : T{0};
}

} // namespace

void x16_pair_rows_reference(const QDwRows& rows) noexcept {
  interleave<int16_t, kDwPair>(rows);
}
void x8_quad_rows_reference(const QDwRows& rows) noexcept {
  interleave<uint8_t, kDwQuad>(rows);
}

void qs16_qc16w_dwconv_i32_4x8_reference(const QDwTile& tile) noexcept {
  run_tile<QOutput::i32, Pairs>(tile);
}
void qs16_qc16w_dwconv_f32_4x8_reference(const QDwTile& tile) noexcept {
  run_tile<QOutput::f32, Pairs>(tile);
}
void qs16_qc16w_dwconv_u8_4x8_reference(const QDwTile& tile) noexcept {
  run_tile<QOutput::u8, Pairs>(tile);
}
void qs16_qc16w_dwconv_s8_4x8_reference(const QDwTile& tile) noexcept {
  run_tile<QOutput::s8, Pairs>(tile);
}
void qs16_qc16w_dwconv_s16_4x8_reference(const QDwTile& tile) noexcept {
  run_tile<QOutput::s16, Pairs>(tile);
}
void q8_qc8w_dwconv_i32_4x8_reference(const QDwTile& tile) noexcept {
  run_tile<QOutput::i32, Quads>(tile);
}
void q8_qc8w_dwconv_f32_4x8_reference(const QDwTile& tile) noexcept {
  run_tile<QOutput::f32, Quads>(tile);
}
void q8_qc8w_dwconv_u8_4x8_reference(const QDwTile& tile) noexcept {
  run_tile<QOutput::u8, Quads>(tile);
}
void q8_qc8w_dwconv_s8_4x8_reference(const QDwTile& tile) noexcept {
  run_tile<QOutput::s8, Quads>(tile);
}
void q8_qc8w_dwconv_s16_4x8_reference(const QDwTile& tile) noexcept {
  run_tile<QOutput::s16, Quads>(tile);
}

} // namespace octet::kernels

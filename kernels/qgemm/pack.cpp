#include "kernels/qgemm/pack.h"

#include <algorithm>

#include "kernels/copy/copy_strided.h"
#include "kernels/dispatch.h"
#include "kernels/qgemm/output.h"

namespace octet::kernels {
namespace {

/// One column of one tap: every second byte pair of a 16-byte piece.
void pack_column(const QWeights& w, ptrdiff_t start, int8_t* packed) noexcept {
  size_t k = 0;
  for (size_t r = 0; r < w.run; ++r) {
    ptrdiff_t index = start + static_cast<ptrdiff_t>(r) * w.run_stride;
    for (size_t c = 0; c < w.k; ++c, ++k, index += w.k_stride)
      packed[k / 2 * 2 * kPanelWidth + k % 2] = stored_weight(w, index);
  }
}

uint8_t flip_of(const QWeights& w) noexcept {
  return w.is_unsigned ? 0x80 : 0;
}

/// As many panels at a time as rows of them fill a cache line.
void pack_row_panels(const QWeights& w, size_t panels, int8_t* packed) noexcept {
  constexpr size_t kPanels = 64 / kPanelWidth;
  for (size_t panel = 0; panel < panels; panel += kPanels)
    kernel_table().qgemm_pack_rows(
        {.rows = static_cast<const uint8_t*>(w.data) + panel * kPanelWidth,
         .stride = w.k_stride,
         .k = w.k,
         .panels = std::min(kPanels, panels - panel),
         .flip = flip_of(w),
         .packed = packed + panel * packed_panel_bytes(1, w.k)});
}

/// One tap of a whole panel, of which some rows at a time are laid out as those of pack_row_panels.
void pack_tap(const QWeights& w, const uint8_t* weights, int8_t* packed) noexcept {
  constexpr size_t kRows = 256;
  constexpr auto kWidth = static_cast<ptrdiff_t>(kPanelWidth);
  uint8_t rows[kRows * kPanelWidth];
  for (size_t k = 0; k < w.k; k += kRows) {
    const size_t count = std::min(kRows, w.k - k);
    CopyNest nest;
    nest.add_inner(kPanelWidth, {w.n_stride, 1});
    nest.add_inner(count, {w.k_stride, kWidth});
    copy_strided(nest, 1, weights + static_cast<ptrdiff_t>(k) * w.k_stride, rows);
    kernel_table().qgemm_pack_rows({.rows = rows,
                                    .stride = kWidth,
                                    .k = count,
                                    .panels = 1,
                                    .flip = flip_of(w),
                                    .packed = packed + packed_panel_bytes(1, k)});
  }
}

void pack_column_panels(const QWeights& w, size_t panels, int8_t* packed) noexcept {
  const auto* weights = static_cast<const uint8_t*>(w.data);
  for (size_t panel = 0; panel < panels; ++panel)
    for (size_t t = 0; t < w.taps; ++t, packed += packed_panel_bytes(1, w.k))
      pack_tap(w,
               weights + static_cast<ptrdiff_t>(panel * kPanelWidth) * w.n_stride +
                   static_cast<ptrdiff_t>(t) * w.tap_stride,
               packed);
}

} // namespace

size_t packed_panel_bytes(size_t taps, size_t k) noexcept {
  return taps * (k + k % 2) * kPanelWidth;
}

size_t packed_weight_bytes(size_t n, size_t taps, size_t k) noexcept {
  return (n + kPanelWidth - 1) / kPanelWidth * packed_panel_bytes(taps, k);
}

void pack_weights(const QWeights& w, int8_t* packed) noexcept {
  const size_t k = w.run * w.k, tap_bytes = packed_panel_bytes(1, k);
  const size_t whole_panels = w.run == 1 ? w.n / kPanelWidth : 0;
  if (w.n_stride == 1 && w.taps == 1)
    pack_row_panels(w, whole_panels, packed);
  else
    pack_column_panels(w, whole_panels, packed);
  std::fill(packed + whole_panels * w.taps * tap_bytes,
            packed + packed_weight_bytes(w.n, w.taps, k), int8_t{0});
  for (size_t n = whole_panels * kPanelWidth; n < w.n; ++n) {
    int8_t* column = packed + n / kPanelWidth * w.taps * tap_bytes + n % kPanelWidth * 2;
    for (size_t t = 0; t < w.taps; ++t)
      pack_column(w,
                  static_cast<ptrdiff_t>(n) * w.n_stride + static_cast<ptrdiff_t>(t) * w.tap_stride,
                  column + t * tap_bytes);
  }
}

} // namespace octet::kernels

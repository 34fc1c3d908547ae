#include "kernels/qconv/gather.h"

#include <algorithm>
#include <cstring>

namespace octet::kernels {
namespace {

/// Taps along one axis that lie inside the image.
struct TapRange {
  size_t begin, end;
  size_t count() const noexcept { return end > begin ? end - begin : 0; }
};

TapRange inside_taps(ptrdiff_t position, size_t size, size_t taps, size_t dilation) noexcept {
  const size_t before = position < 0 ? static_cast<size_t>(-position) : 0;
  const ptrdiff_t room = static_cast<ptrdiff_t>(size) - position;
  const size_t reach = room > 0 ? static_cast<size_t>(room) : 0;
  return {(before + dilation - 1) / dilation, std::min(taps, (reach + dilation - 1) / dilation)};
}

/// Copies n elements in pieces of kPiece, the last of which overlaps; n ≥ kPiece.
template <size_t kPiece>
void copy_pieces(const int16_t* from, size_t n, int16_t* to) noexcept {
  for (size_t i = 0; i + kPiece < n; i += kPiece)
    std::memcpy(to + i, from + i, kPiece * sizeof(int16_t));
  std::memcpy(to + n - kPiece, from + n - kPiece, kPiece * sizeof(int16_t));
}

/// For the short runs of first layers, where a call of memcpy would cost more than the copy.
void copy_run(const int16_t* from, size_t n, int16_t* to) noexcept {
  if (n >= 8) return copy_pieces<8>(from, n, to);
  if (n >= 4) return copy_pieces<4>(from, n, to);
  if (n >= 2) return copy_pieces<2>(from, n, to);
  *to = *from;
}

} // namespace

WindowGather::WindowGather(const QConv& conv) noexcept
    : conv_(conv), pointers_(input_of(conv), nullptr, nullptr),
      touching_(conv.shape.dilation_w == 1 && conv.x_stride == conv.shape.in_channels),
      row_step_(conv.shape.dilation_h * conv.shape.in_w * conv.x_stride),
      run_step_(conv.shape.dilation_w * conv.x_stride),
      to_row_step_(conv.shape.kernel_w * conv.shape.in_channels),
      whole_{.rows = conv.shape.kernel_h,
             .count = touching_ ? 1 : conv.shape.kernel_w,
             .length = touching_ ? to_row_step_ : conv.shape.in_channels} {}

void WindowGather::copy_runs(const Runs& runs, const int16_t* from, int16_t* to) const noexcept {
  for (size_t row = 0; row < runs.rows; ++row, from += row_step_, to += to_row_step_)
    for (size_t run = 0; run < runs.count; ++run)
      copy_run(from + run * run_step_, runs.length, to + run * runs.length);
}

void WindowGather::copy_clipped(const Window<int16_t>& window, int16_t* to) const noexcept {
  const ConvShape& shape = conv_.shape;
  const TapRange rows = inside_taps(window.y, shape.in_h, shape.kernel_h, shape.dilation_h);
  const TapRange columns = inside_taps(window.x, shape.in_w, shape.kernel_w, shape.dilation_w);
  std::fill_n(to, shape.kernel_h * to_row_step_, conv_.padding);
  if (rows.count() == 0 || columns.count() == 0) return;
  const size_t length = columns.count() * shape.in_channels;
  const Runs runs = {.rows = rows.count(),
                     .count = touching_ ? 1 : columns.count(),
                     .length = touching_ ? length : shape.in_channels};
  copy_runs(runs, pointers_.tap_pixel(window, rows.begin, columns.begin),
            to + (rows.begin * shape.kernel_w + columns.begin) * shape.in_channels);
}

void WindowGather::copy(const Window<int16_t>& window, int16_t* to) const noexcept {
  if (pointers_.is_inside(window))
    copy_runs(whole_, pointers_.first_pixel(window), to);
  else
    copy_clipped(window, to);
}

} // namespace octet::kernels

#include "kernels/lstm/lstm.h"

#include "kernels/dispatch.h"

namespace octet::kernels {

void lstm_gates_f32(const LstmGates& gates) noexcept {
  kernel_table().lstm_gates_f32(gates);
}

} // namespace octet::kernels

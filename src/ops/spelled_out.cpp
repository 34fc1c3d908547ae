// Operators that passes/spell_out replaces by those that they are made of.
#include "ops/op_def.h"

namespace octet {
extern const OpDef op_spelled_out{};
} // namespace octet

// From a graph as a reader built it to a session that runs it.
#pragma once

#include <memory>

#include "runtime/session.h"

namespace octet {

struct CreateOptions {
  SessionOptions session;
  // False skips the canonicalizing passes (lowering still happens: it is how graphs run).
  bool optimize = true;
};

// Throws UnsupportedOperator naming the first node that no operator runs, InvalidModel,
// InvalidInput.
std::unique_ptr<Session> create_session(std::unique_ptr<Graph> graph, CreateOptions options);

// A session that runs two models and returns how far apart their values are
// (passes/compare_models). Throws like `create_session`, and InvalidInput for models that can't be
// compared.
std::unique_ptr<Session> create_comparison(std::unique_ptr<Graph> reference,
                                           std::unique_ptr<Graph> candidate, bool with_layers,
                                           SessionOptions options);

} // namespace octet

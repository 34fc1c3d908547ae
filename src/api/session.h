// From a graph as a reader built it to a session that runs it.
#pragma once

#include <memory>

#include "runtime/session.h"

namespace octet {

struct CreateOptions {
  SessionOptions session;
  // False skips the canonicalizing passes (lowering still happens: it is how graphs run).
  bool optimize = true;
  // Names of inner values to return after the graph's own outputs (for comparing layer by layer).
  // Unknown names throw InvalidInput.
  std::vector<std::string> extra_outputs;
};

// Throws UnsupportedOperator naming the first node that no operator runs, InvalidModel,
// InvalidInput.
std::unique_ptr<Session> create_session(std::unique_ptr<Graph> graph, CreateOptions options);

} // namespace octet

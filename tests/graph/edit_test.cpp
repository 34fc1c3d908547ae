#include <catch2/catch.hpp>

#include "graph/edit.h"
#include "tests/support/graph_builder.h"

using namespace octet;
using octet::test::GraphBuilder;
using octet::test::nodes_of;

TEST_CASE("uses are redirected whatever nodes an earlier edit removed") {
  GraphBuilder b;
  const ValueId x = b.input("x", {2});
  const ValueId a = b.node("Relu", "a", {x});
  const ValueId copy = b.node("Identity", "copy", {a});
  b.output(b.node("Exp", "y", {copy}));
  Graph& graph = b.graph;
  {
    GraphEdit edit(graph);
    REQUIRE(edit.replace_uses(copy, a));
    edit.remove_node(graph.value(copy).producer);
  }
  GraphEdit edit(graph);
  REQUIRE(edit.replace_uses(a, x));
  edit.remove_dead();
  CHECK(nodes_of(graph) == "y = Exp(x)\n");
}

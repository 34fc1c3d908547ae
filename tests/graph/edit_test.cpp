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

TEST_CASE("fresh names are nobody's, whatever numbers names end in") {
  GraphBuilder b;
  for (const char* name : {"x__7", "x__", "__", "x__-1", "x__12a", "x__9__3", "x___5",
                           "x__18446744073709551615", "x__99999999999999999999"})
    b.input(name, {1});
  Graph& graph = b.graph;
  CHECK(graph.fresh_name("x") == "x__9"); // as many values
  b.input("x__012", {1});
  CHECK(graph.fresh_name("x") == "x__13");
  GraphEdit edit(graph);
  CHECK(graph.value(edit.new_value("y")).name == "y__13");
  CHECK(graph.value(edit.new_value("x")).name == "x__14");
}

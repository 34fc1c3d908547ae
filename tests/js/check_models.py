"""ONNX's own checker: reads paths of models, one a line, and answers each with "ok" or what is wrong.

A checker older than a model's operator set cannot judge it. It then looks at the nodes one by one, and the answer is "newer",
the operator set, and the operators whose nodes it does not accept.
"""
import sys

import onnx
from onnx import checker, defs

NEWEST = defs.onnx_opset_version()


def opset_of(model):
    return max((each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), default=0)


def nodes_of(graph):
    """All nodes, those of subgraphs in the place of the nodes that hold them."""
    for node in graph.node:
        subgraphs = [each.g for each in node.attribute if each.HasField("g")]
        for subgraph in subgraphs:
            yield from nodes_of(subgraph)
        if not subgraphs:
            yield node


def refused_operators(model):
    context = checker.C.CheckerContext()
    context.ir_version = onnx.IR_VERSION
    context.opset_imports = {**{each.domain: each.version for each in model.opset_import}, "": NEWEST}
    refused = set()
    for node in nodes_of(model.graph):
        try:
            checker.check_node(node, context)
        except checker.ValidationError:
            refused.add(node.op_type)
    return refused


def judge(path):
    model = onnx.load(path)
    if opset_of(model) <= NEWEST:
        checker.check_model(model)
        return "ok"
    return " ".join(["newer", str(opset_of(model)), *sorted(refused_operators(model))])


def main():
    for line in sys.stdin:
        try:
            answer = judge(line.strip())
        except Exception as error:
            answer = "refused " + " ".join(str(error).split())
        print(answer, flush=True)


main()

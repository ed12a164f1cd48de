"""The parts of a model that cnnx did not build: its modules, as they are what can be timed."""

from __future__ import annotations

from collections.abc import Sequence

from cnnx.analysis.figures import NodeFigures
from cnnx.analysis.models.figures import Dispatched, ModelCount
from cnnx.analysis.profiling.parts import Part
from cnnx.graph.operation import Category

WHOLE = "(itself)"  # the model's own operators, those of no module within it


def model_parts(counted: ModelCount) -> tuple[Part, ...]:
    """Give a part for each module that calls operators or has weights, in the order of their first calls.

    A part holds what its module does itself, not what modules within it do. Its operation is the module's class, its
    category that of the operator with the most FLOPs.
    """
    by_module: dict[str, list[NodeFigures]] = {}
    for node in counted.figures.by_node:
        assert isinstance(node.op, Dispatched)  # figures of a model have no other
        by_module.setdefault(node.op.module, []).append(node)
    return tuple([_part(path, counted.types.get(path, ""), nodes) for path, nodes in by_module.items()])


def _part(path: str, kind: str, nodes: Sequence[NodeFigures]) -> Part:
    weights = sum(node.op.weight_elements for node in nodes if isinstance(node.op, Dispatched))
    return Part(
        name=path or WHOLE,
        operation=kind,
        category=str(_heaviest(nodes)),
        output=nodes[-1].output,
        params=sum(node.params for node in nodes),
        macs=sum(node.macs for node in nodes),
        flops=sum(node.flops for node in nodes),
        image_elements=sum(node.memory_access_elements for node in nodes) - weights,
        weight_elements=weights,
    )


def _heaviest(nodes: Sequence[NodeFigures]) -> Category:
    return max(nodes, key=lambda node: node.flops).op.category

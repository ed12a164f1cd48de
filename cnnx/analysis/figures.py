"""What a graph costs, counted from its operations alone: weights, multiply–adds, FLOPs, bytes, elements.

The convention is cnnx's own: a MAC is one multiply–add of a convolution or a linear layer; FLOPs are 2·MACs
and everything else that an arithmetic unit does at inference. Others stand in `conventions`. All figures are for
one image.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import NamedTuple

from cnnx.analysis.receptive_field import ReceptiveField, output_fields
from cnnx.errors import UsageError, brief, nearest
from cnnx.graph.graph import Graph, Node
from cnnx.graph.operation import Operation, Shape, Storage

ELEMENT_BYTES: Mapping[str, int] = {"float32": 4, "float64": 8, "float16": 2, "bfloat16": 2}
CONVENTION = "cnnx"
_ALIAS = Storage.ALIAS  # to find a member of an enumeration takes a while, and it is asked for of every node


class NodeFigures(NamedTuple):
    """The figures of one node, for one image (a named tuple, as `Node` is)."""

    name: str
    op: Operation  # its `word`, `category` and `describe()` are for tables
    inputs: tuple[Shape, ...]
    output: Shape
    params: int  # learned weights
    buffers: int  # kept, not learned: running statistics
    macs: int
    flops: int  # 2·macs and everything else
    activation_elements: int  # of its output
    memory_access_elements: int  # read and written: inputs, weights, output; views move nothing


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a graph, for one image; bytes are for `dtype`."""

    name: str
    parameters: Mapping[str, object]
    input: Mapping[str, Shape]
    output: Mapping[str, Shape]
    dtype: str
    params: int
    buffers: int
    macs: int
    flops: int
    flops_by_category: Mapping[str, int]
    weight_bytes: int
    buffer_bytes: int
    activation_elements: int
    memory_access_elements: int
    receptive_field: Mapping[str, ReceptiveField]  # of the first output, in each input that it sees
    by_node: tuple[NodeFigures, ...] = field(repr=False)
    convention: str = CONVENTION  # whose FLOPs these are; see `cnnx.analysis.conventions.presets`

    @property
    def flops_per_byte(self) -> float:
        """The arithmetic intensity: FLOPs for each byte read or written; 0 where nothing is."""
        moved = self.memory_access_elements * ELEMENT_BYTES[self.dtype]
        return self.flops / moved if moved else 0.0

    @property
    def only_field(self) -> ReceptiveField | None:
        """The receptive field where there is one input; None where there are several."""
        return next(iter(self.receptive_field.values()), None) if len(self.input) == 1 else None


def check_dtype(name: str) -> None:
    """Check that `name` is a type of numbers. Raises `UsageError`, with the nearest."""
    if name not in ELEMENT_BYTES:
        hint = nearest(name, ELEMENT_BYTES) or f"there are {', '.join(ELEMENT_BYTES)}"
        raise UsageError(f"unknown dtype `{brief(name, 40)}`", hint=hint)


def count(graph: Graph, dtype: str = "float32") -> Figures:
    """Count everything that a graph costs, for one image.

    `dtype` is `float32`, `float64`, `float16` or `bfloat16` and settles the bytes only.
    """
    shapes = graph.shapes
    by_node = tuple([node_figures(node, graph.input_shapes(node)) for node in graph.nodes])
    columns = list(zip(*by_node, strict=True))
    params, buffers, macs, flops, activations, moved = map(sum, columns[4:] or [()] * 6)
    size = ELEMENT_BYTES[dtype]
    return Figures(
        name=graph.name,
        parameters=dict(graph.parameters),
        input=dict(graph.inputs),
        output={name: shapes[name] for name in graph.outputs},
        dtype=dtype,
        params=params,
        buffers=buffers,
        macs=macs,
        flops=flops,
        flops_by_category=flops_by_category(by_node),
        weight_bytes=params * size,
        buffer_bytes=buffers * size,
        activation_elements=activations,
        memory_access_elements=moved,
        receptive_field=output_fields(graph),
        by_node=by_node,
    )


def node_figures(node: Node, inputs: tuple[Shape, ...]) -> NodeFigures:
    """Count one node on inputs of these shapes."""
    name, op, _, output = node
    params = buffers = macs = 0
    weights = op.weights()
    if weights:  # nothing else multiplies and adds, or keeps anything
        params, buffers, macs = _total(weights), _total(op.buffers()), op.macs(output)
    size = prod(output)
    moved = 0
    if op.storage is not _ALIAS:
        moved = params + size
        for shape in inputs:
            moved += prod(shape)
    flops = 2 * macs + op.other_flops(inputs, output)
    return NodeFigures(name, op, inputs, output, params, buffers, macs, flops, size, moved)


def _total(shapes: Mapping[str, Shape]) -> int:
    total = 0
    for name in shapes:  # of one or two, as here, `sum` takes half as long again
        total += prod(shapes[name])
    return total


def flops_by_category(nodes: Iterable[NodeFigures]) -> dict[str, int]:
    """Add the FLOPs of nodes up by category; one without FLOPs is left out."""
    by_type: dict[type[Operation], int] = {}
    for node in nodes:
        if node.flops:
            operation = type(node.op)
            by_type[operation] = by_type.get(operation, 0) + node.flops
    totals: dict[str, int] = {}
    for operation, flops in by_type.items():
        category = str(operation.category)
        totals[category] = totals.get(category, 0) + flops
    return totals

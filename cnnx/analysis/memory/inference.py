"""Memory by liveness of storages: the peak of inference, and what training holds.

A storage is alive from the node that makes it to its last reader through all views; at a node its inputs, its
output and its scratch live together. The network's input lives to the end, because the caller holds it, and so
do the outputs. Weights and the workspace of kernels are not included.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import prod

from cnnx.analysis.figures import ELEMENT_BYTES
from cnnx.analysis.memory.storage import in_place_nodes, storage_roots
from cnnx.graph.graph import Graph, Node
from cnnx.graph.operation import Saves
from cnnx.graph.pointwise import Relu


@dataclass(frozen=True, slots=True)
class Alive:
    """A storage that is alive: the input or node that made it, and its bytes."""

    name: str
    bytes: int


@dataclass(frozen=True, slots=True)
class PeakMemory:
    """The most activation bytes that live at once, the node at which they do, and what is alive there.

    `scratch_bytes` of the peak are needed by the node itself while it runs.
    """

    bytes: int
    node: str
    alive: tuple[Alive, ...]
    scratch_bytes: int


@dataclass(frozen=True, slots=True)
class TrainingMemory:
    """What training holds between forward and backward, with plain SGD: bytes by what they are for."""

    weight_bytes: int
    gradient_bytes: int
    saved_bytes: int

    @property
    def bytes(self) -> int:
        """All of it."""
        return self.weight_bytes + self.gradient_bytes + self.saved_bytes


@dataclass(frozen=True, slots=True)
class Memory:
    """What a graph needs at inference and in training, for a batch of `batch` images in `dtype`."""

    peak: PeakMemory
    training: TrainingMemory
    dtype: str
    batch: int


def predict_memory(graph: Graph, dtype: str = "float32", batch: int = 1) -> Memory:
    """Predict both, without torch."""
    return Memory(peak_inference(graph, dtype, batch), training(graph, dtype, batch), dtype, batch)


def peak_inference(graph: Graph, dtype: str = "float32", batch: int = 1) -> PeakMemory:
    """Predict the high-water mark of live activation bytes at inference, inputs and outputs included."""
    roots = storage_roots(graph, in_place_nodes(graph))
    last = _last_readers(graph, roots)
    needs = _live_bytes(graph, roots, last, dtype, batch)
    size, shapes = ELEMENT_BYTES[dtype] * batch, graph.shapes
    if not needs:
        there = tuple([Alive(name, prod(shape) * size) for name, shape in graph.inputs.items()])
        return PeakMemory(sum([each.bytes for each in there]), "", there, 0)
    totals = [kept + scratch for kept, scratch in needs]
    peak = max(totals)
    at = totals.index(peak)
    made = dict.fromkeys(graph.inputs, -1) | {node.name: place for place, node in enumerate(graph.nodes)}
    alive = [name for name, since in made.items() if roots[name] == name and since <= at <= last.get(name, at)]
    there = tuple([Alive(name, prod(shapes[name]) * size) for name in alive])
    return PeakMemory(peak, graph.nodes[at].name, there, needs[at][1])


def live_by_node(graph: Graph, dtype: str = "float32", batch: int = 1) -> tuple[Alive, ...]:
    """Predict the bytes that live while each node runs, its scratch included; the largest is the peak."""
    roots = storage_roots(graph, in_place_nodes(graph))
    needs = _live_bytes(graph, roots, _last_readers(graph, roots), dtype, batch)
    return tuple([Alive(node.name, sum(need)) for node, need in zip(graph.nodes, needs, strict=True)])


def _live_bytes(
    graph: Graph, roots: Mapping[str, str], last: Mapping[str, int], dtype: str, batch: int
) -> list[tuple[int, int]]:
    """Give for every node the bytes of the storages that are alive while it runs, and those of its scratch."""
    size, shapes = ELEMENT_BYTES[dtype] * batch, graph.shapes
    total = sum([prod(shape) for shape in graph.inputs.values()]) * size
    needs: list[tuple[int, int]] = []
    for position, node in enumerate(graph.nodes):
        if roots[node.name] == node.name:
            total += prod(node.shape) * size
        scratch = node.op.scratch_bytes(graph.input_shapes(node), node.shape, ELEMENT_BYTES[dtype]) * batch
        needs.append((total, scratch))
        dying = {roots[source] for source in node.inputs if last.get(roots[source]) == position}
        total -= sum([prod(shapes[name]) for name in dying]) * size
    return needs


def _last_readers(graph: Graph, roots: Mapping[str, str]) -> dict[str, int]:
    """Map every storage to the position of its last reader; inputs and outputs have none, they live on."""
    last: dict[str, int] = {}
    for position, node in enumerate(graph.nodes):
        for source in node.inputs:
            last[roots[source]] = position
    for name in (*graph.inputs, *graph.outputs):
        last.pop(roots[name], None)
    return last


def training(graph: Graph, dtype: str = "float32", batch: int = 1) -> TrainingMemory:
    """Predict what training holds after the forward pass: weights, their gradients, and what autograd saves."""
    size = ELEMENT_BYTES[dtype]
    weights = sum(prod(shape) for node in graph.nodes for shape in node.op.weights().values()) * size
    return TrainingMemory(weights, weights, saved_for_backward(graph, dtype, batch))


def saved_for_backward(graph: Graph, dtype: str = "float32", batch: int = 1) -> int:
    """Predict the bytes of activations that autograd keeps, every storage once; in training only ReLU is in place.

    An operation keeps something only if a gradient passes it: behind the first layer with weights.
    """
    size = ELEMENT_BYTES[dtype]
    in_place = {node.name for node in graph.nodes if isinstance(node.op, Relu)} & in_place_nodes(graph)
    roots = storage_roots(graph, in_place, training=True)
    shapes = graph.shapes
    needs_gradient: set[str] = set()
    kept: set[str] = set()
    extra = 0
    for node in graph.nodes:
        if not node.op.weights() and needs_gradient.isdisjoint(node.inputs):
            continue
        needs_gradient.add(node.name)
        extra += node.op.saved_bytes(graph.input_shapes(node), node.shape, size, batch)
        kept.update(roots[name] for name in _saved_values(node, needs_gradient))
    return sum(prod(shapes[name]) for name in kept) * size * batch + extra


def _saved_values(node: Node, needs_gradient: Collection[str]) -> list[str]:
    if node.op.saves is Saves.OUTPUT:
        return [node.name]
    asked = tuple([name in needs_gradient for name in node.inputs])
    return [node.inputs[place] for place in node.op.kept_inputs(asked)]

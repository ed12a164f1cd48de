"""The parts of a network: what its nodes cost, and the groups in which a profile adds them up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cnnx.analysis.figures import Figures
from cnnx.analysis.profiling.blocks import blocks
from cnnx.graph.operation import Shape


@dataclass(frozen=True, slots=True)
class Part:
    """What one node costs for one image, by cnnx's own convention, and how tables name it.

    Anything that can be timed under a name can be a part: a node of a graph, or a module of a model.
    """

    name: str
    operation: str  # as tables have it: `conv 3×3 /2`
    category: str
    output: Shape
    params: int
    macs: int
    flops: int
    image_elements: int  # read and written for every image: inputs and output
    weight_elements: int  # read once a call, whatever the batch

    def moved_elements(self, batch: int) -> int:
        """Give the elements that a call with so many images reads and writes."""
        return batch * self.image_elements + self.weight_elements


def parts_of(figures: Figures) -> tuple[Part, ...]:
    """Give the nodes of a graph as parts, in execution order; the figures are by cnnx's own convention."""
    return tuple([
        Part(
            name=node.name,
            operation=f"{node.op.word} {node.op.describe()}".rstrip(),
            category=str(node.op.category),
            output=node.output,
            params=node.params,
            macs=node.macs,
            flops=node.flops,
            # A view moves nothing, and has no weights.
            image_elements=max(node.memory_access_elements - node.params, 0),
            weight_elements=min(node.params, node.memory_access_elements),
        )
        for node in figures.by_node
    ])  # fmt: skip


@dataclass(frozen=True, slots=True)
class Group:
    """Parts that are shown as one row; `operation` and `output` where the row has one of its own."""

    name: str
    parts: tuple[Part, ...]
    operation: str = ""
    output: Shape | None = None


def group_parts(parts: Sequence[Part], by: str) -> list[Group]:
    """Put parts into groups: `block`, `layer`, `operation` or `category`; the first two in execution order.

    Raises `KeyError` for another word.
    """
    return GROUPINGS[by](parts)


def _by_block(parts: Sequence[Part]) -> list[Group]:
    named = {part.name: part for part in parts}
    found = {name: [named[each] for each in names] for name, names in blocks(named).items()}
    return [Group(name, tuple(own), output=own[-1].output) for name, own in found.items()]


def _by_layer(parts: Sequence[Part]) -> list[Group]:
    return [Group(part.name, (part,), part.operation, part.output) for part in parts]


def _by(key: Callable[[Part], str]) -> Callable[[Sequence[Part]], list[Group]]:
    def grouped(parts: Sequence[Part]) -> list[Group]:
        found: dict[str, list[Part]] = {}
        for part in parts:
            found.setdefault(key(part), []).append(part)
        return [Group(name, tuple(own)) for name, own in found.items()]

    return grouped


GROUPINGS: Mapping[str, Callable[[Sequence[Part]], list[Group]]] = {
    "block": _by_block,
    "layer": _by_layer,
    "operation": _by(lambda part: part.operation),
    "category": _by(lambda part: part.category),
}
ORDERED = ("block", "layer")  # groupings whose rows have an order of their own; others go by time

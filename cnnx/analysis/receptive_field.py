"""Receptive fields: which input positions one output position can see, per axis and per network input.

A field is an interval [low, high] of output position 0 and a jump: position n sees [low, high] + n·jump.
Going down a layer: low −= pad·jump, high += (size − 1 − pad)·jump, jump ·= stride. A join takes the union of
its branches. Below a global pooling everything is seen; such a branch is left out at a join. Fields are
reported unclipped: they reach into the padding. Source of the rule: Araujo, Norris, Sim, "Computing receptive
fields of convolutional neural networks", Distill 2019, doi:10.23915/distill.00021.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cnnx.graph.graph import Graph
from cnnx.graph.operation import POINT, UNEVEN, Window


class Field(NamedTuple):
    """The field of output position 0 along one axis, in input positions, and how far it moves a position."""

    low: int
    high: int
    jump: int

    @property
    def size(self) -> int:
        """How many positions it spans."""
        return self.high - self.low + 1

    def through(self, window: Window) -> Field:
        """Give the field behind one more layer."""
        low = self.low - window.pad * self.jump
        high = self.high + (window.size - 1 - window.pad) * self.jump
        return Field(low, high, self.jump * window.stride)

    def union(self, other: Field) -> Field | None:
        """Give the field of a join; None where the jumps differ, because then no one field exists."""
        if self.jump != other.jump:
            return None
        return Field(min(self.low, other.low), max(self.high, other.high), self.jump)


class ReceptiveField(NamedTuple):
    """What an output position sees of one input, by height and width; `is_global` if it is everything.

    Where no single field exists, `reason` says at which node and why.
    """

    height: Field | None
    width: Field | None
    is_global: bool = False
    reason: str = ""

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width in input positions; None if everything is seen or no single field exists."""
        if self.height is None or self.width is None:
            return None
        return (self.height.size, self.width.size)


GLOBAL = ReceptiveField(None, None, is_global=True)
_POINT = Field(0, 0, 1)
_START = ReceptiveField(_POINT, _POINT)


def receptive_fields(graph: Graph, source: str) -> Mapping[str, ReceptiveField]:
    """Give the receptive field in one input, `source`, of that input and of every node that it reaches.

    A node at which branches of unequal jumps meet, and what follows it, has none, and says so.
    """
    fields: dict[str, ReceptiveField] = {source: _START}
    shapes = graph.shapes
    for node in graph.nodes:
        seen = [fields[name] for name in node.inputs if name in fields]
        if not seen:
            continue
        entering = seen[0] if len(seen) == 1 else _join(seen, node.name)
        windows = node.op.windows(shapes[node.inputs[0]])
        fields[node.name] = entering if windows is POINT else _behind(entering, windows, node.name)
    return fields


def output_fields(graph: Graph) -> dict[str, ReceptiveField]:
    """Give the receptive field of the first output in each input that it sees."""
    output = graph.outputs[0]
    fields = {source: receptive_fields(graph, source) for source in graph.inputs}
    return {source: nodes[output] for source, nodes in fields.items() if output in nodes}


def _behind(source: ReceptiveField, windows: tuple[Window, Window] | None, name: str) -> ReceptiveField:
    if windows is None:
        return GLOBAL
    height, width = source.height, source.width
    if height is None or width is None:
        return source
    if windows is UNEVEN:
        return ReceptiveField(None, None, reason=f"the windows of `{name}` are not all of one size")
    tall = height.through(windows[0])
    square = width is height and windows[1] == windows[0]
    return ReceptiveField(tall, tall if square else width.through(windows[1]))


def _join(sources: Sequence[ReceptiveField], name: str) -> ReceptiveField:
    local = [source for source in sources if not source.is_global]
    if not local:
        return GLOBAL
    joined = local[0]
    for other in local[1:]:
        joined = _union(joined, other, name)
    return joined


def _union(one: ReceptiveField, other: ReceptiveField, name: str) -> ReceptiveField:
    if one.height is None or one.width is None:
        return one
    if other.height is None or other.width is None:
        return other
    height, width = one.height.union(other.height), one.width.union(other.width)
    if height is None or width is None:
        jumps = [(each.height.jump, each.width.jump) for each in (one, other) if each.height and each.width]
        moves = " and by ".join(str(tall) if tall == wide else f"{tall}×{wide}" for tall, wide in jumps)
        return ReceptiveField(None, None, reason=f"`{name}` joins fields that move by {moves}")
    return ReceptiveField(height, width)

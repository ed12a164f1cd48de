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
from cnnx.graph.operation import POINT, UNEVEN, Window, Windows


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
        low, high, jump = self
        size, stride, pad = window
        return Field(low - pad * jump, high + (size - 1 - pad) * jump, jump * stride)


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
    for name, op, inputs, _ in graph.nodes:
        entering = fields.get(inputs[0]) if len(inputs) == 1 else _join(fields, inputs, name)
        if entering is None:
            continue
        windows = op.windows(shapes[inputs[0]])
        fields[name] = entering if windows is POINT else _behind(entering, windows, name)
    return fields


def output_fields(graph: Graph) -> dict[str, ReceptiveField]:
    """Give the receptive field of the first output in each input that it sees."""
    output = graph.outputs[0]
    if len(graph.inputs) == 1 and _ends_global(graph, output):
        return dict.fromkeys(graph.inputs, GLOBAL)
    fields = {source: receptive_fields(graph, source) for source in graph.inputs}
    return {source: nodes[output] for source, nodes in fields.items() if output in nodes}


def _ends_global(graph: Graph, output: str) -> bool:
    """Say whether all that leads to an output goes through one node that sees everything, as classifiers end.

    What stands before that node then changes nothing.
    """
    for name, op, inputs, _ in reversed(graph.nodes):
        if name == output:
            if op.windows(graph.shapes[inputs[0]]) is None:
                return True
            if len(inputs) > 1:
                return False
            output = inputs[0]
    return False


def _behind(source: ReceptiveField, windows: Windows | None, name: str) -> ReceptiveField:
    if windows is None:
        return GLOBAL
    height, width = source.height, source.width
    if height is None or width is None:
        return source
    if windows is UNEVEN:
        return ReceptiveField(None, None, reason=f"the windows of `{name}` are not all of one size")
    tall = height.through(windows[0])
    square = width is height and windows[1] is windows[0]
    return ReceptiveField(tall, tall if square else width.through(windows[1]))


def _join(fields: Mapping[str, ReceptiveField], inputs: Sequence[str], name: str) -> ReceptiveField | None:
    """Give the field of what meets at a node; None where nothing of it sees the input."""
    seen = [fields[source] for source in inputs if source in fields]
    heights, widths = list[Field](), list[Field]()
    for field in seen:
        if field.height is not None and field.width is not None:
            heights.append(field.height)
            widths.append(field.width)
        elif not field.is_global:
            return field
    if not heights:
        return GLOBAL if seen else None
    height = _union(heights)
    width = height if widths == heights else _union(widths)
    if height is None or width is None:
        jumps = dict.fromkeys((tall.jump, wide.jump) for tall, wide in zip(heights, widths, strict=True))
        moves = " and by ".join(str(tall) if tall == wide else f"{tall}×{wide}" for tall, wide in jumps)
        return ReceptiveField(None, None, reason=f"`{name}` joins fields that move by {moves}")
    return ReceptiveField(height, width)


def _union(fields: Sequence[Field]) -> Field | None:
    """Give the field of a join along one axis; None where the jumps differ, because then no one field exists."""
    jump = fields[0].jump
    if any(field.jump != jump for field in fields):
        return None
    return Field(min([field.low for field in fields]), max([field.high for field in fields]), jump)

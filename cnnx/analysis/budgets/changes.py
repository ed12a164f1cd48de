"""What changed between two snapshots of a model: its parameters, its shapes, its layers by their names."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from cnnx.analysis.budgets.snapshot import LayerCost, Snapshot


@dataclass(frozen=True, slots=True)
class LayerChange:
    """A layer that was added (nothing before), removed (nothing after) or changed.

    A change may stand for `layers` of them, all below one name, which were added or removed together.
    """

    name: str
    before: LayerCost | None
    after: LayerCost | None
    layers: int = 1

    @property
    def kind(self) -> str:
        """Whether it was `added`, `removed` or `changed`."""
        return "added" if self.before is None else "removed" if self.after is None else "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """Something of a whole model that is not what it was; None where it was not there, or is there no more."""

    what: str  # `parameter r`, `input`, `output`, `peak at`, or the name of a figure
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class Changes:
    """All that changed; `layers` is None where the snapshot before knows of none.

    `folded` are the same layers, those that were added or removed below one name in one.
    """

    whole: tuple[Difference, ...]
    layers: tuple[LayerChange, ...] | None
    folded: tuple[LayerChange, ...] = ()

    @property
    def nothing(self) -> bool:
        """Whether nothing is known to have changed."""
        return not self.whole and not self.layers


def find_changes(before: Snapshot, after: Snapshot) -> Changes:
    """Compare two snapshots; a layer is the same where it has the same name."""
    whole = tuple([each for each in _whole(before, after) if each.before != each.after])
    if before.layers is None or after.layers is None:
        return Changes(whole, None)
    layers = tuple(_layers(before.layers, after.layers))
    return Changes(whole, layers, tuple(_fold(layers, _Tree(before.layers), _Tree(after.layers))))


def _whole(before: Snapshot, after: Snapshot) -> Iterator[Difference]:
    for name in dict.fromkeys([*before.parameters, *after.parameters]):
        yield Difference(f"parameter {name}", before.parameters.get(name), after.parameters.get(name))
    yield Difference("input", before.input, after.input)
    yield Difference("output", [*before.output.values()], [*after.output.values()])
    for name in [name for name in before.figures if name in after.figures]:
        yield Difference(name, before.figures[name], after.figures[name])
    if before.peak_node and after.peak_node:
        yield Difference("peak at", before.peak_node, after.peak_node)


def _layers(before: Iterable[LayerCost], after: Iterable[LayerCost]) -> Iterator[LayerChange]:
    """Give what changed or was added in the order of the layers that are there, then what was removed."""
    were = {layer.name: layer for layer in before}
    there = set()
    for layer in after:
        there.add(layer.name)
        if were.get(layer.name) != layer:
            yield LayerChange(layer.name, were.get(layer.name), layer)
    for name, layer in were.items():
        if name not in there:
            yield LayerChange(name, layer, None)


class _Tree:
    """The names of layers, and all that they stand below: `stage1.0.conv1` below `stage1` and `stage1.0`."""

    def __init__(self, layers: Iterable[LayerCost]) -> None:
        self._names = sorted([f"{layer.name}." for layer in layers])

    def __contains__(self, name: str) -> bool:
        place = bisect_left(self._names, f"{name}.")
        return place < len(self._names) and self._names[place].startswith(f"{name}.")


def _names_above(name: str) -> Iterator[str]:
    """Give what a name stands below, the outermost first, and the name itself."""
    yield from (name[: found.start()] for found in re.finditer(r"\.", name))
    yield name


def _fold(changes: Iterable[LayerChange], before: _Tree, after: _Tree) -> Iterator[LayerChange]:
    """Fold the layers in a row below a name that was not there before, or is there no more."""

    def outermost(change: LayerChange) -> str:
        known = {"added": before, "removed": after}.get(change.kind)
        names = () if known is None else (name for name in _names_above(change.name) if name not in known)
        return next(iter(names), change.name)

    for name, run in groupby(changes, outermost):
        together = list(run)
        yield together[0] if len(together) == 1 else _together(name, together)


def _together(name: str, changes: Sequence[LayerChange]) -> LayerChange:
    before = [change.before for change in changes if change.before is not None]
    after = [change.after for change in changes if change.after is not None]
    return LayerChange(name, _sum(name, before), _sum(name, after), len(changes))


def _sum(name: str, layers: Sequence[LayerCost]) -> LayerCost | None:
    if not layers:
        return None
    return LayerCost(
        name,
        f"{len(layers)} layers",
        output=layers[-1].output,
        params=sum(layer.params for layer in layers),
        macs=sum(layer.macs for layer in layers),
        flops=sum(layer.flops for layer in layers),
        activation_elements=sum(layer.activation_elements for layer in layers),
    )

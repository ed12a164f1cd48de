"""Published accuracies: which of those that a spec states belongs to a network as it was asked for.

An accuracy is of trained weights and cannot be computed. A row of `published` belongs to a network that has its
parameters and its input. A network as its spec has it by default may also have one that was trained with another head
(an auxiliary one, a class more for the background) or tested at another size; what differs is told with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cnnx.graph.binding import bind_inputs, variant_settings
from cnnx.graph.graph import Graph
from cnnx.graph.operation import Shape, show_shape
from cnnx.spec.expressions import Scope
from cnnx.spec.library import Target
from cnnx.spec.model import Published
from cnnx.spec.values import Value

# Weights that were trained by the recipes of the papers' time; later ones (V2) were trained by better ones.
PREFERRED = "IMAGENET1K_V1"
_HEAD = frozenset({"aux", "classes"})


@dataclass(frozen=True, slots=True)
class Accuracy:
    """A published accuracy in percent, and who states it of what."""

    top1: float | None
    top5: float | None
    source: str
    settings: str  # where it is of other settings or another size: `classes=1001, input=3×288×288`


@dataclass(frozen=True, slots=True)
class _Settled:
    """The parameters and the inputs of a network, before it is expanded."""

    parameters: Mapping[str, Value]
    inputs: Mapping[str, Shape]


def published_accuracy(target: Target, graph: Graph) -> Accuracy | None:
    """Give the accuracy that belongs to a network; None where its spec states none.

    Of several, one at the network's own input size comes first, then torchvision's first weights, then one for exactly
    these settings, then the one that the spec states first.
    """
    own = _Settled(graph.parameters, graph.inputs)
    by_default = own == _settle(target, {}, None)
    stated = [(row, _settle_row(target, row)) for row in _rows(target)]
    fitting = [(row, other) for row, other in stated if other == own or (by_default and _same_body(target, own, other))]
    if not fitting:
        return None
    row, other = min(fitting, key=lambda pair: _order(own, *pair))
    return Accuracy(row.top1, row.top5, row.source, ", ".join(_differences(target, own, other)))


def _rows(target: Target) -> Iterator[Published]:
    """Give the rows that state an accuracy of the target's variant."""
    for row in target.file.spec.published:
        if (row.top1 is not None or row.top5 is not None) and (row.of or target.file.spec.default) == target.variant:
            yield row


def _order(own: _Settled, row: Published, other: _Settled) -> tuple[bool, ...]:
    """Say how far a row is from what is wanted; of equal ones, `min` takes the first."""
    return row.top1 is None, other.inputs != own.inputs, PREFERRED not in row.source, other != own


def _settle_row(target: Target, row: Published) -> _Settled:
    return _settle(target, {name: value.read(Scope({}, {})) for name, value in row.arguments.items()}, row.input)


def _settle(target: Target, given: dict[str, Value], shape: Shape | None) -> _Settled:
    spec = target.file.spec
    settings = {} if target.variant is None else variant_settings(target.file, spec.variants[target.variant], given)
    names, inputs = bind_inputs(target, settings, given, shape)
    return _Settled({name: names[name] for name in spec.parameters}, inputs)


def _same_body(target: Target, own: _Settled, other: _Settled) -> bool:
    """Say whether two differ in their heads and the sizes of their inputs alone."""
    free = _HEAD | _sizes(target)
    return all(other.parameters[name] == value for name, value in own.parameters.items() if name not in free)


def _differences(target: Target, own: _Settled, other: _Settled) -> Iterator[str]:
    sizes = _sizes(target)
    for name, value in other.parameters.items():
        if value != own.parameters[name] and name not in sizes:
            yield f"{name}={str(value).lower() if isinstance(value, bool) else value}"
    if other.inputs != own.inputs:
        yield f"input={', '.join(map(show_shape, other.inputs.values()))}"


def _sizes(target: Target) -> frozenset[str]:
    """Name the parameters that the size of an input is made of."""
    entries = target.file.spec.input.values()
    return frozenset({name for _, *sizes in entries for size in sizes for name in size.names})

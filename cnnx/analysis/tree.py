"""The structure of a graph as a tree that follows the names of its nodes, equal layers in a row folded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cnnx.analysis.figures import Figures, NodeFigures
from cnnx.graph.operation import Shape

_COUNTED = re.compile(r"(.*?)([0-9]+)")


@dataclass(frozen=True, slots=True)
class Layer:
    """A node, or what the names of several nodes begin with; `times` equal ones in a row are folded into one.

    Figures are for one image and for all `times` together, so that those of the children add up.
    """

    name: str  # the last component of its name: `conv1`; of folded ones `conv1–3`
    times: int
    operation: str  # as tables have it: `conv 3×3 /2`; empty for a group without a node of its own
    inputs: tuple[Shape, ...]
    output: Shape
    params: int
    macs: int
    share: float | None  # of the MACs of the whole; None where there are none
    children: tuple[Layer, ...] = ()
    mark: int | None = None  # what the caller marked the node with


@dataclass(slots=True)
class Branch:
    """While a tree is grown: the node of this name, if there is one, and what stands below it."""

    node: NodeFigures | None = None
    children: dict[str, Branch] = field(default_factory=dict)

    def nodes(self) -> Iterable[NodeFigures]:
        """Give this node and all below it."""
        for child in self.children.values():
            yield from child.nodes()
        if self.node is not None:
            yield self.node


def grow(nodes: Iterable[NodeFigures]) -> Branch:
    """Grow the tree of the components of the nodes' names."""
    root = Branch()
    for node in nodes:
        branch = root
        for component in node.name.split("."):
            branch = branch.children.setdefault(component, Branch())
        branch.node = node
    return root


def layers(figures: Figures, *, fold: bool = True, marks: Mapping[str, int] | None = None) -> tuple[Layer, ...]:
    """Give the layers of a graph; with `fold`, equal ones in a row are one.

    `marks` puts a number on nodes, by name; layers whose numbers differ are not equal.
    """
    return _layers(grow(figures.by_node), figures.macs, fold, marks or {})


def _layers(branch: Branch, total: int, fold: bool, marks: Mapping[str, int]) -> tuple[Layer, ...]:
    found = [_layer(name, child, total, fold, marks) for name, child in branch.children.items()]
    return tuple(_fold(found)) if fold else tuple(found)


def _layer(name: str, branch: Branch, total: int, fold: bool, marks: Mapping[str, int]) -> Layer:
    nodes = list(branch.nodes())
    macs = sum(node.macs for node in nodes)
    own = branch.node
    return Layer(
        name=name,
        times=1,
        operation="" if own is None else f"{own.op.word} {own.op.describe()}".rstrip(),
        inputs=nodes[0].inputs,
        output=nodes[-1].output,
        params=sum(node.params for node in nodes),
        macs=macs,
        share=macs / total if macs else None,
        children=_layers(branch, total, fold, marks),
        mark=None if own is None else marks.get(own.name),
    )


def _fold(found: Sequence[Layer]) -> list[Layer]:
    runs: list[list[Layer]] = []
    for layer in found:
        if runs and _follows(layer, runs[-1][-1]):
            runs[-1].append(layer)
        else:
            runs.append([layer])
    return [_together(run) for run in runs]


def _follows(layer: Layer, before: Layer) -> bool:
    """Say whether a layer is the next of a count (`conv1`, `conv2`) and equal in everything but its name."""
    one, two = _COUNTED.fullmatch(before.name), _COUNTED.fullmatch(layer.name)
    if one is None or two is None or one[1] != two[1] or int(two[2]) != int(one[2]) + 1:
        return False
    return replace(layer, name="") == replace(before, name="")


def _together(run: Sequence[Layer]) -> Layer:
    if len(run) == 1:
        return run[0]
    last = _COUNTED.fullmatch(run[-1].name)
    assert last is not None  # a run has counted names only
    return replace(_multiplied(run[0], len(run)), name=f"{run[0].name}–{last[2]}", times=len(run))


def _multiplied(layer: Layer, times: int) -> Layer:
    """Give the figures of `times` such layers, those of the children too."""
    return replace(
        layer,
        params=layer.params * times,
        macs=layer.macs * times,
        share=None if layer.share is None else layer.share * times,
        children=tuple([_multiplied(child, times) for child in layer.children]),
    )

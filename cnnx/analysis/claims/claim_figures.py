"""The figures that claims are about: one number of one spec, of all its nodes or of some.

What a figure counts is told in `cnnx.analysis.figures`; `nodes` are operations, `paths` the ways from the inputs
through all branches, `covered` the input positions along an axis that a chain of dilated convolutions reaches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from cnnx.analysis.coverage import coverage
from cnnx.analysis.figures import Figures, NodeFigures, count
from cnnx.analysis.receptive_field import receptive_fields
from cnnx.errors import RuleError, UsageError, brief, nearest
from cnnx.graph.expand import expand
from cnnx.graph.graph import Graph
from cnnx.graph.operation import show_shape
from cnnx.spec.claims import Quantity
from cnnx.spec.expressions import Scope
from cnnx.spec.library import Library
from cnnx.spec.values import Value


@dataclass(frozen=True, slots=True)
class FigureOfSpec:
    """A figure that a claim is about, and its value."""

    name: str  # by which the expressions know it
    figure: str
    spec: str
    settings: str  # `r=4, input=256×56×56`; empty where nothing is set
    at: str  # the nodes under this name alone; empty for all
    value: int


class Counted:
    """The figures of specs, each counted once for all the claims that are about it."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._counted: dict[str, tuple[Graph, Figures]] = {}

    def figure(self, name: str, quantity: Quantity) -> FigureOfSpec:
        """Give one figure of one spec. Raises what the spec raises, and `UsageError` for nodes that it has not."""
        arguments = {parameter: value.read(Scope({}, {})) for parameter, value in quantity.arguments.items()}
        settings = _show_settings(arguments, quantity.input)
        key = f"{quantity.of}@{settings}"
        if key not in self._counted:
            graph = expand(self.library.open(quantity.of), self.library, arguments, quantity.input)
            self._counted[key] = graph, count(graph)
        value = _read_figure(quantity, *self._counted[key])
        return FigureOfSpec(name, quantity.figure, quantity.of, settings, quantity.at or "", value)


def _show_settings(arguments: Mapping[str, Value], shape: tuple[int, ...] | None) -> str:
    shown = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in arguments.items()}
    if shape is not None:
        shown["input"] = show_shape(shape)
    return ", ".join(f"{name}={value}" for name, value in shown.items())


def _read_figure(quantity: Quantity, graph: Graph, figures: Figures) -> int:
    nodes = _nodes_at(quantity.at, figures)
    last = nodes[-1].name if quantity.at else graph.outputs[0]
    match quantity.figure:
        case "nodes":
            return len(nodes)
        case "paths":
            return _paths(graph, last)
        case "receptive_field":
            return _field(graph, last)
        case "covered":
            return _covered(graph)
        case "channels" | "height" | "width" as extent:
            return _extent(graph.shapes[last], ("channels", "height", "width").index(extent))
        case total:
            return sum(_TOTALS[total](node) for node in nodes)


_TOTALS: Mapping[str, Callable[[NodeFigures], int]] = {
    "params": lambda node: node.params,
    "buffers": lambda node: node.buffers,
    "macs": lambda node: node.macs,
    "flops": lambda node: node.flops,
    "activation_elements": lambda node: node.activation_elements,
    "memory_access_elements": lambda node: node.memory_access_elements,
}


def _nodes_at(at: str | None, figures: Figures) -> tuple[NodeFigures, ...]:
    """Give the nodes of this name or under it, in which `*` stands for anything; all, where none is given."""
    if at is None:
        return figures.by_node
    found = tuple([node for node in figures.by_node if fnmatchcase(node.name, at) or fnmatchcase(node.name, f"{at}.*")])
    if not found:
        raise UsageError(f"no node is named `{brief(at)}`", hint=nearest(at, [node.name for node in figures.by_node]))
    return found


def _extent(shape: tuple[int, ...], axis: int) -> int:
    if axis >= len(shape):
        raise RuleError(f"a vector of {shape[0]} has neither height nor width")
    return shape[axis]


def _paths(graph: Graph, last: str) -> int:
    """Count the ways from the inputs to a node: through a join, those of all its branches."""
    paths = dict.fromkeys(graph.inputs, 1)
    for node in graph:
        paths[node.name] = sum(paths[name] for name in node.inputs)
    return paths[last]


def _field(graph: Graph, last: str) -> int:
    (source, *_) = graph.inputs
    field = receptive_fields(graph, source).get(last)
    if field is None or field.size is None or field.size[0] != field.size[1]:
        raise RuleError("the receptive field is not one number of positions")
    return field.size[0]


def _covered(graph: Graph) -> int:
    """Count the input positions along an axis that a chain of dilated convolutions reaches."""
    axes = coverage(graph)
    if axes is None or len(axes) != 1:
        raise RuleError("only a chain of dilated convolutions, alike in height and width, covers a number of positions")
    return axes[0].whole.reached

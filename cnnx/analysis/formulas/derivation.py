"""A graph whose figures carry their formulas: a spec expanded on pairs, each kind of node counted once.

Symbols are the parameters of the spec that are integers, stand for themselves, and reach numbers of channels. What
reaches a kernel, a stride, a height, a width, a loop or an index stays a number, and so do flags, words and lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from cnnx.analysis.conventions.presets import Convention
from cnnx.analysis.figures import Figures, NodeFigures, count, node_figures
from cnnx.analysis.formulas.carrying import Carrying, plain
from cnnx.analysis.formulas.conditions import Condition, Trail
from cnnx.analysis.formulas.pairs import Pair
from cnnx.analysis.formulas.polynomial import Polynomial, Values, constant, symbol
from cnnx.graph.expand import expand
from cnnx.graph.graph import Graph, Node
from cnnx.graph.operation import Operation, Shape
from cnnx.spec.library import Library, Target
from cnnx.spec.places import Reader
from cnnx.spec.values import Value

Given = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Derivation:
    """A spec's graph, its plain figures, and the figures of each kind of node on pairs.

    `kinds` says for each node which of `carried` it is; nodes of one kind have the same formulas.
    """

    graph: Graph
    figures: Figures
    symbols: Mapping[str, str]  # by parameter
    conditions: tuple[Condition, ...]
    carried: tuple[NodeFigures, ...]
    kinds: Mapping[str, int]

    derived: Mapping[str, Polynomial]  # parameters that are computed from symbols

    @property
    def values(self) -> Values:
        """The number that each symbol has here."""
        numbers: Mapping[str, Any] = self.graph.parameters
        return {each: numbers[name] for name, each in self.symbols.items()}

    @property
    def fixed(self) -> dict[str, object]:
        """The parameters that stay as they are: neither symbols nor computed from symbols."""
        moving = (*self.symbols, *self.derived)
        return {name: value for name, value in self.graph.parameters.items() if name not in moving}


def by_convention(derivation: Derivation, convention: Convention) -> Derivation:
    """Give the same, with the FLOPs that a convention counts."""
    whole = derivation.figures
    carried = convention.apply(replace(whole, by_node=derivation.carried)).by_node
    return replace(derivation, figures=convention.apply(whole), carried=carried)


def derive(
    target: Target,
    library: Library,
    given: Given,
    input_shape: Shape | None = None,
    renamed: Mapping[str, str] | None = None,
    label: str = "",
) -> Derivation:
    """Expand a spec twice, in numbers and on pairs, and count both.

    `given` are the parameters that the user sets, `renamed` the symbols whose name is not the parameter's, `label` what
    the graph is called if not by the spec's name. Raises what `expand` raises.
    """
    graph = replace(expand(target, library, given, input_shape), name=label or target.name)
    run = _Run(target, library, given, input_shape, graph, renamed or {})
    names = run.own_integers()
    while True:
        carried, trail = run.expand(names)
        symbols = _channel_symbols(carried) - trail.taken - _other_symbols(carried)
        kept = [name for name in names if run.symbol(name) in symbols]
        if kept == names:
            break
        names = kept
    kinds, counted = _count_kinds(carried, trail)
    used = {name: run.symbol(name) for name in names}
    derived = {name: value.expression for name, value in carried.parameters.items() if isinstance(value, Carrying)}
    computed = {name: expression for name, expression in derived.items() if name not in used}
    return Derivation(graph, count(graph), used, trail.conditions(), counted, kinds, computed)


@dataclass(frozen=True, slots=True)
class _Run:
    """What a spec is expanded with."""

    target: Target
    library: Library
    given: Given
    input_shape: Shape | None
    graph: Graph  # in numbers
    renamed: Mapping[str, str]

    def symbol(self, name: str) -> str:
        return self.renamed.get(name, name)

    def own_integers(self) -> list[str]:
        """Give the parameters that are integers of their own, not computed from others."""
        settings = self.target.file.spec.variants.get(self.target.variant or "", {})
        readers = {**self.target.file.spec.parameters, **settings}
        entered = {} if self.input_shape is None else self._alone_in_input()
        return [
            name
            for name, value in self.graph.parameters.items()
            if type(value) is int and value >= 1
            if name in self.given or name in entered or not _is_computed(readers[name], readers)
        ]

    def _alone_in_input(self) -> dict[str, int]:
        """Give the parameters that stand alone in the input, with the axis of each."""
        spec = self.target.file.spec
        (entry,) = spec.input.values() if len(spec.input) == 1 else [()]
        return {size.written: axis for axis, size in enumerate(entry) if size.written in list(spec.parameters)}

    def expand(self, names: Sequence[str]) -> tuple[Graph, Trail]:
        """Expand with these parameters as pairs."""
        trail = Trail()
        numbers: Mapping[str, Any] = self.graph.parameters
        pairs = {name: Pair(numbers[name], symbol(self.symbol(name)), trail) for name in names}
        shape = self.input_shape
        if shape is not None:
            sizes: list[int] = [*shape]
            for name, axis in self._alone_in_input().items():
                sizes[axis] = pairs.get(name, sizes[axis])
            shape = tuple(sizes)
        return expand(self.target, self.library, {**self.given, **pairs}, shape), trail


def _is_computed(reader: Reader[Value], readers: Mapping[str, object]) -> bool:
    return bool(reader.names) or (isinstance(reader.written, str) and reader.written in readers)


def _settings(op: Operation) -> Iterator[tuple[str, Any]]:
    for each in fields(op):
        yield each.name, getattr(op, each.name)


def _channel_symbols(graph: Graph) -> set[str]:
    """Give the symbols in numbers of channels: integer settings of operations, and the first size of shapes."""
    found: set[str] = set()
    for node in graph.nodes:
        for number in (node.shape[0], *[value for _, value in _settings(node.op)]):
            if isinstance(number, Carrying):
                found |= number.expression.symbols
    return found


def _other_symbols(graph: Graph) -> set[str]:
    """Give the symbols in heights and widths, and in pairs of them: kernels, strides, paddings, sizes."""
    found: set[str] = set()
    for sizes in (*graph.inputs.values(), *[node.shape for node in graph.nodes]):
        found |= _symbols_in(sizes[1:])
    for node in graph.nodes:
        for _, value in _settings(node.op):
            if isinstance(value, tuple):
                found |= _symbols_in(value)
    return found


def _symbols_in(numbers: Sequence[object]) -> set[str]:
    found: set[str] = set()
    for number in numbers:
        if isinstance(number, Carrying):
            found |= number.expression.symbols
    return found


def _count_kinds(graph: Graph, trail: Trail) -> tuple[dict[str, int], tuple[NodeFigures, ...]]:
    """Count one node of each kind: those that have one operation on inputs of one shape, as expressions."""
    numbers: dict[object, int] = {}
    kinds: dict[str, int] = {}
    counted: list[NodeFigures] = []
    for node in graph.nodes:
        inputs = graph.input_shapes(node)
        key = (type(node.op), tuple([_key(value) for _, value in _settings(node.op)]), _key(inputs))
        if key not in numbers:
            numbers[key] = len(counted)
            counted.append(_count_one(node, inputs, trail))
        kinds[node.name] = numbers[key]
    return kinds, tuple(counted)


def _key(value: object) -> object:
    """Give what two values have in common only if they are the same expression."""
    if isinstance(value, tuple):
        return tuple([_key(each) for each in value])
    return value.expression if isinstance(value, Carrying) else value


def _count_one(node: Node, inputs: tuple[Shape, ...], trail: Trail) -> NodeFigures:
    """Count one node on pairs, in which every number of its settings and shapes is a factor of its own."""
    op = replace(node.op, **{name: _carry(value, trail) for name, value in _settings(node.op)})
    carried = Node(node.name, op, node.inputs, _carry(node.shape, trail))
    return node_figures(carried, _carry(inputs, trail))


def _carry(value: Any, trail: Trail) -> Any:
    """Let every integer in a setting or shape carry itself as one factor."""
    if isinstance(value, tuple):
        return tuple([_carry(each, trail) for each in value])
    if isinstance(value, Carrying):
        return Pair(plain(value), value.expression, trail)
    return Pair(value, constant(value), trail) if type(value) is int else value

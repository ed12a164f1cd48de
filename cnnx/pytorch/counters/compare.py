"""What a counter saw on a module, held against the static figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from cnnx.analysis.figures import Figures
from cnnx.analysis.records import Disagreement
from cnnx.graph.graph import Graph
from cnnx.graph.operation import Shape, show_shape
from cnnx.pytorch.counters.seen import Seen

TOTAL = "total"


def disagreements(counter: str, seen: Seen, graph: Graph, figures: Figures) -> Iterator[Disagreement]:
    """Give every figure on which a counter differs, in all and by node."""
    names = [node.name for node in figures.by_node]
    yield from _numbers(counter, "macs", {TOTAL: figures.macs}, {TOTAL: seen.macs})
    macs = {node.name: node.macs for node in figures.by_node}
    yield from _numbers(counter, "macs", macs, by_node(seen.macs_by_layer, names))
    if seen.params_by_layer is not None:
        params = {node.name: node.params for node in figures.by_node}
        yield from _numbers(counter, "params", params, by_node(seen.params_by_layer, names))
    yield from _shapes(counter, seen, graph, figures)


def weights_disagreement(params: int, figures: Figures) -> Iterator[Disagreement]:
    """Give the difference, if there is one, between the weights that a module has in all and the static figure."""
    yield from _numbers("module", "params", {TOTAL: figures.params}, {TOTAL: params})


def by_node(by_layer: Mapping[str, int], nodes: Collection[str]) -> dict[str, int]:
    """Add counts by layer up by node: a layer counts for the node of its name, or the nearest one above it."""
    known = frozenset(nodes)
    totals: Counter[str] = Counter()
    for path, count in by_layer.items():
        if count:
            totals[_node_of(path, known)] += count
    return dict(totals)


def _node_of(path: str, nodes: frozenset[str]) -> str:
    name = path
    while name and name not in nodes:
        name = name.rpartition(".")[0]
    return name or path


def _numbers(counter: str, figure: str, static: Mapping[str, int], seen: Mapping[str, int]) -> Iterator[Disagreement]:
    for name in {**static, **seen}:
        one, other = static.get(name, 0), seen.get(name, 0)
        if one != other:
            yield Disagreement(counter, name, figure, str(one), str(other))


def _shapes(counter: str, seen: Seen, graph: Graph, figures: Figures) -> Iterator[Disagreement]:
    static = {**figures.input, **{node.name: node.output for node in figures.by_node}}
    # A set, as a value is seen where it leaves a layer and where it enters others.
    for name, shape in dict.fromkeys(_values(seen, graph)):
        if shape != static[name]:
            yield Disagreement(counter, name, "output", show_shape(static[name]), show_shape(shape))


def _values(seen: Seen, graph: Graph) -> Iterator[tuple[str, Shape]]:
    """Give the shapes that were seen, each with the node or input whose value it is."""
    for node in graph.nodes:
        if node.name in seen.inputs:
            yield from zip(node.inputs, seen.inputs[node.name], strict=True)
        if node.name in seen.outputs:
            yield node.name, seen.outputs[node.name]
    yield from zip(graph.outputs, seen.results, strict=True) if seen.results else ()

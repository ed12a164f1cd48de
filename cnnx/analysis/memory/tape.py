"""A graph as autograd records it in training: its functions in the order in which they run, and the values they give.

The backward pass runs them in the opposite order: autograd takes, of what is ready, the function that was recorded
last, and what stands behind a function on the tape never waits for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cnnx.analysis.figures import ELEMENT_BYTES
from cnnx.analysis.memory.storage import in_place_nodes
from cnnx.graph.autograd import Batch, Function
from cnnx.graph.graph import Graph, Node
from cnnx.graph.operation import elements
from cnnx.graph.pointwise import Relu


class Value(NamedTuple):
    """What a function gives or the caller brings: the value in whose memory it lives, and whether it has a gradient.

    `base` is the value that it is a view of, itself if it is none; what is written over another is no view.
    """

    bytes: int
    root: int
    base: int
    has_gradient: bool


class Record(NamedTuple):
    """A function on the tape: whose it is, which values it reads, gives, and lets go with its end.

    `asked` tells of each value that it reads whether its gradient is asked for.
    """

    node: str
    function: Function
    reads: tuple[int, ...]
    output: int
    asked: tuple[bool, ...]
    dropped: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Tape:
    """The records in the order of the forward pass; values are counted, the network's inputs first."""

    records: tuple[Record, ...]
    values: tuple[Value, ...]
    names: tuple[str, ...]  # of the input or node that each value belongs to
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def record(graph: Graph, dtype: str = "float32", batch: int = 1) -> Tape:
    """Record the forward pass of a graph in training, with the sizes of a batch of `batch` images in `dtype`."""
    recorder = _Recorder(graph, Batch(batch, ELEMENT_BYTES[dtype]))
    for node in graph.nodes:
        recorder.run(node)
    return recorder.tape()


class _Recorder:
    """The state of a recording: the values so far, which of them each name means, and the records."""

    def __init__(self, graph: Graph, batch: Batch) -> None:
        self._graph = graph
        self._batch = batch
        # With gradients, only ReLU writes over its input.
        self._in_place = {node.name for node in graph.nodes if isinstance(node.op, Relu)} & in_place_nodes(graph)
        self._values: list[Value] = []
        self._names: list[str] = []
        self._records: list[Record] = []
        self._last_use: dict[int, int] = {}  # the position of the last record at which a value is still held
        self._known = {name: self._brought(name, batch.bytes(elements(s))) for name, s in graph.inputs.items()}

    def run(self, node: Node) -> None:
        """Record the functions of a node."""
        inputs, shapes = [self._known[name] for name in node.inputs], self._graph.input_shapes(node)
        asked = tuple([self._values[value].has_gradient for value in inputs])
        local = list(inputs)
        for function in node.op.functions(shapes, node.shape, asked, self._batch):
            reads = [local[place] for place in function.reads]
            local.append(self._call(node.name, function, reads))
            self._use([*reads, *[local[place] for place in function.holds]])
        self._use(inputs)  # the code around a node's functions holds its inputs to the end of the last
        # Without functions, what enters is what leaves.
        self._known[node.name] = local[-1] if len(local) > len(inputs) else inputs[0]

    def _call(self, name: str, function: Function, reads: Sequence[int]) -> int:
        if name in self._in_place:
            return self._overwrite(name, function, reads[0])
        source = self._values[reads[0]]
        place = len(self._values)
        root, base = (source.root, source.base) if function.view else (place, place)
        return self._append(name, function, reads, root, base)

    def _overwrite(self, name: str, function: Function, source: int) -> int:
        """Write over a value; where that is a view, autograd writes over what is viewed, and takes a new view of it."""
        value = self._values[source]
        if value.base == source:
            return self._append(name, function, [source], value.root, len(self._values))
        whole = self._values[value.base].bytes
        written = function._replace(bytes=whole, scratch_bytes=2 * function.bytes)
        base = self._append(name, written, [value.base], value.root, len(self._values))
        self._use([base])
        return self._append(name, Function((0,), function.bytes, view=True), [base], value.root, base)

    def _append(self, name: str, function: Function, reads: Sequence[int], root: int, base: int) -> int:
        asked = tuple([self._values[value].has_gradient for value in reads])
        has_gradient = any(asked) or bool(function.weight_bytes)
        output = len(self._values)
        self._values.append(Value(function.bytes, root, base, has_gradient))
        self._names.append(name)
        self._records.append(Record(name, function, tuple(reads), output, asked))
        return output

    def _brought(self, name: str, size: int) -> int:
        place = len(self._values)
        self._values.append(Value(size, place, place, has_gradient=False))
        self._names.append(name)
        return place

    def _use(self, values: Sequence[int]) -> None:
        self._last_use.update(dict.fromkeys(values, len(self._records) - 1))

    def tape(self) -> Tape:
        """Give what was recorded; the caller holds the inputs and the outputs to the end."""
        inputs = tuple([self._known[name] for name in self._graph.inputs])
        outputs = tuple([self._known[name] for name in self._graph.outputs])
        dropped: dict[int, list[int]] = {}
        held = {*inputs, *outputs}
        for value, place in self._last_use.items():
            if value not in held:
                dropped.setdefault(place, []).append(value)
        records = [each._replace(dropped=tuple(dropped.get(place, ()))) for place, each in enumerate(self._records)]
        return Tape(tuple(records), tuple(self._values), tuple(self._names), inputs, outputs)

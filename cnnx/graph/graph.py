"""A flat, checked graph of primitive operations in execution order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from cnnx.errors import RuleError
from cnnx.graph.operation import Operation, Shape, show_shape


class Node(NamedTuple):
    """One operation in a graph: its name, what it reads (names of nodes or inputs), and its output shape.

    A named tuple, as frozen dataclasses take several times as long to make, and a graph has many.
    """

    name: str
    op: Operation
    inputs: tuple[str, ...]
    shape: Shape

    def __str__(self) -> str:
        """Write the node in one line: `conv1 = conv 3×3 (input) → 64×56×56`."""
        described = f" {self.op.describe()}" if self.op.describe() else ""
        return f"{self.name} = {self.op.word}{described} ({', '.join(self.inputs)}) → {show_shape(self.shape)}"


@dataclass(frozen=True)
class Graph:
    """Nodes in execution order, with named inputs and outputs; every node is read or is an output.

    `name` is how the spec was named and `parameters` its settings, for tables. Raises `RuleError` if a node
    reads what does not come before it, two nodes share a name, or a node is read by nobody.
    """

    name: str
    nodes: tuple[Node, ...]
    inputs: Mapping[str, Shape]
    outputs: tuple[str, ...]
    parameters: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = set(self.inputs)
        read = set(self.outputs)
        for node in self.nodes:
            if node.name in known:
                raise RuleError(f"two nodes are named `{node.name}`", hint="give one of them a `name`")
            for source in node.inputs:
                if source not in known:
                    raise RuleError(f"`{node.name}` reads `{source}`, which does not come before it")
            known.add(node.name)
            read.update(node.inputs)
        for name in self.outputs:
            if name not in known:
                raise RuleError(f"the output `{name}` is neither a node nor an input")
        unread = next((node.name for node in self.nodes if node.name not in read), None)
        if unread is not None:
            raise RuleError(
                f"nothing reads `{unread}`, and it is no output", hint="list it in `outputs`, or leave it out"
            )

    def __deepcopy__(self, memo: object) -> Graph:
        """Give the graph itself: nothing in it changes, and the copies of a module may share it."""
        return self

    def __iter__(self) -> Iterator[Node]:
        """Iterate over the nodes in execution order."""
        return iter(self.nodes)

    def __len__(self) -> int:
        """Count the nodes."""
        return len(self.nodes)

    def __str__(self) -> str:
        """Write the graph, a line for each input and node."""
        heads = [f"{name} : {show_shape(shape)}" for name, shape in self.inputs.items()]
        return "\n".join([*heads, *map(str, self.nodes), f"→ {', '.join(self.outputs)}"])

    @cached_property
    def shapes(self) -> dict[str, Shape]:
        """Map every input's and node's name to its shape."""
        return {**self.inputs, **{node.name: node.shape for node in self.nodes}}

    def input_shapes(self, node: Node) -> tuple[Shape, ...]:
        """Give the shapes of what a node reads."""
        shapes, inputs = self.shapes, node.inputs
        return (shapes[inputs[0]],) if len(inputs) == 1 else tuple([shapes[name] for name in inputs])

    @cached_property
    def readers(self) -> dict[str, tuple[Node, ...]]:
        """Map every input's and node's name to the nodes that read it, in execution order."""
        readers: dict[str, list[Node]] = {name: [] for name in self.shapes}
        for node in self.nodes:
            for source in dict.fromkeys(node.inputs):
                readers[source].append(node)
        return {name: tuple(nodes) for name, nodes in readers.items()}

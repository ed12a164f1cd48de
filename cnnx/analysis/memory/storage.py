"""Which nodes share memory, and which write over their input.

A storage is a piece of memory. A view (flatten, slice, crop, identity, dropout at inference) lives in the
storage of its input; an activation may write over its input where nobody else wants what stood there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from cnnx.graph.graph import Graph
from cnnx.graph.operation import Storage
from cnnx.graph.pointwise import Dropout


def storage_roots(graph: Graph, in_place: Collection[str] = (), training: bool = False) -> Mapping[str, str]:
    """Map every input and node to the input or node in whose storage it lives; a fresh node is its own root.

    Views share the storage of their input, and so do the nodes that are named in `in_place`. In training,
    dropout is no view, unless all elements stay: it draws which do.
    """
    roots = {name: name for name in graph.inputs}
    for node in graph.nodes:
        is_view = node.op.storage is Storage.ALIAS and not (training and isinstance(node.op, Dropout) and node.op.p)
        shares = is_view or node.name in in_place
        roots[node.name] = roots[node.inputs[0]] if shares else node.name
    return roots


def in_place_nodes(graph: Graph) -> frozenset[str]:
    """Name the nodes that may write over their input without anybody noticing, at inference and in training.

    The operation has the form; it is the one reader of the value through all views of it; the value is
    neither a network's input, which belongs to the caller, nor an output; and its producer does not keep it
    for the backward pass. A node that writes over its input makes a new value, for which the same holds.
    """
    values = storage_roots(graph)
    readers = Counter(value for node in graph.nodes for value in _read(node.op.storage, node.inputs, values))
    wanted = {*graph.inputs, *(values[name] for name in graph.outputs)}
    wanted.update(node.name for node in graph.nodes if node.op.saves_output)
    return frozenset(
        node.name
        for node in graph.nodes
        if node.op.storage is Storage.IN_PLACE
        and readers[values[node.inputs[0]]] == 1
        and values[node.inputs[0]] not in wanted
    )


def _read(storage: Storage, inputs: Collection[str], values: Mapping[str, str]) -> set[str]:
    # A view reads nothing: who reads the view reads the value behind it.
    return set() if storage is Storage.ALIAS else {values[name] for name in inputs}

"""The forward of a built module, written as Python text from the graph, a line a node.

    def forward(self, input):
        _0 = self._modules['conv1'](input); del input
        _1 = self._modules['branch']._modules['conv2'](_0)
        _2 = _0 + _1; del _0, _1
        return _2

The text goes straight to the dictionaries of modules: walking along attributes costs some 3 µs a node. Every
value is dropped after its last reader. Names from outside stand in it as quoted strings or, for inputs, as
checked identifiers; the text's own names begin with an underscore, and no input's does.
"""

from __future__ import annotations

import hashlib
import linecache
from collections.abc import Callable, Iterator, Mapping
from keyword import iskeyword
from typing import Any

from torch import nn

from cnnx.errors import RuleError
from cnnx.graph.graph import Graph, Node
from cnnx.pytorch.layers import EXPRESSION_NAMES, EXPRESSIONS, LAYERS, Operand

FILENAME = "<forward"  # how the names begin that tracebacks show as the files of these texts

# What a module has itself; the root adds `graph`.
_TAKEN = frozenset({*dir(nn.Module()), "graph"})


def check_names(graph: Graph) -> None:
    """Check that the graph's names can be those of layers and arguments.

    Raises `RuleError` for an input that is no plain identifier, for a layer whose name has an empty part or one
    that `nn.Module` uses itself, and for a layer whose name is the beginning of another layer's path.
    """
    for name in graph.inputs:
        if not (name.isascii() and name.isidentifier()) or iskeyword(name) or name.startswith("_") or name == "self":
            raise RuleError(f"an input cannot be named {name!r}", hint="`x`, `input` or `skip2` would do")
    layers = {node.name for node in graph.nodes if type(node.op) in LAYERS}
    for name in layers:
        _check_path(name.split("."), layers)


def _check_path(parts: list[str], layers: set[str]) -> None:
    name = ".".join(parts)
    for part in parts:
        if not part or part in _TAKEN:
            raise RuleError(f"a layer cannot be named {name!r}: a module has {part!r} itself")
    for end in range(1, len(parts)):
        if ".".join(parts[:end]) in layers:
            raise RuleError(f"the layer {'.'.join(parts[:end])!r} cannot contain the layer {name!r}")


def forward_text(graph: Graph, *, timed: bool = False) -> str:
    """Write the forward of a graph as the text of one Python function.

    It takes the module and the inputs and gives the output, or a tuple of several. With `timed` it takes a clock
    as `_clock` before the inputs, reads it at the start and after each node, and gives the outputs and the list
    of readings. Raises `RuleError` for names that cannot stand in it.
    """
    check_names(graph)
    values = {name: name for name in graph.inputs}
    values.update((node.name, f"_{index}") for index, node in enumerate(graph.nodes))
    lines = _timed_lines(graph, values) if timed else _lines(graph, values)
    return "".join(f"    {line}\n" if index else f"{line}\n" for index, line in enumerate(lines))


def _lines(graph: Graph, values: Mapping[str, str]) -> Iterator[str]:
    yield f"def forward({', '.join(['self', *graph.inputs])}):"
    yield from _node_lines(graph, values)
    yield f"return {_returned(graph, values)}"


def _timed_lines(graph: Graph, values: Mapping[str, str]) -> Iterator[str]:
    yield f"def forward({', '.join(['self', '_clock', *graph.inputs])}):"
    yield "_times = [_clock()]"
    for line in _node_lines(graph, values):
        yield f"{line}; _times.append(_clock())"
    yield f"return {_returned(graph, values)}, _times"


def _node_lines(graph: Graph, values: Mapping[str, str]) -> Iterator[str]:
    dropped = _last_readings(graph)
    for node in graph.nodes:
        line = f"{values[node.name]} = {_call(node, graph, values)}"
        gone = ", ".join(values[name] for name in dropped.get(node.name, ()))
        yield f"{line}; del {gone}" if gone else line


def _last_readings(graph: Graph) -> dict[str, list[str]]:
    """Map a node to the values that nobody needs after it."""
    dropped: dict[str, list[str]] = {}
    for name, readers in graph.readers.items():
        if readers and name not in graph.outputs:
            dropped.setdefault(readers[-1].name, []).append(name)
    return dropped


def _call(node: Node, graph: Graph, values: Mapping[str, str]) -> str:
    """Write what a node computes."""
    operands = [Operand(values[name], graph.shapes[name]) for name in node.inputs]
    if type(node.op) in EXPRESSIONS:
        return EXPRESSIONS[type(node.op)](node.op, operands, node.shape)
    path = "".join(f"._modules[{part!r}]" for part in node.name.split("."))
    return f"self{path}({', '.join(operand.text for operand in operands)})"


def _returned(graph: Graph, values: Mapping[str, str]) -> str:
    outputs = [values[name] for name in graph.outputs]
    return outputs[0] if len(outputs) == 1 else f"({', '.join(outputs)})"


def compile_forward(graph: Graph, *, timed: bool = False) -> Callable[..., Any]:
    """Make a function of the forward's text; tracebacks and `inspect.getsource` show its lines.

    Raises `RuleError` as `forward_text` does.
    """
    text = forward_text(graph, timed=timed)
    # Equal texts share an entry, so the cache grows with the number of networks, not of builds.
    filename = f"{FILENAME} {hashlib.sha256(text.encode()).hexdigest()[:16]}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    names: dict[str, Any] = dict(EXPRESSION_NAMES)
    exec(compile(text, filename, "exec"), names)  # every name in the text was checked or quoted
    forward: Callable[..., Any] = names["forward"]
    return forward

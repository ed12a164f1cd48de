"""The generated forward: its text, and what may not stand in it."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable
from textwrap import dedent

import pytest
import torch

from cnnx.errors import RuleError
from cnnx.graph.convolution import Conv
from cnnx.graph.graph import Graph, Node
from cnnx.graph.joins import Add
from cnnx.graph.layout import Pad, Slice
from cnnx.graph.operation import Operation
from cnnx.graph.pointwise import Relu
from cnnx.pytorch.build import build, example_inputs
from cnnx.pytorch.forward_text import forward_text
from cnnx.spec.module_names import MODULE_NAMES

Expand = Callable[..., Graph]

pytestmark = pytest.mark.usefixtures("one_thread")

SHAPE = (4, 6, 6)


def one_node(name: str = "conv", op: Operation | None = None, source: str = "input") -> Graph:
    return Graph("made", (Node(name, op or Conv(4, 4, (1, 1)), (source,), SHAPE),), {source: SHAPE}, (name,))


def test_reads_as_straight_line_code(expand_text: Expand) -> None:
    graph = expand_text(
        "input: [4, 6, 6]\n"
        "layers: [{conv: {out: 4, kernel: 1}}, {add: {main: [{conv: {out: 4, kernel: 3}}, relu], short: []}}]"
    )
    assert forward_text(graph) == dedent(
        """\
        def forward(self, input):
            _0 = self._modules['conv'](input); del input
            _1 = self._modules['add']._modules['main']._modules['conv'](_0)
            _2 = self._modules['add']._modules['main']._modules['relu'](_1); del _1
            _3 = _2 + _0; del _0, _2
            return _3
        """
    )


def test_reads_a_clock_after_each_node(expand_text: Expand) -> None:
    graph = expand_text("input: {x: [4, 6, 6]}\noutputs: [a, b]\nlayers: [{relu: {}, name: a}, {tanh: {}, name: b}]")
    assert forward_text(graph, timed=True) == dedent(
        """\
        def forward(self, _clock, x):
            _times = [_clock()]
            _0 = self._modules['a'](x); del x; _times.append(_clock())
            _1 = self._modules['b'](_0); _times.append(_clock())
            return (_0, _1), _times
        """
    )


def test_a_debugger_finds_the_text() -> None:
    network = build(one_node())
    assert inspect.getsource(type(network).forward) == forward_text(network.graph)
    with pytest.raises(RuntimeError) as caught:
        network(torch.zeros(1, 3, 6, 6))
    assert "self._modules['conv'](input)" in "".join(traceback.format_tb(caught.value.__traceback__))


@pytest.mark.parametrize("name", ["torch", "nn", "modules", "x2", "print", "float", "inf"])
def test_an_input_may_have_any_plain_name(name: str) -> None:
    pad = one_node("pad", Pad((0, 0, 0, 0), float("-inf")), name)
    assert build(pad)(**{name: torch.ones(1, 4, 6, 6)}).sum() == 4 * 6 * 6


INJECTIONS = [
    "x'](input); __import__('os').abort(); ('",
    'x"](input); __import__("os").abort(); ("',
    "x\n    raise SystemExit\n    #",
    "x\\",
    "x\u2028y",
    "{input}",
    "%s",
    "import",
    "ユニット",
]


@pytest.mark.parametrize("name", INJECTIONS)
def test_the_name_of_a_node_is_only_text(name: str) -> None:
    network = build(one_node(name))
    assert build(network.graph)(torch.ones(1, *SHAPE)).shape == (1, *SHAPE)
    assert [path for path, _ in network.named_modules()][-1] == name


@pytest.mark.parametrize(
    "name",
    [
        *(injection for injection in INJECTIONS),
        "x=__import__('os').abort()",
        "x, y",
        "*x",
        "/",
        "",
        "lambda",
        "None",
        "self",
        "_0",
        "_cat",
        "\uff3f0",  # Python reads a wide underscore as a plain one
        "__debug__",
    ],
)
def test_the_name_of_an_input_is_a_plain_identifier(name: str) -> None:
    with pytest.raises(RuleError, match="an input cannot be named"):
        build(one_node(source=name))


@pytest.mark.parametrize("name", ["", "a.", ".a", "a..b", "forward", "stage.type", "_modules", "__class__", "graph"])
def test_the_name_of_a_layer_is_none_that_modules_use(name: str) -> None:
    with pytest.raises(RuleError, match="a layer cannot be named"):
        build(one_node(name))


def test_the_language_refuses_the_names_that_a_network_uses_itself() -> None:
    assert {name for name in dir(build(one_node())) if not name.startswith("_")} - {"conv"} <= MODULE_NAMES


def test_a_layer_contains_no_other_layer() -> None:
    nodes = (Node("a", Relu(), ("input",), SHAPE), Node("a.b.c", Relu(), ("a",), SHAPE))
    with pytest.raises(RuleError, match=r"the layer 'a' cannot contain the layer 'a\.b\.c'"):
        build(Graph("made", nodes, {"input": SHAPE}, ("a.b.c",)))


def test_a_join_may_be_named_as_the_container_of_its_branches() -> None:
    nodes = (Node("a.b", Relu(), ("input",), SHAPE), Node("a", Add(), ("a.b", "input"), SHAPE))
    graph = Graph("made", nodes, {"input": SHAPE}, ("a",))
    (x,) = example_inputs(graph)
    torch.testing.assert_close(build(graph)(x), torch.relu(x) + x)


def test_numbers_in_the_text_are_numbers() -> None:
    hostile = Slice.__new__(Slice)
    object.__setattr__(hostile, "start", "0], __import__('os').abort(), _0[0")
    object.__setattr__(hostile, "end", 4)
    with pytest.raises(ValueError, match="format code 'd'"):
        forward_text(one_node("slice", hostile))


def test_an_input_that_nothing_reads_and_one_that_leaves_untouched() -> None:
    nodes = (Node("relu", Relu(), ("a",), SHAPE),)
    graph = Graph("made", nodes, {"a": SHAPE, "b": SHAPE, "c": SHAPE}, ("relu", "c"))
    a, b, c = example_inputs(graph)
    result, untouched = build(graph)(a, b, c)
    torch.testing.assert_close(result, torch.relu(a))
    assert untouched is c

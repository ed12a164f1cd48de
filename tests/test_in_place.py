"""Which layers write over their input, and that nobody notices."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from cnnx.graph.convolution import Conv
from cnnx.graph.graph import Graph, Node
from cnnx.graph.joins import Add, Concat
from cnnx.graph.layout import Slice
from cnnx.graph.operation import Operation, Shape
from cnnx.graph.pointwise import BatchNorm, Dropout, HardSwish, Identity, LeakyRelu, Relu, Relu6, Sigmoid
from cnnx.pytorch.build import Network, build, example_inputs
from cnnx.pytorch.layers import INFERENCE_IN_PLACE
from tests.built import as_tuple, assert_same
from tests.conftest import Expand

pytestmark = pytest.mark.usefixtures("one_thread")


def in_place_words(network: Network) -> set[str]:
    return {node.op.word for node in network.graph if getattr(network.get_submodule(node.name), "inplace", False)}


def test_in_training_only_relu_writes_over_its_input(expand_text: Expand) -> None:
    words = ("relu", "relu6", "leaky_relu", "hardsigmoid", "hardswish", "silu", "sigmoid", "tanh", "gelu", "softmax")
    layers = ", ".join(f"{{conv: {{out: 4, kernel: 1}}}}, {word}" for word in words)
    network = build(expand_text(f"input: [4, 6, 6]\nlayers: [{layers}]"))
    assert network.training
    assert in_place_words(network) == {"relu"}
    assert in_place_words(network.eval()) == {"relu", "relu6", "leaky_relu", "hardsigmoid", "hardswish", "silu"}
    assert in_place_words(network.train()) == {"relu"}


def node_of(draw: st.DrawFn, index: int, shapes: dict[str, Shape]) -> tuple[Operation, tuple[str, ...]]:
    """Draw an operation and what it reads, among values of 2 or 4 channels."""
    source = draw(st.sampled_from(sorted(shapes)))
    channels = shapes[source][0]
    equal = [name for name, shape in sorted(shapes.items()) if shape == shapes[source]]
    other = draw(st.sampled_from(equal))
    choices: list[tuple[Operation, tuple[str, ...]]] = [
        (Conv(channels, 2, (1, 1)), (source,)),
        (BatchNorm(channels), (source,)),
        *((operation(), (source,)) for operation in (Relu, Relu6, HardSwish, LeakyRelu, Sigmoid, Identity)),
        (Dropout(0.0), (source,)),
        (Add(), (source, other)),
        (Add(), (source,)),
        (Concat(), (source, other) if channels == 2 else (source,)),
        (Slice(channels // 2, channels), (source,)),
    ]
    return draw(st.sampled_from(choices[:-1] if channels == 2 else choices))


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Draw a small graph full of activations, views and joins, some of whose values are outputs too."""
    shapes: dict[str, Shape] = {"input": (4, 3, 3)}
    nodes: list[Node] = []
    for index in range(draw(st.integers(2, 9))):
        op, inputs = node_of(draw, index, shapes)
        nodes.append(Node(f"n{index}", op, inputs, op.shape(*[shapes[name] for name in inputs])))
        shapes[f"n{index}"] = nodes[-1].shape
    read = {name for node in nodes for name in node.inputs}
    last = [node.name for node in nodes if node.name not in read]
    extra = draw(st.lists(st.sampled_from([node.name for node in nodes]), max_size=2))
    return Graph("drawn", tuple(nodes), {"input": (4, 3, 3)}, tuple(dict.fromkeys([*last, *extra])))


@settings(max_examples=60, deadline=None)
@given(graph=graphs(), training=st.booleans())
def test_writing_over_inputs_changes_no_output_and_no_gradient(graph: Graph, training: bool) -> None:
    network = build(graph, dtype="float64").train(training)
    careful = copy.deepcopy(network)
    for layer in careful.modules():
        if isinstance(layer, (nn.ReLU, *INFERENCE_IN_PLACE)):
            layer.inplace = False
    results = []
    for module in (network, careful):
        (x,) = example_inputs(graph, batch=2, dtype="float64")
        x.requires_grad_()
        outputs = as_tuple(module(x))
        torch.autograd.backward([output.square().sum() for output in outputs])
        results.append([*outputs, x.grad, *[weight.grad for weight in module.parameters()]])
    for left, right in zip(*results, strict=True):
        torch.testing.assert_close(left, right, rtol=0, atol=0)
    with torch.inference_mode():
        assert_same(network.eval()(x), careful.eval()(x))

"""The built module: an ordinary `nn.Module` that computes what the graph says."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import cnnx
from cnnx.errors import DeviceError, UsageError
from cnnx.graph.convolution import Conv
from cnnx.graph.graph import Graph, Node
from cnnx.graph.joins import Add, Concat
from cnnx.graph.layout import Slice
from cnnx.graph.operation import Operation, Shape
from cnnx.graph.pointwise import BatchNorm, Dropout, HardSwish, Identity, LeakyRelu, Relu, Relu6, Sigmoid
from cnnx.pytorch.build import Network, build, example_inputs, timed_forward
from cnnx.pytorch.layers import INFERENCE_IN_PLACE

Expand = Callable[..., Graph]

RESIDUAL = """
input: [16, 6, 6]
layers:
  - add:
      main:
        - conv: {out: 4, kernel: 1, norm: batchnorm, act: relu}
        - conv: {out: 4, kernel: 3, norm: batchnorm, act: relu}
        - conv: {out: 16, kernel: 1, norm: batchnorm}
      shortcut: []
  - relu
"""
SE = """
input: [16, 6, 6]
layers:
  - multiply:
      - []
      - [global_avgpool, flatten, {linear: {out: 4, act: relu}}, {linear: {out: 16}}, sigmoid]
"""
# Views, joins, in-place activations, two inputs and two outputs.
MIXED = """
input: {x: [4, 6, 6], skip: [4, 6, 6]}
outputs: [low, high]
layers:
  - {add: null, from: [x, skip]}
  - conv: {out: 8, kernel: 3, norm: batchnorm, act: hardswish}
  - {channel_shuffle: {groups: 2}, name: shuffled}
  - {slice: {start: 0, end: 4}, name: low}
  - {slice: {start: 4, end: 8}, from: shuffled}
  - scale: {factor: 0.5}
  - pad: {sides: [0, 1, 2, 3]}
  - crop: {sides: [0, 1, 2, 0]}
  - relu
  - concat: {a: [{conv: {out: 2, kernel: 1}}, relu6], b: [tanh]}
  - {name: high}
"""


class Bottleneck(nn.Module):
    """The residual bottleneck of arXiv:1512.03385, written by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(16, 4, 1, bias=False), nn.BatchNorm2d(4)
        self.conv2, self.bn2 = nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)
        self.conv3, self.bn3 = nn.Conv2d(4, 16, 1, bias=False), nn.BatchNorm2d(16)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.bn1(self.conv1(x)))
        y = torch.relu(self.bn2(self.conv2(y)))
        return torch.relu(self.bn3(self.conv3(y)) + x)


class SqueezeExcite(nn.Module):
    """Squeeze and excitation of arXiv:1709.01507 with linear layers, written by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(16, 4), nn.Linear(4, 16)

    def forward(self, x: Tensor) -> Tensor:
        gate = torch.sigmoid(self.up(torch.relu(self.down(x.mean((2, 3))))))
        return x * gate.reshape(-1, 16, 1, 1)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Keep torch to one thread: on a busy machine several wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def same_weights(network: nn.Module, other: nn.Module) -> None:
    """Load the weights and buffers of `network` into `other`, in their order."""
    values = list(network.state_dict().values())
    other.load_state_dict(dict(zip(other.state_dict(), values, strict=True)))


def as_tuple(outputs: Any) -> tuple[Tensor, ...]:
    return outputs if isinstance(outputs, tuple) else (outputs,)


def assert_same(one: Any, other: Any) -> None:
    for left, right in zip(as_tuple(one), as_tuple(other), strict=True):
        torch.testing.assert_close(left, right)


@pytest.mark.parametrize(("text", "reference"), [(RESIDUAL, Bottleneck), (SE, SqueezeExcite)])
@pytest.mark.parametrize("training", [True, False])
def test_computes_what_a_module_written_by_hand_does(
    expand_text: Expand, text: str, reference: Callable[[], nn.Module], training: bool
) -> None:
    graph = expand_text(text)
    network, other = build(graph, dtype="float64"), reference().double()
    same_weights(network, other)
    network.train(training)
    other.train(training)
    (mine,) = example_inputs(graph, batch=3, dtype="float64")
    theirs = mine.clone()
    mine.requires_grad_()
    theirs.requires_grad_()
    result, expected = network(mine), other(theirs)
    torch.testing.assert_close(result, expected)
    result.square().sum().backward()
    expected.square().sum().backward()
    torch.testing.assert_close(mine.grad, theirs.grad)
    for left, right in zip(network.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(left.grad, right.grad)


def test_layers_stand_at_the_names_of_the_nodes(expand_text: Expand) -> None:
    network = build(expand_text(RESIDUAL))
    assert type(network.get_submodule("add")) is nn.Module
    convolution = network.get_submodule("add.main.conv2")
    assert type(convolution) is nn.Conv2d
    assert convolution.padding == (1, 1)
    assert type(network.get_submodule("add.main.conv2_norm")) is nn.BatchNorm2d
    assert sorted(network.state_dict())[0] == "add.main.conv1.weight"


def test_keeps_its_graph(expand_text: Expand) -> None:
    graph = expand_text(RESIDUAL)
    assert build(graph).graph is graph


def test_the_public_build_gives_the_same(expand_text: Expand) -> None:
    graph = expand_text(SE)
    assert_same(cnnx.build(graph, seed=3)(*example_inputs(graph)), build(graph, seed=3)(*example_inputs(graph)))


def test_the_seed_settles_the_weights_and_nothing_else(expand_text: Expand) -> None:
    graph = expand_text(SE)
    torch.manual_seed(7)
    before = torch.get_rng_state()
    weights = [next(build(graph, seed=seed).parameters()) for seed in (1, 1, 2)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert torch.equal(before, torch.get_rng_state())


def test_a_module_on_meta_has_shapes_and_no_data(expand_text: Expand) -> None:
    graph = expand_text(MIXED)
    network = build(graph, device="meta")
    assert {tensor.device.type for tensor in network.state_dict().values()} == {"meta"}
    outputs = network(*example_inputs(graph, batch=2, device="meta"))
    assert [tuple(output.shape) for output in outputs] == [(2, 4, 6, 6), (2, 6, 6, 9)]


def test_the_dtype_is_that_of_weights_and_inputs(expand_text: Expand) -> None:
    graph = expand_text(SE)
    assert build(graph, dtype="bfloat16").eval()(*example_inputs(graph, dtype="bfloat16")).dtype is torch.bfloat16


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "float23"}, "unknown dtype `float23`; did you mean `float32`?"),
        ({"device": "gpu"}, "unknown device `gpu`"),
    ],
)
def test_unknown_names_are_refused(expand_text: Expand, options: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("?", r"\?")):
        build(expand_text(SE), **options)  # type: ignore[arg-type]


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is there")
def test_a_missing_device_is_an_error(expand_text: Expand) -> None:
    with pytest.raises(DeviceError):
        build(expand_text(SE), device="cuda")


def test_example_inputs_are_drawn_from_their_seed(expand_text: Expand) -> None:
    graph = expand_text(MIXED)
    x, skip = example_inputs(graph, batch=2, seed=5)
    assert x.shape == skip.shape == (2, 4, 6, 6)
    assert not torch.equal(x, skip)
    assert torch.equal(x, example_inputs(graph, batch=2, seed=5)[0])
    with pytest.raises(UsageError, match="batch is 0"):
        example_inputs(graph, batch=0)


def test_inputs_are_given_in_order_or_by_name_and_several_outputs_are_a_tuple(expand_text: Expand) -> None:
    graph = expand_text(MIXED)
    network = build(graph).eval()
    x, skip = example_inputs(graph)
    outputs = network(x, skip)
    assert isinstance(outputs, tuple)
    assert_same(outputs, network(skip=skip, x=x))
    assert_same(outputs, network(x, skip=skip))
    with pytest.raises(TypeError, match="skip"):
        network(x)


def test_the_inputs_stay_as_they_were(expand_text: Expand) -> None:
    graph = expand_text("input: [4, 6, 6]\nlayers: [{slice: {start: 0, end: 2}}, relu, {conv: {out: 2, kernel: 1}}]")
    (x,) = example_inputs(graph)
    kept = x.clone()
    build(graph).eval()(x)
    assert torch.equal(x, kept)


def test_replaced_layers_are_used(expand_text: Expand) -> None:
    graph = expand_text(RESIDUAL)
    network = build(graph).eval()
    (x,) = example_inputs(graph)
    network.set_submodule("add.main.conv3_norm", nn.Threshold(float("inf"), 0.0))  # gives zeros
    assert_same(network(x), torch.relu(x))
    network.set_submodule("relu", nn.Sigmoid())
    assert_same(network(x), torch.sigmoid(x))
    assert_same(network.train().eval()(x), torch.sigmoid(x))


def roundtrip_save(network: Network) -> Network:
    file = io.BytesIO()
    torch.save(network, file)
    file.seek(0)
    loaded: Network = torch.load(file, weights_only=False)
    return loaded


@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, lambda network: pickle.loads(pickle.dumps(network)), roundtrip_save],
    ids=["deepcopy", "pickle", "save"],
)
def test_copies_compute_the_same_and_are_their_own(expand_text: Expand, copied: Callable[[Network], Network]) -> None:
    graph = expand_text(MIXED)
    network = build(graph).eval()
    network.set_submodule("relu", nn.Sigmoid())
    inputs = example_inputs(graph)
    other = copied(network)
    assert isinstance(other, Network)
    assert other.graph == graph
    assert not other.training
    expected = network(*inputs)
    assert_same(other(*inputs), expected)
    with torch.no_grad():
        for weight in other.parameters():
            weight.zero_()
    assert_same(network(*inputs), expected)


def test_a_state_dict_goes_into_another_build(expand_text: Expand) -> None:
    graph = expand_text(MIXED)
    network, other = build(graph, seed=0).eval(), build(graph, seed=1).eval()
    other.load_state_dict(network.state_dict())
    assert_same(other(*example_inputs(graph)), network(*example_inputs(graph)))


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


def test_each_value_is_dropped_after_its_last_reader(expand_text: Expand) -> None:
    graph = expand_text("input: [4, 6, 6]\nlayers: [{conv: {out: 4, kernel: 1}}, tanh, sigmoid, tanh]")
    network = build(graph).eval()
    alive: list[int] = []
    seen: list[Any] = []

    def note(module: nn.Module, inputs: Any, output: Tensor) -> None:
        import weakref

        alive.append(sum(reference() is not None for reference in seen))
        seen.append(weakref.ref(output))

    for node in graph:
        network.get_submodule(node.name).register_forward_hook(note)
    network(*example_inputs(graph))
    # While a layer runs, of all earlier outputs only its input is alive.
    assert alive == [0, 1, 1, 1]


def test_a_clock_is_read_at_the_start_and_after_each_node(expand_text: Expand) -> None:
    graph = expand_text(MIXED)
    network = build(graph).eval()
    run = timed_forward(network)
    readings = iter(range(100))
    outputs, times = run(lambda: next(readings), *example_inputs(graph))
    assert times == list(range(len(graph) + 1))
    assert_same(outputs, network(*example_inputs(graph)))
    network.set_submodule("relu", nn.Sigmoid())
    assert_same(run(lambda: 0, *example_inputs(graph))[0], network(*example_inputs(graph)))


def test_torch_compile(expand_text: Expand) -> None:
    graph = expand_text(MIXED)
    network = build(graph).eval()
    torch.compiler.reset()
    # The eager backend runs what the compiler traced; `fullgraph` allows no break in it.
    compiled = torch.compile(network, backend="eager", fullgraph=True)
    inputs = example_inputs(graph)
    assert_same(compiled(*inputs), network(*inputs))
    network.set_submodule("relu", nn.Sigmoid())
    assert_same(compiled(*inputs), network(*inputs))
    assert_same(compiled(skip=inputs[1], x=inputs[0]), network(*inputs))


@pytest.mark.parametrize("strict", [True, False])
def test_torch_export(expand_text: Expand, strict: bool) -> None:
    graph = expand_text(MIXED)
    network = build(graph).eval()
    inputs = example_inputs(graph, batch=2)
    batch = torch.export.Dim("batch", min=2)
    exported = torch.export.export(network, inputs, dynamic_shapes={"x": {0: batch}, "skip": {0: batch}}, strict=strict)
    larger = example_inputs(graph, batch=5)
    assert_same(exported.module()(*larger), network(*larger))
    assert set(exported.state_dict) == set(network.state_dict())


def test_trains(expand_text: Expand) -> None:
    graph = expand_text(MIXED)
    network = build(graph)
    inputs = example_inputs(graph, batch=4)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    losses = []
    for _ in range(5):
        low, high = network(*inputs)
        loss = low.square().mean() + high.square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]

"""The PyTorch table: total over the operations, and of one mind with torch about shapes and counts."""

from __future__ import annotations

import importlib
import pkgutil
from math import inf

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import cnnx.graph
from cnnx.errors import RuleError
from cnnx.graph.convolution import Conv, Linear
from cnnx.graph.graph import Graph, Node
from cnnx.graph.joins import Add, Concat, Multiply
from cnnx.graph.layout import ChannelShuffle, Crop, Flatten, Pad, Slice
from cnnx.graph.operation import Operation, Shape, Storage, elements
from cnnx.graph.pointwise import BatchNorm, LeakyRelu, Scale, Softmax
from cnnx.graph.pooling import AdaptiveAvgPool, AvgPool, MaxPool, Pool
from cnnx.pytorch.build import build, example_inputs
from cnnx.pytorch.layers import EXPRESSIONS, INFERENCE_IN_PLACE, LAYERS

pytestmark = pytest.mark.usefixtures("one_thread")


def operation_types() -> set[type[Operation]]:
    """Find every primitive: the operations in `cnnx.graph` that have a word of their own."""
    modules = [
        importlib.import_module(f"cnnx.graph.{found.name}") for found in pkgutil.iter_modules(cnnx.graph.__path__)
    ]
    values = [value for module in modules for value in vars(module).values()]
    return {value for value in values if isinstance(value, type) and issubclass(value, Operation) and value.word}


def one(op: Operation, *sources: Shape) -> Graph:
    """Make a graph of one operation, which reads every input."""
    inputs = {f"in{index}": source for index, source in enumerate(sources)}
    return Graph("one", (Node("op", op, tuple(inputs), op.shape(*sources)),), inputs, ("op",))


def run(op: Operation, *tensors: torch.Tensor) -> torch.Tensor:
    """Build an operation and run it, in evaluation mode, on tensors with a batch."""
    graph = one(op, *[tuple(tensor.shape[1:]) for tensor in tensors])
    result: torch.Tensor = build(graph, dtype="float64").eval()(*tensors)
    assert tuple(result.shape[1:]) == graph.nodes[0].shape
    return result


def numbers(*shape: int) -> torch.Tensor:
    """Give 1, 2, 3 … in a shape."""
    return torch.arange(1.0, elements(shape) + 1, dtype=torch.float64).reshape(shape)


def test_every_operation_has_one_row() -> None:
    assert len(operation_types()) >= 28
    assert set(LAYERS) | set(EXPRESSIONS) == operation_types()
    assert not set(LAYERS) & set(EXPRESSIONS)


def test_what_may_write_over_its_input_has_the_switch_for_it() -> None:
    for kind in operation_types():
        if kind.storage is Storage.IN_PLACE:
            layer = LAYERS[kind](kind(), (4, 6, 6))
            assert isinstance(layer, (nn.ReLU, *INFERENCE_IN_PLACE))
            assert layer.inplace is False


@pytest.mark.parametrize(
    ("op", "sources", "expected"),
    [
        (Add(), [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [9.0, 12.0]),
        (Multiply(), [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [15.0, 48.0]),
        (Concat(), [[1.0, 2.0], [3.0]], [1.0, 2.0, 3.0]),
        (Slice(1, 3), [[1.0, 2.0, 3.0, 4.0]], [2.0, 3.0]),
        (Scale(0.5), [[1.0, 2.0]], [0.5, 1.0]),
        (Flatten(), [[[[1.0, 2.0], [3.0, 4.0]]]], [1.0, 2.0, 3.0, 4.0]),
        (Crop((1, 0, 0, 1)), [[[[1.0, 2.0], [3.0, 4.0]]]], [[[3.0]]]),
        (Crop((0, 1, 1, 0)), [[[[1.0, 2.0], [3.0, 4.0]]]], [[[2.0]]]),
        (Pad((1, 0, 0, 2)), [[[[1.0]]]], [[[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]]),
        (Pad((0, 1, 1, 0), -inf), [[[[1.0]]]], [[[-inf, 1.0], [-inf, -inf]]]),
        # (g, c/g) → (c/g, g): 1 2 | 3 4 | 5 6 in 3 groups become 1 3 5 2 4 6
        (ChannelShuffle(3), [[[[1.0]], [[2.0]], [[3.0]], [[4.0]], [[5.0]], [[6.0]]]],
         [[[1.0]], [[3.0]], [[5.0]], [[2.0]], [[4.0]], [[6.0]]]),
        (LeakyRelu(), [[-1.0, 2.0]], [-0.01, 2.0]),
        (LeakyRelu(0.2), [[-1.0, 2.0]], [-0.2, 2.0]),
        (Softmax(), [[0.0, 0.0]], [0.5, 0.5]),
    ],
)  # fmt: skip
def test_small_sums_by_hand(op: Operation, sources: list[object], expected: object) -> None:
    tensors = [torch.tensor([source, source], dtype=torch.float64) for source in sources]
    wanted = torch.tensor([expected, expected], dtype=torch.float64)
    torch.testing.assert_close(run(op, *tensors), wanted)


@pytest.mark.parametrize("gate", [(2,), (2, 1, 1)])
@pytest.mark.parametrize("first", [True, False])
def test_a_gate_stretches_over_the_map(gate: Shape, first: bool) -> None:
    big, factors = numbers(3, 2, 4, 5), numbers(3, *gate)
    result = run(Multiply(), *((factors, big) if first else (big, factors)))
    torch.testing.assert_close(result, big * factors.reshape(3, 2, 1, 1))


def test_two_gates_and_a_map() -> None:
    result = run(Multiply(), numbers(3, 2), numbers(3, 2, 1, 1), numbers(3, 2, 4, 5))
    torch.testing.assert_close(result, (numbers(3, 2) ** 2)[..., None, None] * numbers(3, 2, 4, 5))


def test_vectors_are_multiplied_without_stretching() -> None:
    torch.testing.assert_close(run(Multiply(), numbers(3, 2), numbers(3, 2)), numbers(3, 2) ** 2)


@pytest.mark.parametrize("op", [Add(), Multiply(), Concat()])
def test_a_join_of_one_branch_is_a_copy(op: Operation) -> None:
    source = numbers(1, 2, 3, 3)
    result = run(op, source)
    assert torch.equal(result, source)
    assert result.data_ptr() != source.data_ptr()


def test_batch_norm_takes_maps_and_vectors() -> None:
    assert type(build(one(BatchNorm(4, 0.001), (4, 6, 6))).get_submodule("op")) is nn.BatchNorm2d
    vector = build(one(BatchNorm(4, 0.001), (4,))).get_submodule("op")
    assert type(vector) is nn.BatchNorm1d
    assert vector.eps == 0.001


def pairs(low: int, high: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(low, high), st.integers(low, high))


@st.composite
def convolutions(draw: st.DrawFn) -> Conv:
    groups = draw(st.integers(1, 3))
    return Conv(
        in_channels=groups * draw(st.integers(1, 3)),
        out_channels=groups * draw(st.integers(1, 3)),
        kernel=draw(pairs(1, 5)),
        stride=draw(pairs(1, 4)),
        padding=draw(pairs(0, 4)),
        dilation=draw(pairs(1, 3)),
        groups=groups,
        bias=draw(st.booleans()),
    )


def assert_torch_agrees(op: Operation, source: Shape) -> None:
    """Hold shape, weights and multiply–adds against what torch does and counts, on the CPU: meta checks less."""
    try:
        graph = one(op, source)
    except RuleError:
        layer = LAYERS[type(op)](op, source)
        with pytest.raises(RuntimeError):
            layer(torch.zeros(1, *source))
        return
    network = build(graph).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        result = network(*example_inputs(graph))
    assert tuple(result.shape) == (1, *graph.nodes[0].shape)
    assert {
        name: tuple(weight.shape) for name, weight in network.get_submodule("op").named_parameters()
    } == op.weights()
    assert counter.get_total_flops() == 2 * op.macs(graph.nodes[0].shape)


@settings(max_examples=80, deadline=None)
@given(op=convolutions(), size=pairs(1, 12))
def test_convolutions_are_those_of_torch(op: Conv, size: tuple[int, int]) -> None:
    assert_torch_agrees(op, (op.in_channels, *size))


@settings(max_examples=30, deadline=None)
@given(op=st.builds(Linear, st.integers(1, 9), st.integers(1, 9), st.booleans()))
def test_linear_layers_are_those_of_torch(op: Linear) -> None:
    assert_torch_agrees(op, (op.in_features,))


@settings(max_examples=80, deadline=None)
@given(
    kind=st.sampled_from([MaxPool, AvgPool]),
    kernel=pairs(1, 5),
    stride=pairs(1, 6),
    padding=pairs(0, 2),
    ceil=st.booleans(),
    size=pairs(1, 12),
)
def test_poolings_are_those_of_torch(
    kind: type[Pool],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    ceil: bool,
    size: tuple[int, int],
) -> None:
    assume(all(pad <= window // 2 for pad, window in zip(padding, kernel, strict=True)))
    assert_torch_agrees(kind(kernel, stride, padding, ceil), (2, *size))


@settings(max_examples=30, deadline=None)
@given(output=pairs(1, 9), size=pairs(1, 9))
def test_adaptive_poolings_are_those_of_torch(output: tuple[int, int], size: tuple[int, int]) -> None:
    assert_torch_agrees(AdaptiveAvgPool(output), (2, *size))


@settings(max_examples=30, deadline=None)
@given(sides=st.tuples(*[st.integers(0, 3)] * 4), size=pairs(1, 6))
def test_a_crop_takes_away_what_a_pad_added(sides: tuple[int, int, int, int], size: tuple[int, int]) -> None:
    source = numbers(1, 2, *size)
    assert torch.equal(run(Crop(sides), run(Pad(sides, 7.0), source)), source)

"""The built module: layers at the names of the nodes, and what it computes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import cnnx
from cnnx.errors import DeviceError, UsageError
from cnnx.pytorch.build import build, example_inputs
from tests.built import MIXED, RESIDUAL, SE, assert_same
from tests.conftest import Expand

pytestmark = pytest.mark.usefixtures("one_thread")


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


def same_weights(network: nn.Module, other: nn.Module) -> None:
    """Load the weights and buffers of `network` into `other`, in their order."""
    values = list(network.state_dict().values())
    other.load_state_dict(dict(zip(other.state_dict(), values, strict=True)))


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

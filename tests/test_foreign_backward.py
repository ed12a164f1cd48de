"""The backward pass of models that cnnx did not build: as that of a spec's graph, and operator by operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import cnnx
from cnnx.analysis.memory.training import Backward, count_backward
from cnnx.pytorch.build import build, example_inputs
from cnnx.pytorch.foreign.backward import BackwardCounter, count_backward_pass


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("bottleneck", None),
        ("mobilenetv3_small", (3, 64, 64)),
        ("densenet121", (3, 64, 64)),
        ("shuffle_v1_unit", None),
        ("shufflenetv2", (3, 64, 64)),
        ("resnext_grouped", None),
        ("se", None),
        ("inception_aux", None),
        ("lenet5", None),
        ("resnet18", (3, 64, 64)),
    ],
)
def test_a_built_module_has_the_backward_pass_of_its_graph(name: str, shape: tuple[int, int, int] | None) -> None:
    graph = cnnx.load(name, input=shape)
    found = count_backward_pass(build(graph, device="meta").eval(), example_inputs(graph, device="meta"))
    by_rule = count_backward(graph)
    assert (found.macs, found.flops, found.unknown) == (by_rule.macs, by_rule.flops, ())


C, H, W = 8, 6, 4
N = C * H * W


def gradients(function: Callable[..., Any], *shapes: tuple[int, ...]) -> BackwardCounter:
    """Count the gradients of all inputs and weights of a function."""
    inputs = [torch.empty(shape, device="meta", requires_grad=True) for shape in shapes]
    output = function(*inputs)
    weights = [*function.parameters()] if isinstance(function, nn.Module) else []
    counter = BackwardCounter()
    with counter:
        torch.autograd.grad(output, [*inputs, *weights], torch.ones_like(output))
    return counter


def module(made: nn.Module) -> nn.Module:
    return made.to("meta").eval()


# A function of a map; FLOPs of its gradients beyond the two of each multiply–add.
ONE: dict[str, tuple[Callable[[Tensor], Tensor], int]] = {
    "relu": (functional.relu, N),
    "relu6": (functional.relu6, N),
    "leaky relu": (functional.leaky_relu, N),
    "sigmoid": (torch.sigmoid, N),
    "hardsigmoid": (functional.hardsigmoid, N),
    "tanh": (torch.tanh, N),
    "hardswish": (functional.hardswish, N),
    "silu": (functional.silu, N),
    "gelu": (functional.gelu, N),
    "elu": (functional.elu, N),
    # torch composes it: softplus, tanh, sigmoid, four products, a difference, a sum
    "mish": (functional.mish, 9 * N),
    "softplus": (functional.softplus, N),
    "logsigmoid": (functional.logsigmoid, N),
    "prelu": (module(nn.PReLU()), (1 + 1) * N + N),  # of the input, of the slope, the sum of that
    "glu": (lambda x: functional.glu(x, 1), 2 * N // 2),
    "softmax": (lambda x: x.softmax(1), 3 * N),
    "log softmax": (lambda x: x.log_softmax(1), 3 * N),
    "batch norm": (module(nn.BatchNorm2d(C)), (2 + 2) * N),
    "batch norm without weights": (module(nn.BatchNorm2d(C, affine=False)), 2 * N),
    "batch norm without statistics": (module(nn.BatchNorm2d(C, track_running_stats=False)), (7 + 7) * N),
    "instance norm": (module(nn.InstanceNorm2d(C)), 5 * N),
    "group norm": (module(nn.GroupNorm(2, C)), (7 + 7) * N),
    "layer norm": (module(nn.LayerNorm(W)), (7 + 7) * N),
    "layer norm without a bias": (module(nn.LayerNorm(W, bias=False)), (6 + 6) * N),
    "layer norm without weights": (module(nn.LayerNorm(W, elementwise_affine=False)), 5 * N),
    "max pool": (nn.MaxPool2d(2), 2 * 2 * C * 3 * 2),
    "average pool": (nn.AvgPool2d((3, 2)), 3 * 2 * C * 2 * 2),
    "adaptive average pool": (nn.AdaptiveAvgPool2d(2), N),
    "adaptive max pool": (nn.AdaptiveMaxPool2d(2), N),
    "global average pool": (nn.AdaptiveAvgPool2d(1), N),
    "mean": (lambda x: x.mean((2, 3)), N),
    "sum": (lambda x: x.sum((2, 3)), 0),  # passes its gradient on to all
    "bilinear": (lambda x: functional.interpolate(x, scale_factor=2, mode="bilinear"), 7 * 4 * N),
    "bicubic": (lambda x: functional.interpolate(x, scale_factor=2, mode="bicubic"), 31 * 4 * N),
    "nearest": (lambda x: functional.interpolate(x, scale_factor=2), 0),
    "scale": (lambda x: 2 * x, N),
    "add": (lambda x: x + x, N),  # the sum of both gradients
    "multiply": (lambda x: x * x.tanh(), 2 * N + N + N),  # two products, tanh, the sum
    "by a gate": (lambda x: x * x.mean((2, 3), keepdim=True), 2 * N + N + N + N),  # …, the gate's sum, the mean, the sum
    "layout": (lambda x: functional.pad(x[:, 2:].flatten(1), (1, 1)), 0),
    "reflection": (nn.ReflectionPad2d(1), 0),
    "shuffle": (nn.ChannelShuffle(2), 0),
    "concat": (lambda x: torch.cat([x, x]), N),
}  # fmt: skip


@pytest.mark.parametrize("name", ONE)
def test_functions_of_a_map(name: str) -> None:
    function, flops = ONE[name]
    counter = gradients(function, (1, C, H, W))
    assert (counter.macs, counter.other_flops, counter.unknown) == (0, flops, {})


def test_convolutions_with_biases() -> None:
    grouped = module(nn.Conv2d(C, 12, 3, padding=1, groups=4))
    counter = gradients(grouped, (1, C, H, W))
    # of the input and of the weights, C/4 channels each; the bias's gradient is the sum over all that leaves
    assert (counter.macs, counter.other_flops) == (2 * 12 * H * W * 3 * 3 * (C // 4), 12 * H * W)
    transposed = module(nn.ConvTranspose2d(C, 12, 2, stride=2, groups=4))
    counter = gradients(transposed, (1, C, H, W))
    assert (counter.macs, counter.other_flops) == (2 * N * 2 * 2 * (12 // 4), 12 * 2 * H * 2 * W)


def test_products() -> None:
    counter = gradients(module(nn.Linear(W, 5)), (C, W))
    assert (counter.macs, counter.other_flops) == (2 * C * W * 5, C * 5)
    counter = gradients(torch.matmul, (2, 3, 4), (2, 4, 5))
    assert (counter.macs, counter.other_flops) == (2 * 2 * 3 * 4 * 5, 0)


def test_attention() -> None:
    """Of S·T·(D + D') for each of 2 heads, twice; scores 3 each; query and key scaled."""
    counter = gradients(functional.scaled_dot_product_attention, (1, 2, 5, 8), (1, 2, 7, 8), (1, 2, 7, 6))
    assert counter.macs == 2 * 2 * 5 * 7 * (8 + 6)
    assert counter.other_flops == 3 * 2 * 5 * 7 + 2 * 5 * 8 + 2 * 7 * 8


class Waves(nn.Module):
    """A convolution whose output is smoothed through its spectrum."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        smoothed: Tensor = torch.fft.irfft(torch.fft.rfft(self.conv(x)))
        return smoothed


def test_what_is_unknown_is_told_and_leaves_no_flops() -> None:
    found = count_backward_pass(Waves().to("meta"), [torch.empty(1, 3, 6, 6, device="meta")])
    assert found == Backward(36 * 3 * 4, None, (), ("aten::_fft_c2c", "aten::_fft_r2c"))


def test_nothing_is_asked_of_what_has_no_weights_or_is_frozen() -> None:
    source = torch.empty(1, 3, 6, 6, device="meta")
    assert count_backward_pass(nn.ReLU(), [source]) == Backward(0, 0, ())
    conv = nn.Conv2d(3, 4, 1, device="meta").requires_grad_(requires_grad=False)
    assert count_backward_pass(conv, [source]) == Backward(0, 0, ())

"""The cost of each operator, with the arithmetic written out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from cnnx.pytorch.foreign.count import count_module
from cnnx.pytorch.foreign.rules import RULES, find_rule

X = torch.zeros(1, 8, 6, 4)
N = 8 * 6 * 4


def compute(function: Callable[..., Any]) -> nn.Module:
    class Function(nn.Module):
        def forward(self, *inputs: Tensor) -> Any:
            return function(*inputs)

    return Function()


# An activation or function of one tensor; its FLOPs; their category.
ONE: dict[str, tuple[Callable[[Tensor], Any], int, str]] = {
    "relu": (functional.relu, N, "activation"),
    "relu in place": (nn.ReLU(inplace=True), N, "activation"),
    "relu6": (functional.relu6, N, "activation"),
    "hardswish": (functional.hardswish, N, "activation"),
    "hardsigmoid": (functional.hardsigmoid, N, "activation"),
    "silu": (functional.silu, N, "activation"),
    "gelu": (functional.gelu, N, "activation"),
    "gelu by tanh": (lambda x: functional.gelu(x, approximate="tanh"), N, "activation"),
    "mish": (functional.mish, N, "activation"),
    "elu": (functional.elu, N, "activation"),
    "selu": (functional.selu, N, "activation"),
    "softplus": (functional.softplus, N, "activation"),
    "logsigmoid": (functional.logsigmoid, N, "activation"),
    "leaky_relu": (functional.leaky_relu, N, "activation"),
    "prelu": (nn.PReLU(), N, "activation"),
    "glu": (lambda x: functional.glu(x, 1), 2 * N // 2, "activation"),
    "softmax": (lambda x: x.softmax(1), 3 * N, "activation"),
    "log softmax": (lambda x: x.log_softmax(1), 3 * N, "activation"),
    "batch norm": (nn.BatchNorm2d(8), 2 * N, "norm"),
    "batch norm without weights": (nn.BatchNorm2d(8, affine=False), 2 * N, "norm"),
    "batch norm without statistics": (nn.BatchNorm2d(8, track_running_stats=False), 7 * N, "norm"),
    "instance norm": (nn.InstanceNorm2d(8), 5 * N, "norm"),
    "group norm": (nn.GroupNorm(2, 8), 7 * N, "norm"),
    "layer norm": (nn.LayerNorm(4), 7 * N, "norm"),
    "layer norm without a bias": (nn.LayerNorm(4, bias=False), 6 * N, "norm"),
    "layer norm without weights": (nn.LayerNorm(4, elementwise_affine=False), 5 * N, "norm"),
    "max pool": (nn.MaxPool2d(2), 2 * 2 * 8 * 3 * 2, "pool"),
    "max pool, dilated": (nn.MaxPool2d((2, 1), 1, dilation=2), 2 * 1 * 8 * 4 * 4, "pool"),
    "max pool of vectors": (lambda x: functional.max_pool1d(x[0], 2), 2 * 8 * 6 * 2, "pool"),
    "average pool": (nn.AvgPool2d((3, 2)), 3 * 2 * 8 * 2 * 2, "pool"),
    "adaptive average pool": (nn.AdaptiveAvgPool2d(2), N, "pool"),
    "global average pool": (nn.AdaptiveAvgPool2d(1), N, "pool"),
    "global average by hand": (lambda x: x.mean((-1, 2)), N, "pool"),
    "adaptive max pool": (nn.AdaptiveMaxPool2d(2), N, "pool"),
    "sum with a number": (lambda x: x + 1, N, "elementwise"),
    "scale": (lambda x: 0.5 * x, N, "elementwise"),
    "power": (lambda x: x**2, N, "elementwise"),
    "power of a number": (lambda x: 2.0**x, N, "elementwise"),
    "gate": (lambda x: x * x.mean((2, 3), keepdim=True), 2 * N, "pool elementwise"),
    "comparison": (lambda x: torch.where(x > 0, x, 0.1 * x), 2 * N, "elementwise"),
    "clamp": (lambda x: x.clamp(0, 1), N, "elementwise"),
    "linear interpolation": (lambda x: torch.lerp(x, x, 0.5), 3 * N, "elementwise"),
    "mean over channels": (lambda x: x.mean(1), N, "elementwise"),
    "sum": (torch.sum, N, "elementwise"),
    "largest": (lambda x: x.amax(1), N, "elementwise"),
    "variance": (lambda x: x.var(1), 4 * N, "elementwise"),
    "length": (lambda x: x.norm(dim=1), 2 * N, "elementwise"),
    "running sum": (lambda x: x.cumsum(1), N, "elementwise"),
    "bilinear": (nn.Upsample(scale_factor=2, mode="bilinear"), 7 * 4 * N, "elementwise"),
    "bicubic": (nn.Upsample(scale_factor=2, mode="bicubic"), 31 * 4 * N, "elementwise"),
    "nearest": (nn.Upsample(scale_factor=2), 0, ""),
    "concat": (lambda x: torch.cat([x, x], 1), 0, ""),
    "split": (lambda x: torch.cat(x.chunk(2, 1)[::-1], 1), 0, ""),
    "pad": (lambda x: functional.pad(x, (1, 1)), 0, ""),
    "reflection": (nn.ReflectionPad2d(1), 0, ""),
    "shuffle": (nn.ChannelShuffle(2), 0, ""),
    "pixel shuffle": (nn.PixelShuffle(2), 0, ""),
    "transposition": (lambda x: x.permute(0, 2, 3, 1).contiguous(), 0, ""),
    "flatten": (lambda x: x.flatten(1), 0, ""),
    "largest places": (lambda x: x.topk(2, 1), 0, ""),
    "dropout": (nn.Dropout(), 0, ""),
    "identity": (nn.Identity(), 0, ""),
    "whole numbers": (lambda x: torch.arange(4) + 1, 0, ""),
}


@pytest.mark.parametrize(("function", "flops", "categories"), ONE.values(), ids=list(ONE))
def test_cost(function: Callable[[Tensor], Any], flops: int, categories: str) -> None:
    model = nn.Sequential(function) if isinstance(function, nn.Module) else compute(function)
    counted = count_module(model, X)
    figures = counted.figures
    assert counted.unknown == ()
    assert counted.device == "meta"
    assert set(figures.flops_by_category) == set(categories.split())
    assert (figures.macs, figures.flops) == (0, flops)


def test_embeddings_are_looked_up() -> None:
    tokens = torch.zeros(1, 5, dtype=torch.int64)
    assert count_module(nn.Embedding(9, 4), tokens).figures.flops == 0
    assert count_module(nn.EmbeddingBag(9, 4), tokens).figures.flops == 5 * 4  # their sum


def test_bilinear_layers() -> None:
    figures = count_module(nn.Bilinear(3, 4, 5), torch.zeros(2, 3), torch.zeros(2, 4)).figures
    assert (figures.macs, figures.flops) == (2 * 5 * (3 * 4 + 3), 2 * 2 * 5 * (3 * 4 + 3) + 2 * 5)


def test_bias() -> None:
    conv, linear = nn.Conv2d(8, 3, 1), nn.Linear(4, 5)
    assert count_module(conv, X).figures.flops == 2 * 3 * 24 * 8 + 3 * 24
    assert count_module(linear, X).figures.flops == 2 * 48 * 4 * 5 + 48 * 5


def test_bytes_moved_are_those_of_arguments_and_results() -> None:
    conv = count_module(nn.Conv2d(8, 3, 1), X).figures
    assert conv.memory_access_elements == N + 3 * 8 + 3 + 3 * 24
    norm = count_module(nn.BatchNorm2d(8), X).figures
    assert norm.memory_access_elements == N + 2 * 8 + N  # statistics are buffers
    joined = count_module(compute(lambda x: torch.cat([x, x], 1)), X).figures
    assert (joined.memory_access_elements, joined.activation_elements) == (2 * N + 2 * N, 2 * N)
    assert count_module(compute(lambda x: x.flatten(1).unsqueeze(1)), X).figures.memory_access_elements == 0


def test_sampling() -> None:
    places = torch.zeros(1, 5, 3, 2)
    for mode, each in (("bilinear", 7), ("nearest", 0), ("bicubic", 31)):
        model = compute(lambda x, at, mode=mode: functional.grid_sample(x, at, mode=mode, align_corners=False))
        assert count_module(model, X, places).figures.flops == each * 8 * 5 * 3


def test_every_rule_names_an_operator_that_torch_has() -> None:
    libraries = {"aten": torch.ops.aten}
    missing = [
        name
        for name in RULES
        if ":" not in name and not any(hasattr(libraries["aten"], f"{name}{ending}") for ending in ("", "_"))
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("operator", "known"),
    [
        ("aten::relu_", "relu"),
        ("aten::__and__", "__and__"),
        ("aten::add", "add"),
        ("other::relu", None),
        ("aten::x_", None),
    ],
)
def test_names(operator: str, known: str | None) -> None:
    assert find_rule(operator) == (None if known is None else RULES[known])

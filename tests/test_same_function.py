"""Built blocks compute what their articles and papers say of them, in numbers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

import cnnx
from tests.identity import normal

CARDINALITY, WIDTH = 4, 2


def weights_of_paths(module: nn.Module, pattern: str) -> list[Tensor]:
    return [module.get_parameter(pattern.format(path)) for path in range(CARDINALITY)]


def test_resnext_computes_the_same_three_ways() -> None:
    """The paths' weights, put together, are those of the grouped form: rows, groups, and columns."""
    settings: dict[str, Any] = {"channels": 16, "cardinality": CARDINALITY, "width": WIDTH, "input": (16, 5, 5)}
    added, concatenated, grouped = (
        cnnx.build(cnnx.load(f"resnext_{form}", **settings), dtype="float64", seed=seed).eval()
        for seed, form in enumerate(("add", "concat", "grouped"))
    )
    first, second, third = (weights_of_paths(added, f"add.paths.{{}}.conv{i}.weight") for i in (1, 2, 3))
    with torch.no_grad():
        grouped.get_parameter("add.paths.conv1.weight").copy_(torch.cat(first))
        grouped.get_parameter("add.paths.conv2.weight").copy_(torch.cat(second))
        grouped.get_parameter("add.paths.conv3.weight").copy_(torch.cat(third, 1))
        for path in range(CARDINALITY):
            concatenated.get_parameter(f"add.paths.concat.{path}.conv1.weight").copy_(first[path])
            concatenated.get_parameter(f"add.paths.concat.{path}.conv2.weight").copy_(second[path])
        concatenated.get_parameter("add.paths.conv.weight").copy_(torch.cat(third, 1))
    image = normal((1, 16, 5, 5), 1)
    with torch.inference_mode():
        expected = grouped(image)
        torch.testing.assert_close(added(image), expected, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(concatenated(image), expected, rtol=1e-12, atol=1e-12)


def test_the_gate_with_a_second_relu_never_falls_below_one_half() -> None:
    """With ReLU before it the sigmoid sees nothing below 0, and sigmoid(0) = hard sigmoid(0) = 1/2."""
    image = normal((1, 64, 7, 7), 2).abs() + 0.1
    for hard in (False, True):
        module = cnnx.build(cnnx.load("se_s3", hard=hard), dtype="float64").eval()
        with torch.inference_mode():
            weight = module(image) / image
        assert weight.min().item() >= 0.5 - 1e-12
        assert weight.max().item() <= 1


def test_nasnet_average_leaves_padding_out() -> None:
    """With no convolutions in its way an average of ones is one at the border too: c = x1 + mean(x2) = 2."""
    module = cnnx.build(cnnx.load("nasnet_normal_s0", channels=2), dtype="float64").eval()
    ones = torch.ones(1, 2, 32, 32, dtype=torch.float64)
    with torch.inference_mode():
        third = module(x1=ones, x2=ones)[:, 4:6]
    torch.testing.assert_close(third, torch.full_like(third, 2.0))

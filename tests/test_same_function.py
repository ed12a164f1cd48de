"""Built specs compute what their references compute: layer by layer, and in numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from torch import Tensor, nn

import cnnx
from cnnx.graph.convolution import Conv, Linear
from cnnx.graph.graph import Node
from cnnx.graph.pointwise import BatchNorm

REFERENCE: dict[str, Any] = json.loads((Path(__file__).parent / "reference" / "mobilenetv3.json").read_text("utf-8"))
NETWORKS = ["mobilenetv3_large", "mobilenetv3_small"]


def layer(node: Node) -> dict[str, Any] | None:
    """Describe a node with weights as the reference does; others are None."""
    match node.op:
        case Conv() as conv:
            return {
                "op": "conv",
                "weight": list(conv.weights()["weight"]),
                "stride": list(conv.stride),
                "dilation": list(conv.dilation),
                "groups": conv.groups,
                "bias": conv.bias,
                "out": list(node.shape),
                "padding": list(conv.padding),
            }
        case BatchNorm() as norm:
            return {"op": "batchnorm", "channels": norm.channels, "out": list(node.shape), "eps": norm.eps}
        case Linear() as linear:
            weight = list(linear.weights()["weight"])
            return {"op": "linear", "weight": weight, "bias": linear.bias, "out": list(node.shape)}
    return None


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_are_those_of_torchvision_in_their_order(name: str) -> None:
    layers = [described for node in cnnx.load(name) if (described := layer(node)) is not None]
    assert layers == REFERENCE[name]["layers"]


@pytest.mark.parametrize("name", NETWORKS)
def test_figures_are_those_of_torchvision(name: str) -> None:
    figures = cnnx.count(cnnx.load(name))
    assert (figures.params, figures.macs) == (REFERENCE[name]["params"], REFERENCE[name]["macs"])


def normal(shape: tuple[int, ...], seed: int) -> Tensor:
    return torch.from_numpy(numpy.random.RandomState(seed).standard_normal(shape))


def fill(module: nn.Module, names: list[str]) -> None:
    """Fill the weights as those of the reference were: layer i of the order of execution from seeds made of i."""
    for i, name in enumerate(names):
        one = module.get_submodule(name)
        assert isinstance(one, nn.Conv2d | nn.Linear | nn.BatchNorm2d)
        with torch.no_grad():
            if isinstance(one, nn.BatchNorm2d):
                assert one.running_mean is not None
                assert one.running_var is not None
                channels = (one.num_features,)
                one.weight.copy_(1 + 0.1 * normal(channels, i))
                one.running_mean.copy_(0.1 * normal(channels, i + 20000))
                one.running_var.copy_(torch.exp(0.1 * normal(channels, i + 30000)))
            else:
                one.weight.copy_(normal(tuple(one.weight.shape), i) * (2 / one.weight[0].numel()) ** 0.5)
            if one.bias is not None:
                one.bias.copy_(0.1 * normal(tuple(one.bias.shape), i + 10000))


@pytest.mark.parametrize("name", NETWORKS)
def test_logits_are_those_of_torchvision(name: str) -> None:
    graph = cnnx.load(name)
    module = cnnx.build(graph, dtype="float64").eval()
    fill(module, [node.name for node in graph if layer(node) is not None])
    with torch.inference_mode():
        logits = module(normal((1, 3, 224, 224), 12345))[0]
    assert logits.norm().item() == pytest.approx(REFERENCE[name]["logits_norm"], rel=1e-12)
    assert logits[:8].tolist() == pytest.approx(REFERENCE[name]["logits_first8"], rel=1e-10)


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

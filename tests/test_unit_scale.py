"""Activations of measured networks keep their size."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cnnx.pytorch.build import build, example_inputs
from cnnx.pytorch.unit_scale import scale_activations, vanishes
from tests.conftest import Expand

DEEP = """
input: [4, 6, 6]
layers:
  - repeat:
      times: 120
      layers:
        - conv: {out: 4, kernel: 3, bias: true, norm: batchnorm, act: relu}
  - flatten
  - linear: {out: 3}
"""


def test_a_deep_network_vanishes_without_and_not_with_it(expand_text: Expand) -> None:
    graph = expand_text(DEEP.replace("bias: true", "bias: false").replace("  - linear: {out: 3}\n", ""))
    network, inputs = build(graph).eval(), example_inputs(graph)
    with torch.no_grad():
        assert vanishes(network(*inputs))  # 0.4¹²⁰ = 2e-48, below the least denormal, 1.4e-45
        scale_activations(network, inputs)
        output = network(*inputs)
    assert not vanishes(output)
    assert 0.1 < output.abs().max() < 10


def test_every_layer_gives_a_root_mean_square_of_one(expand_text: Expand) -> None:
    graph = expand_text(DEEP.replace("120", "3"))
    network, inputs = build(graph).eval(), example_inputs(graph, batch=2)
    scale_activations(network, inputs)
    sizes = []
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(lambda layer, args, output: sizes.append(output.square().mean().sqrt().item()))
    with torch.no_grad():
        network(*inputs)
    assert sizes == pytest.approx([1.0] * 4, rel=1e-4)


def test_it_leaves_hooks_and_flags_as_they_were(expand_text: Expand) -> None:
    graph = expand_text(DEEP.replace("120", "2"))
    network = build(graph)
    scale_activations(network, example_inputs(graph))
    assert network.training
    assert not any(part._forward_hooks for part in network.modules())


def test_a_layer_that_gives_zeros_is_left_alone() -> None:
    layer = nn.Linear(3, 2)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    scale_activations(layer, [torch.ones(1, 3)])
    assert torch.equal(layer.weight, torch.zeros(2, 3))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_types(dtype: torch.dtype) -> None:
    layer = nn.Linear(64, 64).to(dtype)
    source = torch.randn(8, 64, generator=torch.Generator().manual_seed(0)).to(dtype)
    with torch.no_grad():
        scale_activations(layer, [source])
        assert layer(source).float().square().mean().sqrt() == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize(
    ("output", "so"),
    [
        (torch.ones(4), False),
        (torch.zeros(4), True),
        (torch.tensor([1e-40, 1e-41, 1.0]), True),
        (torch.tensor([1e-40, 1.0, 2.0]), False),  # one may be there by chance
        (torch.tensor([0.0, 0.0, 1.0]), False),
        (torch.tensor([1e-5], dtype=torch.float16), True),  # below 6.1e-5
        ((torch.ones(2), torch.zeros(2)), True),
        ([torch.ones(2)], False),
        (torch.zeros(3, dtype=torch.int64), False),
        (torch.zeros(0), True),
        ({"out": torch.zeros(2)}, False),
    ],
)
def test_what_has_vanished(output: object, so: bool) -> None:
    assert vanishes(output) is so

"""Deformable convolution and warping: with zero offsets plain, elsewhere as the papers say, value by value."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

import cnnx
from cnnx.pytorch.build import build, example_inputs
from cnnx.pytorch.sampling import DeformConv2d, warp
from tests.conftest import Expand


def bilinear(source: Tensor, y: float, x: float) -> float:
    """One value of (H, W) by its four corners; zeros outside."""
    total = 0.0
    for row in (math.floor(y), math.floor(y) + 1):
        for column in (math.floor(x), math.floor(x) + 1):
            if 0 <= row < source.shape[0] and 0 <= column < source.shape[1]:
                total += (1 - abs(y - row)) * (1 - abs(x - column)) * float(source[row, column])
    return total


def deformed(layer: DeformConv2d, source: Tensor, offsets: Tensor, mask: Tensor, at: tuple[int, int, int]) -> float:
    """One output value by the definition: Σ over channels and taps of weight · mask · sampled value."""
    out, row, column = at
    total = 0.0
    per_group = source.shape[1] // layer.groups
    first = out // (layer.out_channels // layer.groups) * per_group
    for i in range(layer.kernel_size[0]):
        for j in range(layer.kernel_size[1]):
            tap = i * layer.kernel_size[1] + j
            y = (
                row * layer.stride[0]
                - int(layer.padding[0])
                + i * layer.dilation[0]
                + float(offsets[0, 2 * tap, row, column])
            )
            x = (
                column * layer.stride[1]
                - int(layer.padding[1])
                + j * layer.dilation[1]
                + float(offsets[0, 2 * tap + 1, row, column])
            )
            for channel in range(per_group):
                weight = float(layer.weight[out, channel, i, j]) * float(mask[0, tap, row, column])
                total += weight * bilinear(source[0, first + channel], y, x)
    return total


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation", "groups"),
    [((3, 3), (1, 1), (1, 1), (1, 1), 1), ((2, 3), (2, 1), (0, 1), (1, 2), 2), ((1, 1), (1, 1), (0, 0), (1, 1), 4)],
)
def test_it_is_the_papers_sum(
    kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int], dilation: tuple[int, int], groups: int
) -> None:
    torch.manual_seed(0)
    layer = DeformConv2d(4, 8, kernel, stride, padding, dilation, groups, bias=False).double()
    source = torch.randn(1, 4, 6, 7, dtype=torch.float64)
    height, width = functional.conv2d(source, layer.weight, None, stride, padding, dilation, groups).shape[2:]
    layer.requires_grad_(False)
    taps = kernel[0] * kernel[1]
    offsets = torch.randn(1, 2 * taps, height, width, dtype=torch.float64) * 2
    mask = torch.rand(1, taps, height, width, dtype=torch.float64)
    output = layer(source, offsets, mask)
    for at in [(0, 0, 0), (7, height - 1, width - 1), (3, height // 2, 1)]:
        assert float(output[0][at]) == pytest.approx(deformed(layer, source, offsets, mask, at), rel=1e-9, abs=1e-12)


def test_with_zero_offsets_it_is_the_plain_convolution() -> None:
    module = build(cnnx.load("deformable", channels=8, dilation=2), dtype="float64").eval()
    (source,) = example_inputs(module.graph, dtype="float64", batch=2)
    layer = module.get_submodule("deform_conv")
    assert isinstance(layer, DeformConv2d)
    for weight in module.get_submodule("deform_conv_offset").parameters():
        torch.nn.init.zeros_(weight)
    with torch.no_grad():
        plain = functional.conv2d(source, layer.weight, padding=2, dilation=2)
        assert torch.allclose(module(source), plain, rtol=1e-12, atol=1e-12)


def test_warp_reads_every_element_at_its_own_offset() -> None:
    torch.manual_seed(0)
    source, offsets = torch.randn(2, 3, 4, 5, dtype=torch.float64), torch.randn(2, 6, 4, 5, dtype=torch.float64)
    output = warp(source, offsets)
    for image, channel, row, column in [(0, 0, 0, 0), (1, 2, 3, 4), (1, 1, 2, 0)]:
        y = row + float(offsets[image, 2 * channel, row, column])
        x = column + float(offsets[image, 2 * channel + 1, row, column])
        assert float(output[image, channel, row, column]) == pytest.approx(
            bilinear(source[image, channel], y, x), rel=1e-9
        )
    assert torch.allclose(warp(source, torch.zeros_like(offsets)), source, rtol=1e-12, atol=1e-12)


def test_gradients_reach_map_offsets_and_mask(expand_text: Expand) -> None:
    text = "input: [4, 5, 5]\nlayers:\n- conv: {out: 4, kernel: 1}\n- deform_conv: {out: 6, kernel: 3, stride: 2, modulated: true, bias: true}\n"
    module = build(expand_text(text))
    module(*example_inputs(module.graph)).sum().backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in module.parameters())


def test_its_nodes(expand_text: Expand) -> None:
    graph = expand_text("input: [4, 5, 5]\nlayers:\n- deform_conv: {out: 6, kernel: 3, modulated: true, act: relu}\n")
    assert [node.name.removeprefix("deform_conv") for node in graph] == [
        "_offset",
        "_moves",
        "_logits",
        "_mask",
        "",
        "_act",
    ]
    figures = cnnx.count(graph)
    by_name = {node.name: node for node in figures.by_node}
    assert by_name["deform_conv"].flops == 2 * 9 * 4 * 6 * 25 + 8 * 9 * 4 * 25  # 8 for each of 9·4·5·5 sampled values
    assert by_name["deform_conv_offset"].params == 27 * 4 * 9 + 27

"""Layers run by torch's functions alone, to hold a network of ours against one that is written out by hand.

Neither specs, graph nor modules take part: a layer takes its channels from the tensor that it is given, and draws its
weights, when it is met, by the rule of `tests.identity`. What that module tells of a layer is kept, less the padding,
for which many implementations have their own ways; the numbers that come out tell of it.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from tests.identity import Layer, normal

Size = int | tuple[int, int]


class ByHand:
    """Runs layers on tensors of one image, in float64 and as in eval mode, and keeps what it ran in `layers`."""

    def __init__(self) -> None:
        self.layers: list[Layer] = []

    def conv(
        self,
        x: Tensor,
        out: int,
        kernel: Size,
        stride: Size = 1,
        padding: Size = 0,
        groups: int = 1,
        bias: bool = False,
    ) -> Tensor:
        """Convolve."""
        seed, shape = len(self.layers), (out, x.shape[1] // groups, *both(kernel))
        weight = normal(shape, seed) * (2 / (shape[1] * shape[2] * shape[3])) ** 0.5
        shift = 0.1 * normal((out,), seed + 10000) if bias else None
        y = functional.conv2d(x, weight, shift, both(stride), both(padding), groups=groups)
        facts: Layer = {"op": "conv", "weight": list(shape), "stride": list(both(stride)), "dilation": [1, 1]}
        self.layers.append({**facts, "groups": groups, "bias": bias, "out": list(y.shape[1:])})
        return y

    def norm(self, x: Tensor, eps: float = 1e-5) -> Tensor:
        """Normalise by the running mean and variance of a batch norm, then scale and shift."""
        seed, channels = len(self.layers), x.shape[1]
        mean, variance = 0.1 * normal((channels,), seed + 20000), torch.exp(0.1 * normal((channels,), seed + 30000))
        factor, shift = 1 + 0.1 * normal((channels,), seed), 0.1 * normal((channels,), seed + 10000)
        factor = factor / (variance + eps).sqrt()
        self.layers.append({"op": "batchnorm", "channels": channels, "out": list(x.shape[1:]), "eps": eps})
        return x * factor[:, None, None] + (shift - mean * factor)[:, None, None]

    def linear(self, x: Tensor, out: int, bias: bool = True) -> Tensor:
        """Flatten, then multiply by a matrix and add a bias."""
        seed, flat = len(self.layers), x.flatten(1)
        weight = normal((out, flat.shape[1]), seed) * (2 / flat.shape[1]) ** 0.5
        self.layers.append({"op": "linear", "weight": list(weight.shape), "bias": bias, "out": [out]})
        return functional.linear(flat, weight, 0.1 * normal((out,), seed + 10000) if bias else None)

    def depthwise(self, x: Tensor, kernel: int, stride: int = 1, padding: int = 0) -> Tensor:
        """Convolve every channel by itself."""
        return self.conv(x, x.shape[1], kernel, stride, padding, groups=x.shape[1])


def both(size: Size) -> tuple[int, int]:
    """Give a size for height and width."""
    return (size, size) if isinstance(size, int) else size


def same(x: Tensor, kernel: Size, stride: Size = 1, value: float = 0.0) -> Tensor:
    """Pad as TensorFlow's SAME does: to ⌈size / stride⌉ positions, the odd row and column below and to the right."""
    (top, bottom), (left, right) = map(_sides, x.shape[2:], both(kernel), both(stride))
    return functional.pad(x, (left, right, top, bottom), value=value)


def _sides(size: int, kernel: int, stride: int) -> tuple[int, int]:
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def caffe_sides(x: Tensor, kernel: int, stride: int, value: float) -> Tensor:
    """Pad below and to the right, so that the last window of a pooling of Caffe, which rounds up, is a whole one."""
    rows, columns = ((-(-(size - kernel) // stride)) * stride + kernel - size for size in x.shape[2:])
    return functional.pad(x, (0, columns, 0, rows), value=value)


def caffe_max(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Take the greatest value of each window as Caffe does."""
    return functional.max_pool2d(caffe_sides(x, kernel, stride, -torch.inf), kernel, stride)


def caffe_mean(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Take the mean of each window as Caffe does: of what it has within the map."""
    values, present = (caffe_sides(t, kernel, stride, 0.0) for t in (x, torch.ones_like(x)))
    return functional.avg_pool2d(values, kernel, stride) / functional.avg_pool2d(present, kernel, stride)


def caffe_lrn(x: Tensor) -> Tensor:
    """Divide by (1 + 10⁻⁴/5 · the sum of the squares of five neighbouring channels)^¾."""
    squares = functional.pad(x.square(), (0, 0, 0, 0, 2, 2))
    total = sum((squares[:, i : i + x.shape[1]] for i in range(5)), torch.zeros_like(x))
    return x / (1 + 1e-4 / 5 * total) ** 0.75


def mean(x: Tensor) -> Tensor:
    """Take the mean of each map."""
    return x.mean((2, 3))

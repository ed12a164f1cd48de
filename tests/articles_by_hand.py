"""Blocks written out by hand as articles have them, where they differ from those of the papers.

S0 is "通过简单代码来回顾卷积块的历史" (Keras, 2018), S3 "CNN模型-ResNet、MobileNet、DenseNet、ShuffleNet、EfficientNet"
(TensorFlow 1, 2020), S4 "卷积神经网络中十大拍案叫绝的操作" (2017), which has no code; S1 are notes with PyTorch code.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample, interpolate, leaky_relu, max_pool2d, relu, relu6

from tests.by_hand import ByHand, mean, same

EPS = 1e-3  # of TensorFlow's batch norm


def bottleneck_s0(run: ByHand, x: Tensor) -> Tensor:
    """256 channels, r = 4."""
    for width, kernel in ((64, 1), (64, 3), (256, 1)):
        x = relu(run.conv(x, width, kernel, padding=kernel // 2, bias=True))
    return x


def residual_bottleneck_s0(run: ByHand, x: Tensor) -> Tensor:
    """The same, added to its input."""
    return bottleneck_s0(run, x) + x


def inception_keras(run: ByHand, x: Tensor) -> Tensor:
    """64 channels a branch, r = 4."""
    a = relu(run.conv(x, 64, 1, bias=True))
    b = relu(run.conv(relu(run.conv(x, 64 // 3, 1, bias=True)), 64, 3, padding=1, bias=True))
    c = relu(run.conv(relu(run.conv(x, 64 // 4, 1, bias=True)), 64, 5, padding=2, bias=True))
    d = relu(run.conv(max_pool2d(x, 3, 1, 1), 64, 1, bias=True))
    return torch.cat([a, b, c, d], 1)


def resnext_s0(run: ByHand, x: Tensor) -> Tensor:
    """256 channels, 32 paths, r = 2."""
    total = torch.zeros_like(x)
    for _ in range(32):
        path = relu(run.conv(x, 4, 1, bias=True))
        path = relu(run.conv(path, 4, 3, padding=1, bias=True))
        total = total + relu(run.conv(path, 256, 1, bias=True))
    return x + total


def dense_block_s0(run: ByHand, x: Tensor) -> Tensor:
    """Five convolutions of 32 channels."""
    for _ in range(5):
        x = torch.cat([x, relu(run.conv(x, 32, 3, padding=1, bias=True))], 1)
    return x


def _separable(run: ByHand, x: Tensor, out: int, kernel: int) -> Tensor:
    return run.conv(run.depthwise(x, kernel, padding=kernel // 2), out, 1, bias=True)


def inverted_residual_s0(run: ByHand, x: Tensor) -> Tensor:
    """32 channels, r = 4."""
    return x + _separable(run, relu(run.conv(x, 128, 1, bias=True)), 32, 3)


def nasnet_normal_s0(run: ByHand, x1: Tensor, x2: Tensor) -> Tensor:
    """32 channels."""

    def pooled(x: Tensor) -> Tensor:
        return avg_pool2d(x, 3, 1, 1, count_include_pad=False)

    a = relu(_separable(run, x1, 32, 3)) + relu(_separable(run, x1, 32, 5))
    b = 2 * pooled(x1)
    c = x1 + pooled(x2)
    d = relu(_separable(run, x2, 32, 5)) + relu(_separable(run, x1, 32, 3))
    e = x2 + relu(_separable(run, x2, 32, 3))
    return torch.cat([a, b, c, d, e], 1)


def _leaky(x: Tensor) -> Tensor:
    return leaky_relu(x, 0.2)


def _conv_norm_leaky(run: ByHand, x: Tensor, out: int, kernel: int, stride: int = 1) -> Tensor:
    return _leaky(run.norm(run.conv(same(x, kernel, stride), out, kernel, stride, bias=True), EPS))


def inception_s3(run: ByHand, x: Tensor) -> Tensor:
    """192 channels."""
    branches = []
    for branch in ([(64, 1)], [(96, 1), (128, 3)], [(16, 1), (48, 3), (32, 5)]):
        branches.append(_chain(run, x, branch))
    pooled = max_pool2d(same(x, 2, 1, -torch.inf), 2, 1)
    branches.append(run.conv(_leaky(run.norm(pooled, EPS)), 32, 1, bias=True))
    return torch.cat(branches, 1)


def _chain(run: ByHand, x: Tensor, convolutions: Sequence[tuple[int, int]]) -> Tensor:
    for out, kernel in convolutions:
        x = _conv_norm_leaky(run, x, out, kernel)
    return x


def residual_bottleneck_s3(run: ByHand, x: Tensor, out: int = 256) -> Tensor:
    """At stride 1, where alone the code runs; what it computes of its shortcut and then overwrites is left out."""
    y = relu(run.norm(run.conv(x, out, 1, bias=True), EPS))
    y = relu(run.norm(run.conv(y, out, 3, padding=1, bias=True), EPS))
    y = run.norm(run.conv(y, out, 1, bias=True), EPS)
    return relu(y + (x if x.shape[1] == out else run.norm(y, EPS)))


def resnet_v2_s3(run: ByHand, x: Tensor, out: int = 64, stride: int = 1) -> Tensor:
    """A width of 16; where only the size changes, PyTorch's bilinear resizing."""
    y = _conv_norm_leaky(run, x, 16, 1)
    y = _conv_norm_leaky(run, y, 16, 3, stride)
    y = run.conv(y, out, 1, bias=True)
    if x.shape[1] != out:
        return y + run.conv(x, out, 1, stride, bias=True)
    return y + (interpolate(x, y.shape[2:], mode="bilinear") if stride != 1 else x)


def inception_resnet_a_s3(run: ByHand, x: Tensor) -> Tensor:
    """320 channels to 384."""
    branches = [_chain(run, x, branch) for branch in ([(32, 1)], [(32, 1), (32, 3)], [(32, 1), (48, 3), (64, 3)])]
    y = run.conv(torch.cat(branches, 1), 384, 1, bias=True)
    return y + run.conv(x, 384, 1, bias=True)


def dense_stage_separable(run: ByHand, x: Tensor) -> Tensor:
    """Eight times 64 channels."""
    for _ in range(8):
        y = run.norm(_leaky(run.conv(x, 64, 1, bias=True)), EPS)
        x = torch.cat([x, run.norm(_leaky(_separable(run, y, 64, 3)), EPS)], 1)
    return x


def shuffle_v2_unit_s3(run: ByHand, x: Tensor, stride: int = 1) -> Tensor:
    """116 channels."""
    changed, other = x.chunk(2, 1) if stride == 1 else (x, x)
    half = 116 * stride // 2
    changed = _conv_norm_leaky(run, changed, half, 1)
    changed = _conv_norm_leaky(run, _slim_depthwise(run, changed, stride), half, 1)
    if stride == 2:
        other = _conv_norm_leaky(run, _slim_depthwise(run, other, stride), half, 1)
    y = torch.cat([changed, other], 1)
    return y.reshape(1, 2, half, *y.shape[2:]).transpose(1, 2).reshape(y.shape)


def _slim_depthwise(run: ByHand, x: Tensor, stride: int) -> Tensor:
    return relu(run.conv(same(x, 3, stride), x.shape[1], 3, stride, groups=x.shape[1], bias=True))


def se_s3(run: ByHand, x: Tensor, hard: bool = False) -> Tensor:
    """A quarter of the width in between, no biases, and a second ReLU."""
    hidden = relu(run.linear(mean(x), x.shape[1] // 4, bias=False))
    gate = relu(run.linear(hidden, x.shape[1], bias=False))
    gate = relu6(gate + 3) / 6 if hard else gate.sigmoid()
    return x * gate[:, :, None, None]


def mbconv_s3(run: ByHand, x: Tensor, stride: int = 1, se: bool = True) -> Tensor:
    """43 channels to 64, four times as wide between; without the gate it is what the article has of MobileNet v2."""
    y = relu6(run.norm(run.conv(x, 4 * 43, 1), EPS))
    y = relu6(run.norm(run.depthwise(same(y, 3, stride), 3, stride), EPS))
    y = run.norm(run.conv(y, 64, 1), EPS)
    y = se_s3(run, y) if se else y
    return y + run.conv(x, 64, 1) if stride == 1 else y


def _hard_swish(x: Tensor) -> Tensor:
    return x * relu6(x + 3) / 6


def mobilenetv3_bottleneck_s3(run: ByHand, x: Tensor, stride: int = 1) -> Tensor:
    """80 channels to 480 to 112."""
    y = _hard_swish(run.norm(run.conv(x, 480, 1), EPS))
    y = _hard_swish(run.norm(run.depthwise(same(y, 3, stride), 3, stride), EPS))
    y = run.norm(run.conv(y, 112, 1), EPS)
    y = se_s3(run, y, hard=True)
    return y + run.norm(run.conv(x, 112, 1), EPS) if stride == 1 else y


def se_resnext(run: ByHand, x: Tensor) -> Tensor:
    """S1's: 256 channels, 128 in 32 groups, and 16 behind the squeeze at any width."""
    y = relu(run.norm(run.conv(x, 128, 1)))
    y = relu(run.norm(run.conv(y, 128, 3, padding=1, groups=32)))
    y = run.norm(run.conv(y, 512, 1))
    shortcut = run.norm(run.conv(x, 512, 1))
    squeezed = relu(run.conv(y.mean((2, 3), keepdim=True), 16, 1, bias=True))
    return relu(y * run.conv(squeezed, 512, 1, bias=True).sigmoid() + shortcut)


def deformable_s4(run: ByHand, x: Tensor) -> Tensor:
    """Two offsets, down and to the right, for every element of 16 channels; a 3×3 follows what is read there."""
    channels, height, width = x.shape[1:]
    offsets = run.conv(x, 2 * channels, 3, padding=1, bias=True).reshape(channels, 2, height, width)
    rows = torch.arange(height, dtype=x.dtype)[:, None] + offsets[:, 0]
    columns = torch.arange(width, dtype=x.dtype)[None] + offsets[:, 1]
    places = torch.stack([2 * columns / (width - 1) - 1, 2 * rows / (height - 1) - 1], -1)
    read = grid_sample(x[0][:, None], places, mode="bilinear", padding_mode="zeros", align_corners=True)
    return run.conv(read.transpose(0, 1), channels, 3, padding=1)

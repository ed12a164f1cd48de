"""The PyTorch table: what stands for each operation of the graph in a built module.

Every operation type has one row, in `LAYERS` if a layer of `torch.nn` does its work, in `EXPRESSIONS` if a
few words in the generated forward do. A test proves that nothing is left out and nothing stands in both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional

from cnnx.graph import convolution, joins, layout, pointwise, pooling
from cnnx.graph.operation import Operation, Shape
from cnnx.pytorch.sampling import DeformConv2d, warp


class Operand(NamedTuple):
    """What an expression reads: the name of the value in the generated text, and its shape without the batch."""

    text: str
    shape: Shape


# An operation and the shape of its (first) input → its layer.
MakeLayer = Callable[[Any, Shape], nn.Module]
# An operation, what it reads, and the shape of its output → a Python expression.
WriteExpression = Callable[[Any, Sequence[Operand], Shape], str]

# What expressions may name, beside the methods of tensors: no builtin, as an input may be called like one.
EXPRESSION_NAMES: Mapping[str, Any] = {
    "_cat": torch.cat,
    "_pad": functional.pad,
    "_inf": math.inf,
    "_nan": math.nan,
    "_warp": warp,
}

# Layers that write over their input only at inference: with gradients they first save a copy of it.
INFERENCE_IN_PLACE = (nn.ReLU6, nn.LeakyReLU, nn.Hardsigmoid, nn.Hardswish, nn.SiLU)


def _conv(op: convolution.Conv, source: Shape) -> nn.Module:
    # The padding is given in numbers: fvcore counts nothing for a convolution with padding="same".
    return nn.Conv2d(
        op.in_channels,
        op.out_channels,
        op.kernel,
        stride=op.stride,
        padding=op.padding,
        dilation=op.dilation,
        groups=op.groups,
        bias=op.bias,
    )


def _deform_conv(op: convolution.DeformConv, source: Shape) -> nn.Module:
    geometry = (op.kernel, op.stride, op.padding, op.dilation)
    return DeformConv2d(op.in_channels, op.out_channels, *geometry, op.groups, op.bias)


def _linear(op: convolution.Linear, source: Shape) -> nn.Module:
    return nn.Linear(op.in_features, op.out_features, bias=op.bias)


def _batchnorm(op: pointwise.BatchNorm, source: Shape) -> nn.Module:
    layer = nn.BatchNorm2d if len(source) == 3 else nn.BatchNorm1d
    return layer(op.channels, eps=op.eps)


def _lrn(op: pointwise.Lrn, source: Shape) -> nn.Module:
    return nn.LocalResponseNorm(op.size, op.alpha, op.beta, op.k)


def _maxpool(op: pooling.MaxPool, source: Shape) -> nn.Module:
    return nn.MaxPool2d(op.kernel, op.stride, op.padding, ceil_mode=op.ceil)


def _avgpool(op: pooling.AvgPool, source: Shape) -> nn.Module:
    return nn.AvgPool2d(op.kernel, op.stride, op.padding, ceil_mode=op.ceil, count_include_pad=op.count_padding)


def _resize(op: pooling.Resize, source: Shape) -> nn.Module:
    return nn.Upsample(op.size, mode=op.mode, align_corners=False if op.mode == "bilinear" else None)


LAYERS: Mapping[type[Operation], MakeLayer] = {
    convolution.Conv: _conv,
    convolution.DeformConv: _deform_conv,
    convolution.Linear: _linear,
    pointwise.BatchNorm: _batchnorm,
    pointwise.Lrn: _lrn,
    pooling.MaxPool: _maxpool,
    pooling.AvgPool: _avgpool,
    pooling.AdaptiveAvgPool: lambda op, source: nn.AdaptiveAvgPool2d(op.size),
    pooling.GlobalAvgPool: lambda op, source: nn.AdaptiveAvgPool2d((1, 1)),
    pooling.Resize: _resize,
    pointwise.Relu: lambda op, source: nn.ReLU(),
    pointwise.Relu6: lambda op, source: nn.ReLU6(),
    pointwise.LeakyRelu: lambda op, source: nn.LeakyReLU(op.slope),
    pointwise.Sigmoid: lambda op, source: nn.Sigmoid(),
    pointwise.HardSigmoid: lambda op, source: nn.Hardsigmoid(),
    pointwise.HardSwish: lambda op, source: nn.Hardswish(),
    pointwise.Silu: lambda op, source: nn.SiLU(),
    pointwise.Tanh: lambda op, source: nn.Tanh(),
    pointwise.Gelu: lambda op, source: nn.GELU(),
    pointwise.Softmax: lambda op, source: nn.Softmax(dim=1),
    pointwise.Dropout: lambda op, source: nn.Dropout(op.p),
    pointwise.Identity: lambda op, source: nn.Identity(),
    layout.ChannelShuffle: lambda op, source: nn.ChannelShuffle(op.groups),
}


def _add(op: joins.Add, operands: Sequence[Operand], output: Shape) -> str:
    return _joined(" + ", [operand.text for operand in operands])


def _multiply(op: joins.Multiply, operands: Sequence[Operand], output: Shape) -> str:
    # (C,) over (C, H, W): the vector gets two axes of one element.
    stretched = [f"{text}[..., None, None]" if len(shape) < len(output) else text for text, shape in operands]
    return _joined(" * ", stretched)


def _joined(sign: str, texts: Sequence[str]) -> str:
    # A join of one branch makes a value of its own, as every join does: what follows may write over it.
    return sign.join(texts) if len(texts) > 1 else f"{texts[0]}.clone()"


def _concat(op: joins.Concat, operands: Sequence[Operand], output: Shape) -> str:
    return f"_cat(({', '.join(operand.text for operand in operands)},), 1)"


def _slice(op: layout.Slice, operands: Sequence[Operand], output: Shape) -> str:
    return f"{operands[0].text}[:, {op.start:d}:{op.end:d}]"


def _crop(op: layout.Crop, operands: Sequence[Operand], output: Shape) -> str:
    top, bottom, left, right = op.sides
    return f"{operands[0].text}[:, :, {_inside(top, bottom)}, {_inside(left, right)}]"


def _inside(before: int, after: int) -> str:
    return f"{before:d}:{-after:d}" if after else f"{before:d}:"


def _pad(op: layout.Pad, operands: Sequence[Operand], output: Shape) -> str:
    top, bottom, left, right = op.sides
    sides = f"({left:d}, {right:d}, {top:d}, {bottom:d})"
    return f"_pad({operands[0].text}, {sides}, 'constant', {_number(op.value)})"


def _number(value: float) -> str:
    return repr(float(value)).replace("inf", "_inf").replace("nan", "_nan")


EXPRESSIONS: Mapping[type[Operation], WriteExpression] = {
    joins.Add: _add,
    joins.Multiply: _multiply,
    joins.Concat: _concat,
    joins.Warp: lambda op, operands, output: f"_warp({operands[0].text}, {operands[1].text})",
    layout.Flatten: lambda op, operands, output: f"{operands[0].text}.flatten(1)",
    layout.Slice: _slice,
    layout.Crop: _crop,
    layout.Pad: _pad,
    pointwise.Scale: lambda op, operands, output: f"{operands[0].text} * {_number(op.factor)}",
}

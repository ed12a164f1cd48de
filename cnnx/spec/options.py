"""The options of the operations of the spec language, in the order of its table.

Every class lists the words that it answers to in `op`; its other fields are the options, with their defaults.
What an operation costs and what shapes it gives is told in `cnnx.graph`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from cnnx.spec.places import (
    Count,
    Flag,
    Index,
    Number,
    PaddingPlace,
    Pair,
    Sides,
    Word,
    read_count,
    read_flag,
    read_index,
    read_number,
    read_padding,
    read_pair,
    read_word,
)

PlainActivation = Literal["relu", "relu6", "sigmoid", "hardsigmoid", "hardswish", "silu", "tanh", "gelu", "softmax"]
Activation = Literal[PlainActivation, "leaky_relu"]


class Strict(BaseModel):
    """The base of every part of a spec: frozen, strict, and unknown keys are errors."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", arbitrary_types_allowed=True, defer_build=True)


class Action(Strict):
    """The base of what a step can do; `op` is the word of it."""

    op: str


class Convolution(Action):
    """The options that all convolutions share."""

    kernel: Pair
    stride: Pair = read_pair(1)
    padding: PaddingPlace = read_padding("same")
    dilation: Pair = read_pair(1)
    bias: Flag = read_flag(False)
    norm: Word = read_word("none")
    act: Word = read_word("none")


class Conv(Convolution):
    """A convolution; `norm` and `act` append nodes."""

    op: Literal["conv"]
    out: Count
    groups: Count = read_count(1)


class Depthwise(Convolution):
    """A convolution of every channel by itself, to `multiplier` channels each."""

    op: Literal["depthwise"]
    multiplier: Count = read_count(1)


class DeformConv(Convolution):
    """A convolution that looks where an offset convolution, a node of its own, says; `modulated` adds a mask."""

    op: Literal["deform_conv"]
    out: Count
    groups: Count = read_count(1)
    modulated: Flag = read_flag(False)


class Linear(Action):
    """A matrix product with a vector."""

    op: Literal["linear"]
    out: Count
    bias: Flag = read_flag(True)
    act: Word = read_word("none")


class BatchNorm(Action):
    """Batch normalisation of a map or a vector."""

    op: Literal["batchnorm"]
    eps: Number = read_number(1e-5)


class Lrn(Action):
    """Local response normalisation over `size` neighbouring channels (AlexNet, 2012; constants as in Caffe)."""

    op: Literal["lrn"]
    size: Count = read_count(5)
    alpha: Number = read_number(1e-4)
    beta: Number = read_number(0.75)
    k: Number = read_number(1.0)


class Pool(Action):
    """Max or average pooling; `stride` is the kernel where it is not given, as in PyTorch."""

    op: Literal["maxpool", "avgpool"]
    kernel: Pair
    stride: Pair | None = None
    padding: PaddingPlace = read_padding("valid")
    ceil: Flag = read_flag(False)
    count_padding: Flag = read_flag(True)


class AdaptiveAvgPool(Action):
    """Average pooling to a given size."""

    op: Literal["adaptive_avgpool"]
    size: Pair


class Plain(Action):
    """An operation without options."""

    op: PlainActivation | Literal["global_avgpool", "flatten", "identity"]


class LeakyRelu(Action):
    """max(x, slope·x); 0.01 is PyTorch's slope, 0.2 TensorFlow's."""

    op: Literal["leaky_relu"]
    slope: Number = read_number(0.01)


class Appended(NamedTuple):
    """What `norm` and `act` of a file append, with the options that its defaults give."""

    norm: BatchNorm
    leaky_relu: LeakyRelu


class Dropout(Action):
    """Dropout; nothing at inference."""

    op: Literal["dropout"]
    p: Number = read_number(0.5)


class Scale(Action):
    """Multiplication by a constant."""

    op: Literal["scale"]
    factor: Number


class ChannelShuffle(Action):
    """The transposition (g, c/g) → (c/g, g) of the channels."""

    op: Literal["channel_shuffle"]
    groups: Count


class Slice(Action):
    """The channels from `start` up to `end`, `end` not included."""

    op: Literal["slice"]
    start: Index = read_index(0)
    end: Index


class Resize(Action):
    """Interpolation to a size, or by a factor; `mode` is bilinear or nearest."""

    op: Literal["resize"]
    size: Pair | None = None
    factor: Number | None = None
    mode: Word = read_word("bilinear")


class PadOrCrop(Action):
    """Rows and columns of zeros added, or rows and columns taken away, on four sides."""

    op: Literal["pad", "crop"]
    sides: Sides


# All of them: a new operation stands here too.
OPTIONS: tuple[type[Action], ...] = (
    Conv, Depthwise, DeformConv, Linear, BatchNorm, Lrn, Pool, AdaptiveAvgPool, Plain, LeakyRelu, Dropout,
    Scale, ChannelShuffle, Slice, Resize, PadOrCrop,
)  # fmt: skip

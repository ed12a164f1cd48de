"""From one action of the spec language to primitive operations.

`LOWERINGS` has a row for every action with one input. A row reads the options in a scope and gives the
operations that run one after the other, each with the ending that its node's name gets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any, NamedTuple

from cnnx.errors import RuleError, nearest
from cnnx.graph import convolution, layout, pointwise, pooling
from cnnx.graph.operation import Operation, Shape, check_map
from cnnx.spec import options
from cnnx.spec.actions import ACTIVATIONS
from cnnx.spec.expressions import Scope
from cnnx.spec.places import Padding

Pair = tuple[int, int]
Geometry = tuple[Pair, Pair, Pair, Pair]  # kernel, stride, padding, dilation

ENTERING = "entering"  # what enters the step; no ending of a name


class Part(NamedTuple):
    """One operation of a step: the ending that its node's name gets, and which parts it reads (the last, if None)."""

    ending: str
    op: Operation
    reads: tuple[str, ...] | None = None


Lowered = list[Part]

ACTIVATION_TYPES: Mapping[str, type[pointwise.Activation]] = {
    operation.word: operation
    for operation in (
        pointwise.Relu,
        pointwise.Relu6,
        pointwise.LeakyRelu,
        pointwise.Sigmoid,
        pointwise.HardSigmoid,
        pointwise.HardSwish,
        pointwise.Silu,
        pointwise.Tanh,
        pointwise.Gelu,
        pointwise.Softmax,
    )
}
_ACTS: Mapping[str, Lowered] = {word: [Part("_act", operation())] for word, operation in ACTIVATION_TYPES.items()}
_PLAIN: Mapping[str, Callable[[], Operation]] = {
    **ACTIVATION_TYPES,
    "global_avgpool": pooling.GlobalAvgPool,
    "flatten": layout.Flatten,
    "identity": pointwise.Identity,
}


def lower(action: options.Action, scope: Scope, appended: options.Appended) -> Lowered:
    """Give the operations of an action on the stream that enters (`scope.incoming`).

    `appended` has the options that the file's defaults give to what `norm` and `act` append. Raises `RuleError`.
    """
    return LOWERINGS[type(action)](action, scope, appended)


def _incoming(scope: Scope) -> Shape:
    assert scope.incoming is not None  # the caller gives what enters the step
    return scope.incoming


def _conv(action: options.Conv, scope: Scope, appended: options.Appended) -> Lowered:
    shape = check_map(_incoming(scope), "conv")
    return _convolution(action, scope, appended, shape, action.out.read(scope), action.groups.read(scope))


def _depthwise(action: options.Depthwise, scope: Scope, appended: options.Appended) -> Lowered:
    shape = check_map(_incoming(scope), "depthwise")
    return _convolution(action, scope, appended, shape, shape[0] * action.multiplier.read(scope), shape[0])


def _convolution(
    action: options.Convolution, scope: Scope, appended: options.Appended, shape: Shape, out: int, groups: int
) -> Lowered:
    parts, geometry = _geometry(action, scope, shape)
    parts.append(Part("", convolution.Conv(shape[0], out, *geometry, groups, action.bias.read(scope))))
    return parts + _ending(action, out, scope, appended)


def _geometry(action: options.Convolution, scope: Scope, shape: Shape) -> tuple[Lowered, Geometry]:
    """Give the node that pads beforehand, if one is needed, and kernel, stride, padding and dilation."""
    kernel, stride, dilation = action.kernel.read(scope), action.stride.read(scope), action.dilation.read(scope)
    sides, padding = _padding(action.padding.read(scope), shape, kernel, stride, dilation)
    return [] if sides is None else [Part("_pad", layout.Pad(sides))], (kernel, stride, padding, dilation)


def _padding(
    written: Padding,
    shape: Shape,
    kernel: Pair,
    stride: Pair,
    dilation: Pair,
) -> tuple[tuple[int, int, int, int] | None, tuple[int, int]]:
    """Give the sides to pad beforehand (None where no side differs from its opposite), and the padding."""
    if written == "same":
        return None, (dilation[0] * (kernel[0] - 1) // 2, dilation[1] * (kernel[1] - 1) // 2)
    if written == "tf_same":
        height, width = (_tf_same(shape[i + 1], dilation[i] * (kernel[i] - 1) + 1, stride[i]) for i in (0, 1))
        if height % 2 == 0 and width % 2 == 0:
            return None, (height // 2, width // 2)
        return (height // 2, height - height // 2, width // 2, width - width // 2), (0, 0)
    assert not isinstance(written, str)  # the place lets no other word through
    return None, written


def _tf_same(size: int, reach: int, stride: int) -> int:
    """Give TensorFlow's whole padding of one axis: what makes ⌈size/stride⌉ outputs; the odd one goes behind."""
    outputs = -(-size // stride)
    return max((outputs - 1) * stride + reach - size, 0)


def _ending(action: options.Convolution, channels: int, scope: Scope, appended: options.Appended) -> Lowered:
    """Give what `norm` and `act` append."""
    normed = _normed(action.norm.read(scope), channels, scope, appended.norm)
    return normed + _activated(action.act.read(scope), scope, appended.leaky_relu)


def _normed(word: str, channels: int, scope: Scope, norm: options.BatchNorm) -> Lowered:
    if word == "none":
        return []
    if word == "batchnorm":
        return [Part("_norm", pointwise.BatchNorm(channels, norm.eps.read(scope)))]
    raise RuleError(f"no norm is named `{word}`", hint=nearest(word, ["batchnorm", "none"]), option="norm")


def _activated(word: str, scope: Scope, leaky: options.LeakyRelu) -> Lowered:
    if word == "none":
        return []
    if word == "leaky_relu":
        return [Part("_act", _leaky(leaky, scope))]
    if word in _ACTS:
        return _ACTS[word]
    raise RuleError(f"no activation is named `{word}`", hint=nearest(word, [*ACTIVATIONS, "none"]), option="act")


def _deform_conv(action: options.DeformConv, scope: Scope, appended: options.Appended) -> Lowered:
    # 2·k_h·k_w offset channels, with a bias (arXiv:1703.06211); k_h·k_w more if modulated (arXiv:1811.11168).
    shape = check_map(_incoming(scope), "deform_conv")
    padded, geometry = _geometry(action, scope, shape)
    entering = padded[0].ending if padded else ENTERING
    out, modulated, taps = action.out.read(scope), action.modulated.read(scope), prod(geometry[0])
    offset = convolution.Conv(shape[0], (3 if modulated else 2) * taps, *geometry, bias=True)
    conv = convolution.DeformConv(
        shape[0], out, *geometry, action.groups.read(scope), action.bias.read(scope), modulated
    )
    parts = [*padded, Part("_offset", offset)]
    if modulated:
        parts += [
            Part("_moves", layout.Slice(0, 2 * taps)),
            Part("_logits", layout.Slice(2 * taps, 3 * taps), ("_offset",)),
            Part("_mask", pointwise.Sigmoid()),
        ]
    parts.append(Part("", conv, (entering, "_moves", "_mask") if modulated else (entering, "_offset")))
    return parts + _ending(action, out, scope, appended)


def _linear(action: options.Linear, scope: Scope, appended: options.Appended) -> Lowered:
    operation = convolution.Linear(_incoming(scope)[0], action.out.read(scope), action.bias.read(scope))
    return [Part("", operation), *_activated(action.act.read(scope), scope, appended.leaky_relu)]


def _batchnorm(action: options.BatchNorm, scope: Scope, appended: options.Appended) -> Lowered:
    return [Part("", pointwise.BatchNorm(_incoming(scope)[0], action.eps.read(scope)))]


def _lrn(action: options.Lrn, scope: Scope, appended: options.Appended) -> Lowered:
    size, alpha = action.size.read(scope), action.alpha.read(scope)
    return [Part("", pointwise.Lrn(size, alpha, action.beta.read(scope), action.k.read(scope)))]


def _resize(action: options.Resize, scope: Scope, appended: options.Appended) -> Lowered:
    shape = check_map(_incoming(scope), "resize")
    if (action.size is None) == (action.factor is None):
        raise RuleError("`resize` takes either a `size` or a `factor`")
    if action.size is not None:
        size = action.size.read(scope)
    else:
        assert action.factor is not None  # one of the two was given
        factor = action.factor.read(scope)
        size = (int(shape[1] * factor), int(shape[2] * factor))
        if min(size) < 1:
            raise RuleError(f"factor={factor} leaves nothing of {shape[1]}×{shape[2]}", option="factor")
    return [Part("", pooling.Resize(size, action.mode.read(scope)))]


def _pool(action: options.Pool, scope: Scope, appended: options.Appended) -> Lowered:
    shape = check_map(_incoming(scope), action.op)
    kernel = action.kernel.read(scope)
    stride = kernel if action.stride is None else action.stride.read(scope)
    ceil, count_padding = action.ceil.read(scope), action.count_padding.read(scope)
    is_max = action.op == "maxpool"
    sides, padding = _padding(action.padding.read(scope), shape, kernel, stride, (1, 1))
    lowered: Lowered = []
    if sides is not None and (is_max or count_padding):
        lowered.append(Part("_pad", layout.Pad(sides, float("-inf") if is_max else 0.0)))
    elif sides is not None:
        padding, ceil = _left_out(sides, kernel, stride), True
    if is_max:
        return [*lowered, Part("", pooling.MaxPool(kernel, stride, padding, ceil))]
    return [*lowered, Part("", pooling.AvgPool(kernel, stride, padding, ceil, count_padding))]


def _left_out(sides: tuple[int, int, int, int], kernel: Pair, stride: Pair) -> Pair:
    """Give the padding of an average in ceil mode that leaves out what stands on these sides.

    On an uneven axis a last window that hangs over the end is the same thing, if nothing stands before the map.
    """
    padding = []
    for axis, (before, behind) in enumerate((sides[:2], sides[2:])):
        if before != behind and (before or stride[axis] == 1):
            raise RuleError(
                f"an average of {kernel[0]}×{kernel[1]} that leaves its padding out cannot have it uneven here",
                hint="set count_padding: true",
                option="padding",
            )
        padding.append(before)
    return padding[0], padding[1]


def _plain(action: options.Plain, scope: Scope, appended: options.Appended) -> Lowered:
    return [Part("", _PLAIN[action.op]())]


def _leaky_relu(action: options.LeakyRelu, scope: Scope, appended: options.Appended) -> Lowered:
    return [Part("", _leaky(action, scope))]


def _leaky(action: options.LeakyRelu, scope: Scope) -> Operation:
    return pointwise.LeakyRelu(action.slope.read(scope))


def _adaptive(action: options.AdaptiveAvgPool, scope: Scope, appended: options.Appended) -> Lowered:
    size = action.size.read(scope)
    return [Part("", pooling.GlobalAvgPool() if size == (1, 1) else pooling.AdaptiveAvgPool(size))]


def _dropout(action: options.Dropout, scope: Scope, appended: options.Appended) -> Lowered:
    return [Part("", pointwise.Dropout(action.p.read(scope)))]


def _scale(action: options.Scale, scope: Scope, appended: options.Appended) -> Lowered:
    return [Part("", pointwise.Scale(action.factor.read(scope)))]


def _shuffle(action: options.ChannelShuffle, scope: Scope, appended: options.Appended) -> Lowered:
    return [Part("", layout.ChannelShuffle(action.groups.read(scope)))]


def _slice(action: options.Slice, scope: Scope, appended: options.Appended) -> Lowered:
    return [Part("", layout.Slice(action.start.read(scope), action.end.read(scope)))]


def _sides(action: options.PadOrCrop, scope: Scope, appended: options.Appended) -> Lowered:
    sides = action.sides.read(scope)
    return [Part("", layout.Pad(sides) if action.op == "pad" else layout.Crop(sides))]


LOWERINGS: Mapping[type[options.Action], Callable[[Any, Scope, options.Appended], Lowered]] = {
    options.Conv: _conv,
    options.Depthwise: _depthwise,
    options.DeformConv: _deform_conv,
    options.Linear: _linear,
    options.BatchNorm: _batchnorm,
    options.Lrn: _lrn,
    options.Pool: _pool,
    options.Resize: _resize,
    options.Plain: _plain,
    options.LeakyRelu: _leaky_relu,
    options.AdaptiveAvgPool: _adaptive,
    options.Dropout: _dropout,
    options.Scale: _scale,
    options.ChannelShuffle: _shuffle,
    options.Slice: _slice,
    options.PadOrCrop: _sides,
}

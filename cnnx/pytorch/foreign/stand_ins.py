"""The outputs of common operators on the meta device, made at once.

There, torch computes shapes by running an operator's definition in Python, in a dozen others on meta: 3 ms for a batch
norm, and with the first of them torch's compiler is imported. The output of most operators can be told from their
inputs. What is not told here in the plainest of cases is left to torch, and so is what torch would refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any

import torch
from torch import Tensor

# Gives an operator's output, or None where torch must say it. The first argument is a tensor on meta, or a list of
# such; the stand-ins below have the names, arguments and outputs of torch's operators.
StandIn = Callable[[Sequence[Any]], Any]


def _new(like: Tensor, shape: Sequence[int], dtype: torch.dtype | None = None) -> Tensor:
    return torch.empty(shape, dtype=dtype or like.dtype, device="meta")


def _like_first(args: Sequence[Any]) -> Tensor | None:
    source: Tensor = args[0]
    return source.clone() if source.is_floating_point() else None


def _softmax(args: Sequence[Any]) -> Tensor | None:
    converts = len(args) > 2 and args[2]  # half to float, or to another type
    return None if converts or not args[0].is_contiguous() else _like_first(args)


def _first_and_other(args: Sequence[Any]) -> Tensor | None:
    return _like_first(args) if len(args) == 2 and _spreads(args[1], args[0]) else None


def _spreads(other: object, source: Tensor) -> bool:
    """Whether a number or tensor spreads over another tensor, so that the result is like that one."""
    if not isinstance(other, Tensor):
        return isinstance(other, Real)
    if not other.is_meta or other.dtype != source.dtype or other.dim() != source.dim() or not source.is_contiguous():
        return False
    return all(one in (1, full) for one, full in zip(other.shape, source.shape, strict=True))


def _convolution(args: Sequence[Any]) -> Tensor | None:
    source, weight, _, strides, paddings, dilations, transposed, _, groups = args
    axes = weight.dim() - 2
    fits = source.dim() == axes + 2 and source.shape[1] == weight.shape[1] * groups and not weight.shape[0] % groups
    if transposed or not fits or source.dtype != weight.dtype or not source.is_contiguous():
        return None
    reaches = [
        dilation * (size - 1) + 1 for dilation, size in zip(_each(dilations, axes), weight.shape[2:], strict=True)
    ]
    return _windowed(source, weight.shape[0], reaches, _each(strides, axes), _each(paddings, axes))


def _max_pool(args: Sequence[Any]) -> tuple[Tensor, Tensor] | None:
    """With a stride, and without dilation or rounding up."""
    if len(args) not in (3, 4) or args[0].dim() != 4 or not args[2] or not args[0].is_contiguous():
        return None
    source, kernel, strides, paddings = (*args, [0])[:4]
    made = _windowed(source, source.shape[1], _each(kernel, 2), _each(strides, 2), _each(paddings, 2))
    return None if made is None else (made, _new(made, made.shape, torch.int64))


def _each(sizes: Sequence[int], axes: int) -> Sequence[int]:
    return sizes if len(sizes) == axes else [sizes[0]] * axes


def _windowed(
    source: Tensor, channels: int, reaches: Sequence[int], strides: Sequence[int], paddings: Sequence[int]
) -> Tensor | None:
    """Give a map of so many channels and as many positions as windows fit; None where none does."""
    settings = zip(source.shape[2:], reaches, strides, paddings, strict=True)
    extents = [(size + 2 * padding - reach) // stride + 1 for size, reach, stride, padding in settings]
    return _new(source, (source.shape[0], channels, *extents)) if min(extents) > 0 else None


def _batch_norm(args: Sequence[Any]) -> tuple[Tensor, Tensor, Tensor] | None:
    source, settings, training = args[0], args[1:5], args[5]
    fits = source.dim() > 1 and all(each is None or each.shape[0] == source.shape[1] for each in settings)
    if not fits or source.dtype not in (torch.float32, torch.float64) or not isinstance(training, bool):
        return None
    statistics = (source.shape[1] if training else 0,)  # those of the batch are given out in training alone
    return source.clone(), _new(source, statistics), _new(source, statistics)


def _layer_norm(args: Sequence[Any]) -> tuple[Tensor, Tensor, Tensor] | None:
    source, over = args[0], len(args[1])
    if list(source.shape[-over:]) != list(args[1]) or not source.is_contiguous():
        return None
    statistics = (*source.shape[:-over], *[1] * over)
    return source.clone(), _new(source, statistics), _new(source, statistics)


def _product(args: Sequence[Any]) -> Tensor | None:
    one, other = args
    fits = one.shape[1] == other.shape[0] and one.dtype == other.dtype
    return _new(one, (one.shape[0], other.shape[1])) if fits else None


def _product_and_sum(args: Sequence[Any]) -> Tensor | None:
    if len(args) != 3 or args[0].dim() != 1 or args[0].shape[0] not in (1, args[2].shape[1]):
        return None
    return _product(args[1:])


def _mean(args: Sequence[Any]) -> Tensor | None:
    source, axes = args[0], args[1] if len(args) > 1 else []
    if not axes or not source.is_floating_point() or not source.is_contiguous():
        return None
    over, kept = {axis % source.dim() for axis in axes}, len(args) > 2 and args[2]
    sizes = [1 if axis in over else size for axis, size in enumerate(source.shape) if kept or axis not in over]
    return _new(source, sizes)


def _joined(args: Sequence[Any]) -> Tensor | None:
    parts, first = args[0], args[0][0]
    axis = (args[1] if len(args) > 1 else 0) % max(first.dim(), 1)
    around = (first.shape[:axis], first.shape[axis + 1 :])
    for part in parts:
        alike = part.is_meta and part.dtype == first.dtype and part.dim() == first.dim() and part.is_contiguous()
        if not alike or (part.shape[:axis], part.shape[axis + 1 :]) != around:
            return None
    return _new(first, (*around[0], sum(part.shape[axis] for part in parts), *around[1]))


_BY_NAMES: Mapping[str, StandIn] = {
    """aten::relu aten::hardtanh aten::leaky_relu aten::threshold aten::elu aten::celu aten::sigmoid aten::hardsigmoid
    aten::tanh aten::hardswish aten::silu aten::gelu aten::mish aten::softplus aten::exp aten::sqrt aten::rsqrt
    aten::neg""": _like_first,
    "aten::_softmax aten::_log_softmax aten::_safe_softmax": _softmax,
    "aten::add aten::sub aten::mul aten::div aten::pow": _first_and_other,
    "aten::convolution": _convolution,
    "aten::max_pool2d_with_indices": _max_pool,
    "aten::native_batch_norm": _batch_norm,
    "aten::native_layer_norm": _layer_norm,
    "aten::mm": _product,
    "aten::addmm": _product_and_sum,
    "aten::mean": _mean,
    "aten::cat": _joined,
}
STAND_INS: Mapping[str, StandIn] = {name: made for names, made in _BY_NAMES.items() for name in names.split()}


def find_stand_in(operator: str) -> StandIn | None:
    """Give what makes an operator's output, by torch's name for it; one that writes over its input gives that."""
    if not operator.endswith("_"):
        return STAND_INS.get(operator)
    made = STAND_INS.get(operator[:-1])
    return None if made is None else lambda args: None if made(args) is None else args[0]

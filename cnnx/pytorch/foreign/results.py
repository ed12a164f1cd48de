"""What a model was given and what it gave: the tensors in it, in words and under names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from cnnx.graph.operation import show_shape


def named_tensors(result: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """Give the tensors in a tensor, tuple, list, mapping or dataclass, and in what these hold, with their places."""
    if isinstance(result, Tensor):
        yield name or "output", result
        return
    for part, value in _parts(result):
        yield from named_tensors(value, f"{name}.{part}" if name else str(part))


def _parts(result: Any) -> Iterator[tuple[object, Any]]:
    if isinstance(result, Mapping):
        yield from result.items()
    elif hasattr(result, "_fields"):  # a named tuple
        yield from zip(result._fields, result, strict=True)
    elif isinstance(result, (tuple, list)):
        yield from ((f"output{number}", value) for number, value in enumerate(result, 1))
    elif is_dataclass(result) and not isinstance(result, type):
        yield from ((field.name, getattr(result, field.name)) for field in fields(result))


def describe_inputs(inputs: tuple[Any, ...]) -> str:
    """Say what a model is given, with the batch: `1×3×224×224` or `1×77 of int64`; `nothing`, if it is so."""
    tensors = [leaf for leaf in tree_leaves(inputs) if isinstance(leaf, Tensor)]
    return " and ".join(map(_describe, tensors)) or "nothing"


def _describe(tensor: Tensor) -> str:
    shape = show_shape(tuple(tensor.shape)) or "a number"
    kind = str(tensor.dtype).removeprefix("torch.")
    return shape if tensor.dtype == torch.float32 else f"{shape} of {kind}"


def describe_value(value: object) -> str:
    """Say what something is that should have been something else: `nothing`, or `a value of type int`."""
    return "nothing" if value is None else f"a value of type {type(value).__name__}"

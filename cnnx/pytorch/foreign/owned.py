"""What each module of a model learns and keeps itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor, nn

Identity = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Owned:
    """What a module learns and keeps itself, its submodules left out: elements and bytes."""

    params: int = 0
    buffers: int = 0
    weight_bytes: int = 0
    buffer_bytes: int = 0


def owned_by_module(model: nn.Module) -> dict[str, Owned]:
    """Give what each module owns, by its path: every tensor once, under the first module that has it.

    Tensors that share all of their memory are one. Counters, which are buffers without axes, are left out.
    """
    seen: set[Identity] = set()
    return {
        path: _owned(_unseen(module._parameters.values(), seen), _unseen(module._buffers.values(), seen))
        for path, module in model.named_modules()
    }


def _unseen(tensors: Iterable[Tensor | None], seen: set[Identity]) -> list[Tensor]:
    found: list[Tensor] = []
    for tensor in tensors:
        if tensor is not None and _identity(tensor) not in seen:
            seen.add(_identity(tensor))
            found.append(tensor)
    return found


def _owned(weights: list[Tensor], buffers: list[Tensor]) -> Owned:
    kept = [buffer for buffer in buffers if buffer.dim()]
    return Owned(
        sum(weight.numel() for weight in weights),
        sum(buffer.numel() for buffer in kept),
        sum(weight.numel() * weight.element_size() for weight in weights),
        sum(buffer.numel() * buffer.element_size() for buffer in kept),
    )


def _identity(tensor: Tensor) -> Identity:
    return (tensor.untyped_storage()._cdata, tensor.storage_offset(), tuple(tensor.shape), tensor.stride())

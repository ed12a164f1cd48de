"""A model that comes back as it was: its attributes, weights, modes and hooks, and the random numbers to come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

Convert = Callable[[Tensor], Tensor]


@contextmanager
def kept_as_it_was(model: nn.Module) -> Iterator[None]:
    """Put everything back at the end, whatever happens: each attribute of each module, and random number generators.

    Weights and buffers are the same objects as before; what a dictionary, list or set that an attribute holds has in
    it is put back too: so come back hooks, modes, submodules and caches. The numbers within tensors are not looked at:
    let nothing write into them (`swap`).
    """
    kept = [_Kept(module) for module in model.modules()]
    devices = sorted({weight.device.index for weight in model.parameters() if weight.device.type == "cuda"})
    with torch.random.fork_rng(devices=devices):
        try:
            yield
        finally:
            for module in kept:
                module.put_back()


class _Kept:
    """The attributes of one module, and what the containers among them hold."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        self._type = type(module)
        self._attributes = dict(vars(module))
        containers = [value for value in self._attributes.values() if isinstance(value, (dict, list, set))]
        self._contents = [(container, _content(container)) for container in containers]

    def put_back(self) -> None:
        """Give the module what it had."""
        if type(self._module) is not self._type:
            self._module.__class__ = self._type  # a lazy module becomes another once it knows its input
        attributes = vars(self._module)
        attributes.clear()
        attributes.update(self._attributes)
        for container, content in self._contents:
            if container or content:
                _refill(container, content)


def _content(container: Any) -> Any:
    if isinstance(container, list):
        return list(container)
    return dict(container) if isinstance(container, dict) else set(container)


def _refill(container: Any, content: Any) -> None:
    if isinstance(container, list):
        container[:] = content
    else:
        container.clear()
        container.update(content)


def swap(model: nn.Module, convert: Convert) -> None:
    """Replace every weight, buffer and other tensor of a model by what `convert` makes of it.

    A tensor that stands in several places is converted once, so that tied weights stay tied. Inside
    `kept_as_it_was`, the model has its own back afterwards.
    """
    memo: dict[int, Tensor] = {}
    for module in model.modules():
        stores: tuple[dict[str, Any], ...] = (module._parameters, module._buffers, vars(module))
        for store in stores:
            for name, tensor in list(store.items()):
                if isinstance(tensor, Tensor):
                    store[name] = _converted(tensor, convert, memo)


def _converted(tensor: Tensor, convert: Convert, memo: dict[int, Tensor]) -> Tensor:
    if id(tensor) not in memo:
        made = convert(tensor.detach())
        if isinstance(tensor, nn.Parameter):
            made = nn.Parameter(made, requires_grad=tensor.requires_grad)
        memo[id(tensor)] = made
    return memo[id(tensor)]

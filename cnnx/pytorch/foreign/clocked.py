"""A model's forward with a clock that is read whenever another of its modules runs.

Two hooks that hold for all modules read it; they are there for the clocked call alone. Between two readings one module
runs, its submodules left out, so that all the time of the call is some module's. What the hooks cost themselves, some
microseconds a module, is in these times, and shows where the clocked call is held against the plain one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from cnnx.analysis.memory.inference import Alive
from cnnx.analysis.records import NodeTime
from cnnx.errors import UsageError
from cnnx.pytorch.measuring_state import evaluation


class ClockedForward:
    """A call of a model with given inputs, which reads a clock; `names` says which module runs before each reading.

    `watched` are the paths of the modules that count; what others do is the nearest one's above, "" at the top. A
    model that takes another way through its modules each time it is called cannot be divided so: it is one part.
    """

    def __init__(self, model: nn.Module, inputs: Sequence[Any], watched: Collection[str]) -> None:
        self._model = model
        self._inputs = tuple(inputs)
        paths = {module: path for path, module in model.named_modules() if path and path in watched}
        self._watched = paths
        ways = [self._way(), self._way()]
        if ways[0] != ways[1]:
            self._watched, ways = {}, [[""]]
        self.names = tuple(ways[0])

    def __call__(self, clock: Callable[[], Any]) -> tuple[Any, list[Any]]:
        """Run the model; give its outputs, and what the clock said at the start and after each of `names`.

        Raises `UsageError` where the model takes another way than it did before.
        """
        readings: list[Any] = []

        def read(module: nn.Module, *_: Any) -> None:
            if module in self._watched:
                readings.append(clock())

        with _hooks(read, read):
            readings.append(clock())
            outputs = self._model(*self._inputs)
            readings.append(clock())
        if len(readings) != len(self.names) + 1:
            raise UsageError("the model took another way through its modules than in the calls before")
        return outputs, readings

    def _way(self) -> list[str]:
        """Run the model once, and give the path of the module that runs before each reading."""
        above, names = [""], list[str]()

        def enter(module: nn.Module, *_: Any) -> None:
            if module in self._watched:
                names.append(above[-1])
                above.append(self._watched[module])

        def leave(module: nn.Module, *_: Any) -> None:
            if module in self._watched:
                names.append(above.pop())

        with evaluation([self._model]), torch.no_grad(), _hooks(enter, leave):
            self._model(*self._inputs)
        return [*names, ""]


@contextmanager
def _hooks(enter: Callable[..., None], leave: Callable[..., None]) -> Iterator[None]:
    """Call these where a module begins to run and where it ends, also by an exception."""
    handles = (register_module_forward_pre_hook(enter), register_module_forward_hook(leave, always_call=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def most_by_name(stretches: Iterable[Alive]) -> tuple[Alive, ...]:
    """Give each name once, with the most bytes that lived in its stretches."""
    most: dict[str, int] = {}
    for each in stretches:
        most[each.name] = max(each.bytes, most.get(each.name, 0))
    return tuple([Alive(name, value) for name, value in most.items()])


def time_by_name(stretches: Iterable[NodeTime]) -> tuple[NodeTime, ...]:
    """Give each name once, with the time of all its stretches."""
    spent: dict[str, float] = {}
    for each in stretches:
        spent[each.name] = spent.get(each.name, 0.0) + each.milliseconds
    return tuple([NodeTime(name, value) for name, value in spent.items()])

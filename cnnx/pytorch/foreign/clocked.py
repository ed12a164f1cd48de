"""A model's forward with a clock that is read whenever another of its modules runs.

Between two readings one module runs, its submodules left out, so that all the time of the call is some module's. While
the clock is read, and no longer, the call of each watched module is one of ours. (Hooks would do the same, but torch
calls a module with hooks in another, slower way: on a MobileNet v3 they added 8 % to its time.)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import _has_any_global_hook

from cnnx.analysis.memory.inference import Alive
from cnnx.analysis.records import NodeTime
from cnnx.errors import UsageError
from cnnx.pytorch.measuring_state import evaluation

Calls = Sequence[tuple[nn.Module, Callable[..., Any]]]  # what runs where each module is called
_CALLED = "_compiled_call_impl"  # torch's own name for what a module has to be called in place of itself


class AnotherWayError(UsageError):
    """A model took another way through its modules than in the calls before."""


class ClockedForward:
    """A call of a model with given inputs, which reads a clock; `names` says which module runs before each reading.

    `watched` are the paths of the modules that count; what others do is the nearest one's above, "" at the top. A
    model that takes another way through its modules each time it is called cannot be divided so: it is one part, and
    `divided` is false.
    """

    def __init__(self, model: nn.Module, inputs: Sequence[Any], watched: Collection[str]) -> None:
        self._model = model
        self._inputs = tuple(inputs)
        self._watch = _Watch()
        paths = {module: path for path, module in model.named_modules() if path and path in watched}
        ways = [self._way(paths), self._way(paths)]
        self.divided = ways[0] == ways[1]
        if not self.divided:
            paths, ways = {}, [[""]]
        self.names = tuple(ways[0])
        self._calls = [(module, _between(module, self._watch.read, self._watch.read)) for module in paths]

    def ready(self) -> AbstractContextManager[None]:
        """Give a context in which calls follow each other without setting up the modules each time."""
        return _called_by(self._calls)

    def __call__(self, clock: Callable[[], Any]) -> tuple[Any, list[Any]]:
        """Run the model; give its outputs, and what the clock said at the start and after each of `names`.

        Raises `AnotherWayError` where the model takes another way than it did before.
        """
        with nullcontext() if self._is_ready() else self.ready():
            readings = self._watch.start(clock)
            outputs = self._model(*self._inputs)
            readings.append(clock())
        if len(readings) != len(self.names) + 1:
            raise AnotherWayError("the model took another way through its modules than in the calls before")
        return outputs, readings

    def _is_ready(self) -> bool:
        return all(vars(module).get(_CALLED) is call for module, call in self._calls[:1])

    def _way(self, paths: Mapping[nn.Module, str]) -> list[str]:
        """Run the model once, and give the path of the module that runs before each reading."""
        above, names = [""], list[str]()

        def enter(path: str) -> None:
            names.append(above[-1])
            above.append(path)

        def leave() -> None:
            names.append(above.pop())

        calls = [(module, _between(module, partial(enter, path), leave)) for module, path in paths.items()]
        with evaluation([self._model]), torch.no_grad(), _called_by(calls):
            self._model(*self._inputs)
        return [*names, ""]


class _Watch:
    """A clock, and what it said in the call that runs."""

    def __init__(self) -> None:
        self._readings: list[Any] = []
        self._clock: Callable[[], Any] = object

    def start(self, clock: Callable[[], Any]) -> list[Any]:
        """Go on with this clock and read it; give the list that all its readings will stand in."""
        self._readings, self._clock = [clock()], clock
        return self._readings

    def read(self) -> None:
        """Read the clock."""
        self._readings.append(self._clock())


def _between(module: nn.Module, enter: Callable[[], None], leave: Callable[[], None]) -> Callable[..., Any]:
    """Give a call of a module that calls these before and after, also where it ends by an exception.

    It leads to the forward by one function, as torch's own does, so that it takes about as long.
    """
    own, torchs = vars(module).get(_CALLED), module._call_impl
    before, after = module._forward_pre_hooks, module._forward_hooks  # the model may add some while it runs
    back_before, back = module._backward_pre_hooks, module._backward_hooks
    slowly = own is not None or _has_any_global_hook()  # type: ignore[no-untyped-call]  # torch's is untyped

    def between(*inputs: Any, **options: Any) -> Any:  # whatever the model hands to its module
        enter()
        try:
            if slowly or before or after or back_before or back:
                return (own or torchs)(*inputs, **options)
            return module.forward(*inputs, **options)
        finally:
            leave()

    return between


@contextmanager
def _called_by(calls: Calls) -> Iterator[None]:
    """Let modules be called by these.

    The attribute is set in the modules' dictionaries, as a module's own way of setting one is slow and may be changed.
    """
    own = [(vars(module), vars(module).get(_CALLED)) for module, _ in calls]
    try:
        for module, call in calls:
            vars(module)[_CALLED] = call
        yield
    finally:
        for attributes, before in own:
            attributes.pop(_CALLED, None)
            if before is not None:
                attributes[_CALLED] = before


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

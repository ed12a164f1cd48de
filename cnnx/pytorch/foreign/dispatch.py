"""The counter: a dispatch mode that sees every operator a model calls, functions and methods of tensors included."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from cnnx.graph.operation import Shape
from cnnx.pytorch.foreign.costs import first
from cnnx.pytorch.foreign.paths import ModulePaths
from cnnx.pytorch.foreign.rules import SPATIAL_MEAN, Rule, find_rule
from cnnx.pytorch.foreign.stand_ins import StandIn, find_stand_in
from cnnx.pytorch.storage_watch import storage_key

Operator = Callable[..., Any]  # torch's OpOverload


@dataclass(slots=True)
class Tally:
    """The calls of one operator in one module, added up; shapes are those of its first call."""

    rule: Rule
    inputs: tuple[Shape, ...]
    output: Shape
    calls: int = 0
    macs: int = 0
    other_flops: int = 0
    made_elements: int = 0  # of its outputs
    moved_elements: int = 0  # read and written, without weights
    weight_elements: int = 0  # read of weights and buffers


class DispatchCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's mode is untyped
    """Counts while it is entered; `paths` says which module is running, `weights` which storages are the model's own.

    `tallies` has what is known, by module and operator in the order of their first calls; `unknown` the calls of
    operators without a rule, by operator and module. With a `device`, tensors that are made from nothing are made
    there, whatever device the model names.
    """

    def __init__(
        self, paths: ModulePaths, weights: frozenset[int] = frozenset(), device: torch.device | None = None
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's mode is untyped
        self.tallies: dict[tuple[str, Operator], Tally] = {}
        self.unknown: dict[Operator, dict[str, int]] = {}
        self._paths = paths
        self._weights = weights
        self._device = device
        self._known: dict[Operator, tuple[Rule | None, StandIn | None]] = {}

    def __torch_dispatch__(
        self, func: Operator, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        rule, stand_in = self._known.get(func) or self._look_up(func)
        if rule is None:
            return self._in_parts(func, args, kwargs)
        if rule.makes and self._device is not None:
            kwargs = {**kwargs, "device": self._device}
        out = stand_in(args) if stand_in is not None and not kwargs and _is_on_meta(args[0]) else None
        if out is None:
            out = func(*args, **kwargs)
        if rule.moves and first(out).numel():  # batch norm makes an empty tensor for what another kernel would keep
            self._add(func, rule, args, kwargs, out)
        return out

    def _look_up(self, func: Operator) -> tuple[Rule | None, StandIn | None]:
        name = name_of(func)
        found = self._known[func] = (find_rule(name), find_stand_in(name))
        return found

    def _in_parts(self, func: Operator, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Run an operator without a rule: in the parts that torch itself makes it of, if there are any."""
        decompose = getattr(func, "decompose", None)
        if decompose is not None:
            with self:
                out = decompose(*args, **kwargs)
            if out is not NotImplemented:
                return out
        by_module = self.unknown.setdefault(func, {})
        by_module[self._paths.current] = by_module.get(self._paths.current, 0) + 1
        return func(*args, **kwargs)

    def _add(self, func: Operator, rule: Rule, args: Sequence[Any], kwargs: Mapping[str, Any], out: Any) -> None:
        key = (self._paths.current, func)
        read, made = list(tensors_in(args[: rule.reads])), first(out)
        tally = self.tallies.get(key)
        if tally is None:
            tally = self.tallies[key] = self._new_tally(func, rule, args, read, made)
        cost, elements = rule.count(args, kwargs, out), made.numel()
        tally.calls += 1
        tally.macs += cost.macs
        tally.other_flops += cost.other_flops
        tally.made_elements += elements
        tally.moved_elements += elements
        for tensor in read:
            size = elements if rule.picks and tensor is read[0] else tensor.numel()
            if self._is_weight(tensor):
                tally.weight_elements += size
            else:
                tally.moved_elements += size

    def _new_tally(
        self, func: Operator, rule: Rule, args: Sequence[Any], read: Sequence[Tensor], made: Tensor
    ) -> Tally:
        if name_of(func) == "aten::mean" and _is_over_space(args):
            rule = SPATIAL_MEAN
        inputs = [tuple(tensor.shape) for tensor in read if not self._is_weight(tensor)]
        return Tally(rule, tuple(inputs), tuple(made.shape))

    def _is_weight(self, tensor: Tensor) -> bool:
        return storage_key(tensor) in self._weights


def _is_on_meta(argument: Any) -> bool:
    """Whether an operator's first argument is a tensor on meta, or a list of such; in `2**x` it is a number."""
    leading = next(tensors_in([argument]), None)
    return leading is not None and leading.is_meta


def _is_over_space(args: Sequence[Any]) -> bool:
    """Whether a mean is that of each channel's map: (N, C, H, W) over its last two axes."""
    axes = args[1] if len(args) > 1 and isinstance(args[1], (list, tuple)) else ()
    rank = args[0].dim()
    return rank == 4 and sorted(axis % rank for axis in axes) == [2, 3]


def tensors_in(values: Iterable[Any]) -> Iterator[Tensor]:
    """Give the tensors among arguments, those in lists too."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from tensors_in(value)


def name_of(func: Operator) -> str:
    """Give torch's name of an operator without that of the overload: `aten::add_`."""
    schema = getattr(func, "_schema", None)
    return str(func) if schema is None else str(schema.name)

"""From a name to a model and its inputs; whatever goes wrong in the code that is run for it is told in a line."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

import torch
from torch import Tensor, nn

from cnnx.analysis.models.names import DEFAULT_INPUTS, ModelInput, ModelName
from cnnx.errors import UsageError, nearest
from cnnx.pytorch.build import find_dtype
from cnnx.pytorch.foreign.attempt import Attempt, told
from cnnx.pytorch.foreign.importing import import_named
from cnnx.pytorch.foreign.results import describe_value


@dataclass(frozen=True, slots=True)
class ModelSource:
    """A model by its name, the arguments that its class or function is called with, and what its forward is given."""

    name: ModelName
    arguments: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[ModelInput, ...] = DEFAULT_INPUTS

    def make(self, *, device: str = "cpu", dtype: str = "float32", seed: int = 0) -> nn.Module:
        """Import the code and give the model: an instance as it stands, else what a call gives.

        Random numbers begin at `seed`, and go on as before afterwards. Weights that are real numbers get the dtype.
        Raises `UsageError`.
        """
        with _random_from(seed):
            found = import_named(self.name)
        with _random_from(seed):  # anew, as what was imported before draws none
            made = found if isinstance(found, nn.Module) else self._call(found)
        if not isinstance(made, nn.Module):
            raise UsageError(f"`{self.name}` gives {describe_value(made)}, not an nn.Module")
        if "_modules" not in vars(made):
            raise UsageError(f"`{self.name}` gives an nn.Module whose __init__ does not call super().__init__()")
        with Attempt() as attempt:
            return _with_dtype(made.to(device), find_dtype(dtype))
        if device != "cpu" and isinstance(attempt.error, RuntimeError):
            raise attempt.error  # of the device, for those who know what torch says of one
        told_of = f"`{self.name}` cannot be put on `{device}` in {dtype}"
        raise UsageError(f"{told_of}: {told(attempt.error)}") from attempt.error

    def make_shell(self, dtype: str = "float32") -> nn.Module | None:
        """Give the model without data, on the meta device, so that none of any size fills the memory.

        Gives None for what cannot be made so, and for an instance, which is there with its data. What the code prints
        or warns of is dropped: it will say so again. Raises `UsageError` for what cannot be imported.
        """
        with _random_from(0):
            found = import_named(self.name)
        if isinstance(found, nn.Module):
            return None
        with Attempt(), _random_from(0), torch.device("meta"), redirect_stdout(StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = self._call(found)
            weights = [*made.parameters(), *made.buffers()]
            return _with_dtype(made, find_dtype(dtype)) if all(weight.is_meta for weight in weights) else None
        return None

    def _call(self, found: Any) -> Any:
        if not callable(found):
            raise UsageError(
                f"`{self.name}` is {describe_value(found)}: no nn.Module, and no class or function that gives one"
            )
        _check_arguments(found, self.name, self.arguments)
        with Attempt() as attempt:
            return found(**self.arguments)
        written = ", ".join(f"{key}={value!r}" for key, value in self.arguments.items())
        raise UsageError(f"`{self.name}({written})` raised {told(attempt.error)}") from attempt.error

    def draw(self, *, batch: int = 1, device: str = "cpu", dtype: str = "float32", seed: int = 0) -> tuple[Tensor, ...]:
        """Draw its inputs, each (batch, *shape): real numbers from the normal distribution, else zeros, or true.

        On the meta device they have no data.
        """
        generator = torch.Generator().manual_seed(seed)
        return tuple([_draw(each, batch, device, find_dtype(dtype), generator) for each in self.inputs])


def _with_dtype(model: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Give real numbers the dtype; complex ones, whose imaginary parts `Module.to` would drop, stay what they are."""

    def convert(weight: Tensor) -> Tensor:
        return weight.to(dtype) if weight.is_floating_point() else weight

    model._apply(convert)  # type: ignore[no-untyped-call]  # torch declares no types here
    return model


@contextmanager
def _random_from(seed: int) -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


def _draw(given: ModelInput, batch: int, device: str, dtype: torch.dtype, generator: torch.Generator) -> Tensor:
    shape = (batch, *given.shape)
    kind = getattr(torch, given.kind) if given.kind else dtype
    if device == "meta":
        return torch.empty(shape, dtype=kind, device=device)
    if kind is torch.bool:
        return torch.ones(shape, dtype=kind, device=device)
    if given.kind:
        return torch.zeros(shape, dtype=kind, device=device)  # an index that every table has
    return torch.randn(shape, generator=generator).to(device, dtype)


def _check_arguments(found: Any, name: ModelName, arguments: Mapping[str, Any]) -> None:
    """Check that a class or function takes these arguments and needs no others, where that can be known."""
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):  # what is written in C may tell nothing
        return
    takes = [each.name for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]
    takes_all = any(each.kind is each.VAR_KEYWORD for each in parameters)
    unknown = next((key for key in arguments if key not in takes), None)
    if unknown is not None and not takes_all:
        hint = nearest(unknown, takes) or (f"it takes {', '.join(takes)}" if takes else "it takes none")
        raise UsageError(f"`{name}` takes no argument `{unknown}`", hint=hint)
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [each.name for each in parameters if each.default is each.empty and each.kind not in optional]
    missing = [f"`{each}`" for each in needed if each not in arguments]
    if missing:
        raise UsageError(f"`{name}` needs {' and '.join(missing)}", hint=f"--arg {missing[0].strip('`')}=… gives it")

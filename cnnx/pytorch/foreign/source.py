"""From a name to a model and its inputs; whatever goes wrong in the code that is run for it is told in a line."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from cnnx.analysis.model_names import DEFAULT_INPUTS, ModelInput, ModelName
from cnnx.errors import UsageError, nearest
from cnnx.pytorch.build import find_dtype
from cnnx.pytorch.foreign.attempt import Attempt, told
from cnnx.pytorch.foreign.importing import import_named


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
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            found = import_named(self.name)
            made = found if isinstance(found, nn.Module) else self._call(found)
        if not isinstance(made, nn.Module):
            raise UsageError(f"`{self.name}` gives {_what(made)}, not an nn.Module")
        return made.to(device=device, dtype=find_dtype(dtype))

    def _call(self, found: Any) -> Any:
        if not callable(found):
            raise UsageError(f"`{self.name}` is {_what(found)}: no nn.Module, and no class or function that gives one")
        _check_arguments(found, self.name, self.arguments)
        with Attempt() as attempt:
            return found(**self.arguments)
        written = ", ".join(f"{key}={value!r}" for key, value in self.arguments.items())
        raise UsageError(f"`{self.name}({written})` raised {told(attempt.error)}") from attempt.error

    def draw(self, *, batch: int = 1, device: str = "cpu", dtype: str = "float32", seed: int = 0) -> tuple[Tensor, ...]:
        """Draw its inputs, each (batch, *shape): real numbers from the normal distribution, else zeros, or true."""
        generator = torch.Generator().manual_seed(seed)
        return tuple([_draw(each, batch, find_dtype(dtype), generator).to(device) for each in self.inputs])


def _draw(given: ModelInput, batch: int, dtype: torch.dtype, generator: torch.Generator) -> Tensor:
    shape = (batch, *given.shape)
    if given.kind == "bool":
        return torch.ones(shape, dtype=torch.bool)
    if given.kind:
        return torch.zeros(shape, dtype=getattr(torch, given.kind))  # an index that every table has
    return torch.randn(shape, generator=generator).to(dtype)


def _what(value: object) -> str:
    return "nothing" if value is None else f"a value of type {type(value).__name__}"


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

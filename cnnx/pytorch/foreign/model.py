"""A model from its source: counted without its data where that can be, made where it is measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from cnnx.analysis.figures import Figures
from cnnx.analysis.models.figures import ModelCount
from cnnx.pytorch.channels_last import lay_out_inputs, lay_out_weights
from cnnx.pytorch.foreign.attempt import Attempt
from cnnx.pytorch.foreign.count import count_module, count_shell, unrunnable
from cnnx.pytorch.foreign.source import ModelSource
from cnnx.pytorch.settings import Settings


@dataclass(slots=True)
class Model:
    """A model with what it costs for one image. A process that it is sent to makes it anew."""

    source: ModelSource
    counted: ModelCount
    shell: nn.Module | None = field(default=None, repr=False)  # without data, or the module itself
    _made: nn.Module | None = field(default=None, repr=False)  # with data, once it was needed

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave the modules out of what is sent to another process."""
        return (Model, (self.source, self.counted))

    @property
    def figures(self) -> Figures:
        """What it costs for one image."""
        return self.counted.figures

    def prepare(self, settings: Settings) -> tuple[nn.Module, tuple[Tensor, ...]]:
        """Give the module, which is made once, and inputs for it as the settings say. Raises `UsageError`."""
        device, dtype, seed = settings.device, settings.dtype, settings.seed
        if self._made is None:
            self._made = self.source.make(device=device, dtype=dtype, seed=seed)
        module, inputs = self._made, self.source.draw(batch=settings.batch, device=device, dtype=dtype, seed=seed)
        _settle_shapes(module, inputs, str(self.source.name))
        return lay_out_weights(module, settings), lay_out_inputs(inputs, settings)


def count_model(source: ModelSource, dtype: str = "float32", label: str = "") -> Model:
    """Import a model's code and count the model for one image, with others beside.

    The model is made without data; where that cannot be, or it cannot be counted so, it is made on the CPU.
    Raises `InputError` where it cannot be run on its inputs, `UsageError` where it cannot be imported or made, or gives
    no tensor.
    """
    name, arguments = label or str(source.name), source.arguments
    shell, inputs = source.make_shell(dtype), source.draw(device="meta", dtype=dtype)
    if shell is not None:
        with Attempt() as attempt:
            _settle_shapes(shell, inputs, name)
        counted = None if attempt.error else count_shell(shell, *inputs, name=name, arguments=arguments)
        if counted is not None:
            return Model(source, counted, shell)
    module, inputs = source.make(dtype=dtype), source.draw(dtype=dtype)
    _settle_shapes(module, inputs, name)
    counted = count_module(module, *inputs, name=name, arguments=arguments, beside=True)
    return Model(source, counted, module, module)


def _settle_shapes(module: nn.Module, inputs: tuple[Tensor, ...], name: str) -> None:
    """Run a module with lazy layers once, so that they know their inputs. Raises `InputError`."""
    if not any(is_lazy(weight) for weight in module.parameters()):
        return
    with Attempt() as attempt, torch.no_grad():
        module(*inputs)
        return
    raise unrunnable(attempt.error, inputs, name, module) from attempt.error

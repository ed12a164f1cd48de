"""A model that was made from its source, ready to be counted and measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from cnnx.analysis.figures import Figures
from cnnx.analysis.model_figures import ModelCount
from cnnx.pytorch.foreign.count import count_module
from cnnx.pytorch.foreign.source import ModelSource
from cnnx.pytorch.settings import Settings


@dataclass(frozen=True, slots=True)
class Model:
    """A model with what it costs for one image. In a process of its own, where this is sent to, it is made anew."""

    source: ModelSource
    counted: ModelCount
    module: nn.Module | None = field(default=None, repr=False, compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave the module out of what is sent to another process."""
        return (Model, (self.source, self.counted))

    @property
    def figures(self) -> Figures:
        """What it costs for one image."""
        return self.counted.figures

    def prepare(self, settings: Settings) -> tuple[nn.Module, tuple[Tensor, ...]]:
        """Give the module and inputs for it as the settings say. Raises `UsageError` where the module must be made."""
        device, dtype, seed = settings.device, settings.dtype, settings.seed
        module = self.source.make(device=device, dtype=dtype, seed=seed) if self.module is None else self.module
        inputs = self.source.draw(batch=settings.batch, device=device, dtype=dtype, seed=seed)
        if settings.channels_last:
            module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's types lack it
            inputs = tuple([_channels_last(tensor) for tensor in inputs])
        return module, inputs


def _channels_last(tensor: Tensor) -> Tensor:
    return tensor.contiguous(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor


def count_model(source: ModelSource, module: nn.Module, dtype: str = "float32", label: str = "") -> Model:
    """Count a model that its source made on the CPU, for one image, with others beside.

    Raises `UsageError` where it cannot be run on its inputs or gives no tensor.
    """
    name = label or str(source.name)
    inputs = source.draw(dtype=dtype)
    return Model(source, count_module(module, *inputs, name=name, arguments=source.arguments, beside=True), module)

"""How maps lie in memory: as torch makes them, or with the channels of a pixel side by side."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn

from cnnx.pytorch.settings import Settings

Module = TypeVar("Module", bound=nn.Module)


def lay_out_weights(module: Module, settings: Settings) -> Module:
    """Give a module whose weights lie as the settings say."""
    if not settings.channels_last:
        return module
    laid_out: Module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's types lack it
    return laid_out


def lay_out_inputs(inputs: tuple[Tensor, ...], settings: Settings) -> tuple[Tensor, ...]:
    """Give inputs of which the maps lie as the settings say."""
    if not settings.channels_last:
        return inputs
    return tuple([each.contiguous(memory_format=torch.channels_last) if each.dim() == 4 else each for each in inputs])

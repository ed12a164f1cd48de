"""The state of Python and torch in which a module is trained for a while; everything is as it was when it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from cnnx.pytorch.measuring_state import undisturbed
from cnnx.pytorch.settings import Settings


@contextmanager
def training_state(module: nn.Module, settings: Settings) -> Iterator[None]:
    """Train with the settings' threads, device and TF32, and with no garbage collection.

    Weights, buffers, gradients, modes and the generators of random numbers are restored.
    """
    generators = [settings.device] if settings.on_cuda else []
    with torch.random.fork_rng(devices=generators), restored(module), torch.enable_grad(), undisturbed(settings):
        module.train()
        yield


@contextmanager
def restored(module: nn.Module) -> Iterator[None]:
    """Give back a module's weights, buffers, gradients and modes as they were, also after an exception."""
    modes = {part: part.training for part in module.modules()}
    tensors = {tensor: tensor.detach().clone() for tensor in (*module.parameters(), *module.buffers())}
    gradients = {parameter: parameter.grad for parameter in module.parameters()}
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, before in tensors.items():
                tensor.copy_(before)
        for parameter, gradient in gradients.items():
            parameter.grad = gradient
        module.train(modes[module])  # a module may switch more than the flag
        for part, mode in modes.items():
            part.training = mode

"""The state of Python and torch in which modules are timed; everything is as it was when it ends."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn

from cnnx.pytorch.settings import Settings


@contextmanager
def measuring_state(modules: Sequence[nn.Module], settings: Settings) -> Iterator[None]:
    """Evaluate without autograd, with the settings' threads, device and TF32, and with no garbage collection."""
    with evaluation(modules), torch.inference_mode(), undisturbed(settings):
        yield


@contextmanager
def undisturbed(settings: Settings) -> Iterator[None]:
    """Compute with the settings' threads, device and TF32, and with no garbage collection."""
    with ExitStack() as stack:
        stack.enter_context(threads(settings.threads))
        if settings.on_cuda:
            stack.enter_context(torch.cuda.device(settings.device))
            stack.enter_context(tf32(settings.tf32))
        stack.enter_context(no_garbage_collection())
        yield


@contextmanager
def threads(number: int | None) -> Iterator[None]:
    """Let torch compute with so many threads; None leaves its own number."""
    before = torch.get_num_threads()
    if number is not None:
        torch.set_num_threads(number)
    try:
        yield
    finally:
        if number is not None:
            torch.set_num_threads(before)


@contextmanager
def evaluation(modules: Sequence[nn.Module]) -> Iterator[None]:
    """Switch modules to evaluation, then back, and every submodule to what it was."""
    flags = {part: part.training for module in modules for part in module.modules()}
    try:
        for module in modules:
            module.eval()
        yield
    finally:
        for module in modules:
            module.train(flags[module])  # a module may switch more than the flag
        for part, flag in flags.items():
            part.training = flag


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Collect once, then not again until the end."""
    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """Allow or forbid TF32 in the convolutions and matrix products of CUDA.

    torch's own defaults differ between the two (convolutions may, products may not), so it is always said.
    """
    switches, allow, forbid = _tf32_switches()
    before = [getattr(owner, name) for owner, name in switches]
    try:
        for owner, name in switches:
            setattr(owner, name, allow if allowed else forbid)
        yield
    finally:
        for (owner, name), value in zip(switches, before, strict=True):
            setattr(owner, name, value)


def _tf32_switches() -> tuple[list[tuple[Any, str]], Any, Any]:
    """Give the attributes that govern TF32 in this torch, and their values for yes and no."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    if hasattr(matmul, "fp32_precision"):  # torch 2.9 and later; there, reading the old ones may raise
        convolutions = cudnn.conv  # type: ignore[attr-defined]  # at run time, the module is an object that has it
        return [(matmul, "fp32_precision"), (convolutions, "fp32_precision")], "tf32", "ieee"
    return [(matmul, "allow_tf32"), (cudnn, "allow_tf32")], True, False

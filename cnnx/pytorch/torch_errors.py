"""What torch raises, as errors of cnnx's tree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from cnnx.errors import DeviceError, MemoryBudgetError, UsageError
from cnnx.pytorch.failing_node import failing_node
from cnnx.pytorch.settings import Settings


@contextmanager
def torch_errors(settings: Settings) -> Iterator[None]:
    """Turn what torch raises where memory, a kernel or the device fails into an error of cnnx's tree."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise MemoryBudgetError(f"the memory of `{settings.device}` is full: {_first_line(error)}") from error
    except RuntimeError as error:
        if "DefaultCPUAllocator" in str(error):  # torch has no type of its own for a full CPU memory
            raise MemoryBudgetError(f"the memory of `{settings.device}` is full: {_first_line(error)}") from error
        kind = DeviceError if settings.on_cuda and "CUDA" in str(error) else UsageError
        what = f"`{node}`" if (node := failing_node(error)) else "this"
        where = f"on `{settings.device}` in {settings.dtype}"
        raise kind(f"torch cannot run {what} {where}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)

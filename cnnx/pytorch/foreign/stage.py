"""Where a model is run to be looked at: on the meta device, or on the CPU where it needs its numbers."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils._pytree import tree_map_only

from cnnx.errors import UsageError
from cnnx.pytorch.foreign.state import Convert, kept_as_it_was, swap
from cnnx.pytorch.measuring_state import evaluation

Inputs = tuple[Any, ...]  # tensors, or containers of them


def _to_meta(tensor: Tensor) -> Tensor:
    """Give a tensor of the same shape, strides and type that holds no data."""
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")


def _to_cpu(tensor: Tensor) -> Tensor:
    """Give a copy, which may be written to; zeros where there is no data."""
    return torch.zeros_like(tensor, device="cpu") if tensor.is_meta else tensor.to("cpu", copy=True)


_CONVERTERS: Mapping[str, Convert] = {"meta": _to_meta, "cpu": _to_cpu}


@contextmanager
def staged(model: nn.Module, inputs: Inputs, device: str) -> Iterator[Inputs]:
    """Give the inputs on `meta` or `cpu`, with a model there, in evaluation, that is left as it was.

    It works on stand-ins of its weights and buffers, so that nothing it writes into them stays. Gradients are off, and
    so are torch's compiler and its kernels that do a whole attention or recurrent layer at once, in which nothing could
    be seen.
    """
    convert = _CONVERTERS[device]
    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        if "torch._dynamo.eval_frame" in sys.modules:  # the compiler is there: some of the model may be compiled
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        if device == "cpu":
            stack.enter_context(_small_kernels())
        if _is_scripted(model):
            stack.enter_context(_scripted(model, device))
        else:
            stack.enter_context(kept_as_it_was(model))
            model.eval()
            swap(model, convert)
        yield tree_map_only(Tensor, lambda tensor: convert(tensor.detach()), inputs)


def _is_scripted(model: nn.Module) -> bool:
    return any(isinstance(part, torch.jit.ScriptModule) for part in model.modules())


@contextmanager
def _scripted(model: nn.Module, device: str) -> Iterator[None]:
    """Run a model whose weights TorchScript holds, out of Python's reach: with these themselves, on the CPU."""
    if device == "meta":
        raise RuntimeError("TorchScript keeps its weights to itself, and they cannot be swapped for ones without data")
    with evaluation([model]), torch.random.fork_rng(devices=[]):
        yield


@contextmanager
def _small_kernels() -> Iterator[None]:
    attention: Any = torch.backends.mha
    recurrent: Any = torch.backends.mkldnn
    before = attention.get_fastpath_enabled(), recurrent.enabled
    attention.set_fastpath_enabled(False)
    recurrent.enabled = False
    try:
        yield
    finally:
        attention.set_fastpath_enabled(before[0])
        recurrent.enabled = before[1]


def plain_model(model: nn.Module, name: str) -> nn.Module:
    """Give the model that a compiled one stands for, or the model itself.

    Raises `UsageError` for weights whose shapes are not known before a first run.
    """
    if not isinstance(model, nn.Module):
        raise UsageError(f"{name} is of type {type(model).__name__}, not an nn.Module")
    original = getattr(model, "_orig_mod", None)  # what `torch.compile` wraps
    model = original if isinstance(original, nn.Module) else model
    lazy = next((path for path, weight in model.named_parameters() if is_lazy(weight)), None)
    if lazy is not None:
        raise UsageError(f"{name} does not know the shape of `{lazy}` yet", hint="run the model once first")
    return model

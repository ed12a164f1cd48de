"""How a module is called while it is timed: as it stands, through torch's compiler, or as a recorded CUDA graph."""

from __future__ import annotations

import os
import shutil
import sys
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from cnnx.errors import UsageError
from cnnx.pytorch.protocol import Call
from cnnx.pytorch.settings import Settings

# What torch's compiler takes on each platform where CXX names no other.
_COMPILERS: Mapping[str, str] = {"darwin": "clang++", "win32": "cl"}
_CALLS_BEFORE_RECORDING = 3  # libraries choose their kernels meanwhile (torch's notes on CUDA semantics)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A call that is ready to be timed, and the seconds that compiling and recording it took."""

    call: Call
    seconds: float


def check_calling(settings: Settings) -> None:
    """Check that the settings' way of calling can work here. Raises `UsageError`."""
    if settings.compile and not settings.on_cuda:
        compiler = os.environ.get("CXX") or _COMPILERS.get(sys.platform, "g++")
        if shutil.which(compiler) is None:
            raise UsageError(
                f"torch's compiler needs a C++ compiler for `{settings.device}`, and there is no `{compiler}`",
                hint="install one, name another in CXX, or measure without compiling",
            )


def prepare_call(module: nn.Module, inputs: Sequence[Tensor], settings: Settings) -> Prepared:
    """Make the call of a module, compiled and recorded as the settings say, in the state in which it will be timed.

    Raises what the call raises, and `UsageError` where torch's compiler fails.
    """
    if settings.mode == "eager":
        return Prepared(partial(module, *inputs), 0.0)
    start = time.perf_counter()
    call = _compiled(module, inputs, settings) if settings.compile else partial(module, *inputs)
    if settings.cuda_graph:
        call = _recorded(call)
    if settings.on_cuda:
        torch.cuda.synchronize()
    return Prepared(call, time.perf_counter() - start)


def _compiled(module: nn.Module, inputs: Sequence[Tensor], settings: Settings) -> Call:
    """Let torch compile a module, which happens in its first call."""
    check_calling(settings)
    call = partial(torch.compile(module, dynamic=False), *inputs)
    with _compiling(settings):
        call()
    return call


@contextmanager
def _compiling(settings: Settings) -> Iterator[None]:
    """Turn what torch's compiler raises into a `UsageError`, and what it warns of itself into nothing."""
    from torch._dynamo.exc import TorchDynamoException

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of names that torch itself will drop, and of its cache
            yield
    except TorchDynamoException as error:
        said = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise UsageError(f"torch cannot compile this for `{settings.device}`: {said}") from error


def _recorded(call: Call) -> Call:
    """Record a call as a CUDA graph, which writes over its first result whenever it is replayed."""
    beside = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch declares no types here
    beside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(beside):
        for _ in range(_CALLS_BEFORE_RECORDING):
            call()
    torch.cuda.current_stream().wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = call()
    return Replay(graph, result)


@dataclass(frozen=True, slots=True)
class Replay:
    """The replay of a recorded call; the result must live as long, as the graph writes into its memory."""

    graph: torch.cuda.CUDAGraph
    result: object

    def __call__(self) -> object:
        """Replay it."""
        self.graph.replay()
        return self.result

"""What lives in memory while each node of a module runs, as it is seen on CPU and on CUDA.

On CPU storages are watched (`storage_watch.py`); on CUDA torch's allocator is asked. Both are read by the forward that
reads a clock after each node, here with a gauge in the clock's place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from cnnx.analysis.memory.inference import Alive
from cnnx.analysis.profiling.runs import ObservedMemory
from cnnx.pytorch.measuring_state import evaluation
from cnnx.pytorch.node_times import Forward
from cnnx.pytorch.settings import Settings
from cnnx.pytorch.storage_watch import StorageWatch

# Gives the most bytes of inputs and activations that lived at once since it was called last.
Gauge = Callable[[], int]


def observe_memory(
    module: nn.Module, inputs: Sequence[Tensor], forward: Forward, names: Sequence[str], settings: Settings
) -> ObservedMemory:
    """Run a module at inference and give the bytes that lived, by node: `forward` reads a gauge after each.

    `no_grad`, not `inference_mode`, which would keep operations whole and hide the positions that max pooling writes.
    Weights and buffers are not included. The module's mode is restored.
    """
    gauge_of = _cuda_gauge if settings.on_cuda else _storage_gauge
    with evaluation([module]), torch.no_grad(), gauge_of(module, inputs) as gauge:
        _, readings = forward(gauge)
    return ObservedMemory(max(readings), tuple(map(Alive, names, readings[1:])), with_workspace=settings.on_cuda)


@contextmanager
def _storage_gauge(module: nn.Module, inputs: Sequence[Tensor]) -> Iterator[Gauge]:
    with StorageWatch(module, inputs) as watch:
        yield watch.take


@contextmanager
def _cuda_gauge(module: nn.Module, inputs: Sequence[Tensor]) -> Iterator[Gauge]:
    """Read the allocator's own count, which needs no synchronisation: it is kept where the kernels are launched."""
    device = inputs[0].device
    module(*inputs)  # what libraries keep for good is taken now
    torch.cuda.synchronize(device)
    others = torch.cuda.memory_allocated(device) - sum(tensor.nbytes for tensor in inputs)

    def take() -> int:
        most = torch.cuda.max_memory_allocated(device) - others
        torch.cuda.reset_peak_memory_stats(device)
        return most

    torch.cuda.reset_peak_memory_stats(device)
    yield take

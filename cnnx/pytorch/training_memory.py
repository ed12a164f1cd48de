"""What lives in memory during a step of training, as it is seen on CPU and on CUDA.

On CPU storages are watched (`memory.py`), through the backward pass too, which autograd runs on the calling thread; on
CUDA torch's allocator is asked. Weights and buffers are left out, inputs and the optimizer's state counted throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from cnnx.analysis.training import Optimizer
from cnnx.analysis.training_runs import ObservedTraining
from cnnx.pytorch.memory import StorageWatch, observed_saved
from cnnx.pytorch.settings import Settings
from cnnx.pytorch.training_step import Step, make_optimizer, state_of


def observe_training(
    module: nn.Module, inputs: Sequence[Tensor], optimizer: Optimizer, settings: Settings
) -> ObservedTraining:
    """Run two steps, of which the first makes the optimizer's state, and give the bytes that lived in the second.

    To be used in `training_state`. Raises what torch raises.
    """
    saved = observed_saved(module, inputs)
    weights = make_optimizer(module, optimizer)
    step = Step(module, inputs, weights)
    step.whole()
    step.drop()
    state = state_of(weights)
    counted = [*inputs, *state]
    with _cuda_peak(counted) if settings.on_cuda else _storage_peak(module, counted) as peak:
        step.whole()
        seen = peak()
    return ObservedTraining(saved, seen, sum([tensor.nbytes for tensor in state]), with_workspace=settings.on_cuda)


@contextmanager
def _storage_peak(module: nn.Module, counted: Sequence[Tensor]) -> Iterator[Callable[[], int]]:
    with StorageWatch([*module.parameters(), *module.buffers()], counted) as watch:
        yield lambda: watch.peak


@contextmanager
def _cuda_peak(counted: Sequence[Tensor]) -> Iterator[Callable[[], int]]:
    on_device = [tensor for tensor in counted if tensor.is_cuda]
    device = on_device[0].device
    torch.cuda.synchronize(device)
    others = torch.cuda.memory_allocated(device) - sum([tensor.nbytes for tensor in on_device])
    torch.cuda.reset_peak_memory_stats(device)
    yield lambda: torch.cuda.max_memory_allocated(device) - others

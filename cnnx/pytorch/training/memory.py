"""What lives in memory during a step of training, as it is seen on CPU and on CUDA.

On CPU storages are watched (`storage_watch.py`), through the backward pass too, which autograd runs on the calling
thread; on CUDA torch's allocator is asked. Weights and buffers are left out, inputs and the optimizer's state counted
throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from cnnx.analysis.memory.ledger import Phase
from cnnx.analysis.memory.training import Optimizer, OptimizerMemory, StepMemory
from cnnx.analysis.profiling.training_runs import ObservedTraining
from cnnx.pytorch.settings import Settings
from cnnx.pytorch.storage_watch import StorageWatch, observed_saved
from cnnx.pytorch.training.step import Step, make_optimizer, state_of


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
    with StorageWatch(module, counted) as watch:
        yield lambda: watch.peak


@contextmanager
def _cuda_peak(counted: Sequence[Tensor]) -> Iterator[Callable[[], int]]:
    on_device = [tensor for tensor in counted if tensor.is_cuda]
    device = on_device[0].device
    torch.cuda.synchronize(device)
    others = torch.cuda.memory_allocated(device) - sum([tensor.nbytes for tensor in on_device])
    torch.cuda.reset_peak_memory_stats(device)
    yield lambda: torch.cuda.max_memory_allocated(device) - others


def watched_step(module: nn.Module, inputs: Sequence[Tensor], optimizer: Optimizer, settings: Settings) -> StepMemory:
    """Run a module in training, on the meta device or a CPU, and give the memory of a step by watching storages.

    On meta nothing is allocated or computed. Which nodes the storages belong to is not told. Raises what torch raises.
    """
    saved = observed_saved(module, inputs)
    changing = make_optimizer(module, optimizer)
    step = Step(module, inputs, changing)
    step.whole()  # makes the optimizer's state
    step.drop()
    watch = StorageWatch(module, [*inputs, *state_of(changing)])
    with watch:
        taken = {Phase.FORWARD: _most(watch, step.forward), Phase.BACKWARD: _most(watch, step.backward)}
        held = watch.take()
        taken[Phase.UPDATE] = _most(watch, step.update)
    phase = max(taken, key=lambda each: taken[each])
    return StepMemory(
        dtype=settings.dtype,
        batch=settings.batch,
        weight_bytes=sum([weight.nbytes for weight in module.parameters()]),
        buffer_bytes=sum([buffer.nbytes for buffer in module.buffers()]),
        saved_bytes=saved,
        optimizer=_kept(optimizer, changing, taken[Phase.UPDATE] - held),
        peak_bytes=taken[phase],
        phase=phase,
        node="",
        alive=(),
    )


def _most(watch: StorageWatch, part: Callable[[], None]) -> int:
    part()
    return watch.take()


def _kept(optimizer: Optimizer, changing: torch.optim.Optimizer, scratch_bytes: int) -> OptimizerMemory:
    state = state_of(changing)
    counters = sum([tensor.nbytes for tensor in state if not tensor.dim()])  # Adam's, of a single number each
    return OptimizerMemory(optimizer, sum([tensor.nbytes for tensor in state]) - counters, counters, scratch_bytes)

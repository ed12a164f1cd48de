"""The memory that a model will need, from a run on the meta device: storages have sizes there, and no data."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from cnnx.analysis.memory.inference import Alive, Memory, PeakMemory, TrainingMemory
from cnnx.analysis.models.parts import WHOLE
from cnnx.pytorch.compiler import compiler_left_alone
from cnnx.pytorch.foreign.attempt import Attempt
from cnnx.pytorch.foreign.clocked import ClockedForward, most_by_name
from cnnx.pytorch.foreign.dispatch import DispatchCounter
from cnnx.pytorch.foreign.paths import ModulePaths
from cnnx.pytorch.foreign.stage import Inputs, staged
from cnnx.pytorch.storage_watch import StorageWatch, observed_saved


def predict_model(
    model: nn.Module, inputs: Inputs, watched: Collection[str], dtype: str, batch: int
) -> tuple[Memory | None, tuple[Alive, ...]]:
    """Predict the peak of inference, by module too, and what training holds; nothing of a model that needs its data.

    `watched` are the paths of the modules to tell apart. The model is left as it was.
    """
    with Attempt():
        stretches = _live(model, inputs, watched)
        peak = max(stretches, key=lambda alive: alive.bytes)
        training = TrainingMemory(_bytes(model), _bytes(model), _saved(model, inputs))
        return Memory(PeakMemory(peak.bytes, peak.name, (), 0), training, dtype, batch), most_by_name(stretches)
    return None, ()


def _live(model: nn.Module, inputs: Inputs, watched: Collection[str]) -> list[Alive]:
    with staged(model, inputs, "meta") as given, _fast_meta(model):
        forward = ClockedForward(model, given, watched)
        watch = StorageWatch(model, [tensor for tensor in given if isinstance(tensor, Tensor)])
        with compiler_left_alone(watch), watch:
            _, readings = forward(watch.take)
    return [Alive(name or WHOLE, taken) for name, taken in zip(forward.names, readings[1:], strict=True)]


def _saved(model: nn.Module, inputs: Inputs) -> int:
    with staged(model, inputs, "meta") as given, torch.enable_grad(), _fast_meta(model):
        return observed_saved(model, given)


@contextmanager
def _fast_meta(model: nn.Module) -> Iterator[None]:
    """Make most outputs at once, as the counter does; nobody reads what it counts here."""
    counter = DispatchCounter(ModulePaths(model), device=torch.device("meta"))
    with compiler_left_alone(counter), counter:
        yield


def _bytes(model: nn.Module) -> int:
    return sum(weight.numel() * weight.element_size() for weight in model.parameters())

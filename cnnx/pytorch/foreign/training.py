"""The training of a model that cnnx did not build: its backward pass counted on meta, its steps measured."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from cnnx.analysis.memory.training import Backward, Optimizer, StepMemory
from cnnx.analysis.profiling.training_runs import TrainingRun
from cnnx.pytorch.cuda_child import run_where_asked
from cnnx.pytorch.environment import before_measuring
from cnnx.pytorch.foreign.attempt import Attempt, as_usage_error
from cnnx.pytorch.foreign.backward import count_backward_pass
from cnnx.pytorch.foreign.model import Model
from cnnx.pytorch.foreign.stage import staged
from cnnx.pytorch.memory_budget import check_memory
from cnnx.pytorch.settings import Progress, Settings
from cnnx.pytorch.torch_errors import torch_errors
from cnnx.pytorch.training.measuring import train_module
from cnnx.pytorch.training.memory import watched_step


def train_model(
    model: Model, optimizer: Optimizer, settings: Settings, progress: Progress | None = None, command: str = ""
) -> TrainingRun:
    """Measure the training of a model, eagerly; `command` is the command line.

    Raises `DeviceError` if the device cannot be used or fails, `MemoryBudgetError` if the memory cannot hold the
    module or was full, `UsageError` if torch cannot train it so, or its own code raises.
    """
    return run_where_asked(TrainModel(model, optimizer, settings, command), settings, progress)


@dataclass(frozen=True, slots=True)
class TrainModel:
    """The task of training a model for a while in one process."""

    model: Model
    optimizer: Optimizer
    settings: Settings
    command: str

    def run(self, progress: Progress | None) -> TrainingRun:
        """Do it. Raises as `train_model` does."""
        check_memory([self.model.figures], self.settings)
        before = before_measuring(self.settings, self.command)
        with as_usage_error(f"training `{self.model.source.name}`"), torch_errors(self.settings):
            module, inputs = self.model.prepare(self.settings)
            return train_module(module, inputs, self.optimizer, self.settings, before, progress)


def count_model_backward(model: Model, settings: Settings) -> Backward | None:
    """Count the backward pass for one image, on meta; None where it does not run there."""
    if model.shell is None:
        return None
    inputs = model.source.draw(device="meta", dtype=settings.dtype)
    with Attempt(), staged(model.shell, inputs, "meta") as given, torch.enable_grad():
        return count_backward_pass(model.shell, given)
    return None


def predict_model_step(model: Model, optimizer: Optimizer, settings: Settings) -> StepMemory | None:
    """Predict the memory of a training step from one that runs on meta; None where it does not run there.

    Storages are watched as on a CPU, so which nodes they belong to is not told.
    """
    if model.shell is None:
        return None
    inputs = model.source.draw(batch=settings.batch, device="meta", dtype=settings.dtype)
    with Attempt(), staged(model.shell, inputs, "meta") as given, torch.enable_grad():
        return watched_step(model.shell.train(), given, optimizer, settings)
    return None

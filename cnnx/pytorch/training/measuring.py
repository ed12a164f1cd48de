"""Training measured: the times of forward, backward and update by clocks between them, and the memory of a step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
from torch import Tensor, nn

from cnnx.analysis.memory.training import Optimizer, predict_step
from cnnx.analysis.profiling.training_runs import ObservedTraining, TrainingRun
from cnnx.errors import MemoryBudgetError, UsageError
from cnnx.graph.graph import Graph
from cnnx.pytorch.cpu_use import Disturbance
from cnnx.pytorch.cuda_child import run_where_asked
from cnnx.pytorch.doubts import few_rounds, unsteady
from cnnx.pytorch.environment import Before, before_measuring, measured_environment
from cnnx.pytorch.latency import clock_of, latency_of, prepare, time_watched
from cnnx.pytorch.memory_budget import available_memory, show_bytes
from cnnx.pytorch.node_times import ClockedCall, NodeClock, NodeSeconds, node_reader
from cnnx.pytorch.settings import Progress, Settings
from cnnx.pytorch.torch_errors import torch_errors
from cnnx.pytorch.training.memory import observe_training
from cnnx.pytorch.training.state import training_state
from cnnx.pytorch.training.step import Step, make_optimizer


def train_graph(
    graph: Graph, optimizer: Optimizer, settings: Settings, progress: Progress | None = None, command: str = ""
) -> TrainingRun:
    """Build a graph and measure its training, eagerly. `command` is the command line.

    Raises `DeviceError` if the device cannot be used or fails, `MemoryBudgetError` if the memory cannot hold a step or
    was full, `UsageError` if torch cannot train it so.
    """
    return run_where_asked(TrainGraph(graph, optimizer, settings, command), settings, progress)


@dataclass(frozen=True, slots=True)
class TrainGraph:
    """The task of building a graph and training it for a while in one process."""

    graph: Graph
    optimizer: Optimizer
    settings: Settings
    command: str

    def run(self, progress: Progress | None) -> TrainingRun:
        """Do it. Raises as `train_graph` does."""
        settings = self.settings
        check_step(self.graph, self.optimizer, settings)
        before = before_measuring(settings, self.command)
        with torch_errors(settings):
            network, inputs = prepare(self.graph, settings)
            return train_module(network, inputs, self.optimizer, settings, before, progress)


def check_step(graph: Graph, optimizer: Optimizer, settings: Settings) -> None:
    """Check that a training step can fit into memory, before anything is built. Raises `MemoryBudgetError`."""
    need = predict_step(graph, optimizer, settings.dtype, settings.batch).bytes
    available = available_memory(settings)
    if need > available:
        raise MemoryBudgetError(
            f"a training step needs at least {show_bytes(need)} of memory on `{settings.device}`, and "
            f"{show_bytes(available)} are available (batch {settings.batch}, {settings.dtype}, {optimizer})",
            hint="make the input, the batch or the channels smaller",
        )


def train_module(
    module: nn.Module,
    inputs: Sequence[Tensor],
    optimizer: Optimizer,
    settings: Settings,
    before: Before,
    progress: Progress | None = None,
) -> TrainingRun:
    """Measure the training of a module in this process, on the settings' device, where it and its inputs are already.

    The module comes back as it was. Raises `UsageError` where a layer refuses to be trained so, and what torch raises.
    """
    with training_state(module, settings):
        with _refusals(settings):
            memory = observe_training(module, inputs, optimizer, settings)
        rounds, disturbed, calls = _time(Step(module, inputs, make_optimizer(module, optimizer)), settings, progress)
    return _run(optimizer, settings, before, memory, rounds, disturbed, calls)


@contextmanager
def _refusals(settings: Settings) -> Iterator[None]:
    """Say what to do where a layer cannot be trained on so little: torch raises `ValueError` for batch norm."""
    try:
        yield
    except ValueError as error:
        raise UsageError(
            f"torch cannot train this with batch {settings.batch}: {error}", hint="a larger --batch may do"
        ) from error


def _time(step: Step, settings: Settings, progress: Progress | None) -> tuple[Sequence[NodeSeconds], Disturbance, int]:
    """Time steps; give for every round the mean seconds of the parts of a step, and the calls of a sample."""
    clocked = ClockedCall(partial(step.clocked, node_reader(settings)))
    clock = NodeClock(clock_of(settings), clocked)
    samples, disturbed = time_watched([clocked], clock, settings, progress)
    return clock.by_node[-samples.rounds :], disturbed, samples.calls_per_sample[0]  # warm-up came before


def _run(
    optimizer: Optimizer,
    settings: Settings,
    before: Before,
    memory: ObservedTraining,
    rounds: Sequence[NodeSeconds],
    disturbed: Disturbance,
    calls: int,
) -> TrainingRun:
    parts = np.array(rounds)
    forward, backward, update, step = [
        latency_of(seconds, calls, settings) for seconds in (*parts.T.tolist(), parts.sum(axis=1).tolist())
    ]
    warnings = (
        *few_rounds(len(rounds), settings),
        *disturbed.warnings(),
        *unsteady([step], ["the step"]),
    )
    environment = measured_environment(settings, before, len(rounds), warnings)
    return TrainingRun(optimizer, forward, backward, update, step, memory, environment)

"""The time of every node of a graph: the generated forward with a clock read after each node.

On CPU the clock is the processor's; on CUDA it is an event. The forward with clocks and the plain one are timed in
the same rounds, so that the sum of the nodes can be held against the whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cnnx.analysis.figures import count
from cnnx.analysis.records import NodeTime, TimeByNode
from cnnx.graph.graph import Graph
from cnnx.pytorch.build import timed_forward
from cnnx.pytorch.cpu_use import Disturbance
from cnnx.pytorch.cuda_child import run_in_child
from cnnx.pytorch.cuda_clock import timing_event
from cnnx.pytorch.devices import check_device
from cnnx.pytorch.environment import before_measuring, measured_environment
from cnnx.pytorch.latency import clock_of, few_rounds, prepare, time_watched, torch_errors
from cnnx.pytorch.measuring_state import measuring_state
from cnnx.pytorch.memory_budget import check_memory
from cnnx.pytorch.protocol import Call, Clock, Samples
from cnnx.pytorch.settings import Progress, Settings

NodeSeconds = NDArray[np.float64]  # one for each node
Readings = Sequence[Any]  # nanoseconds on CPU, events on CUDA


def time_by_node(graph: Graph, settings: Settings, progress: Progress | None = None, command: str = "") -> TimeByNode:
    """Build a graph and measure the time of each of its nodes, in milliseconds, and of the whole.

    `command` is the command line, for the environment.
    Raises `DeviceError` if the device cannot be used or fails, `MemoryBudgetError`, before anything is built, if the
    memory cannot hold the module, `UsageError` if torch cannot run it so.
    """
    check_device(settings.device)
    task = TimeGraph(graph, settings, command)
    return run_in_child(task, progress) if settings.on_cuda else task.run(progress)


@dataclass(frozen=True, slots=True)
class TimeGraph:
    """The task of building a graph and timing its nodes in one process."""

    graph: Graph
    settings: Settings
    command: str

    def run(self, progress: Progress | None) -> TimeByNode:
        """Do it. Raises as `time_by_node` does."""
        settings = self.settings
        check_memory([count(self.graph, settings.dtype)], settings)
        before = before_measuring(settings, self.command)
        samples, disturbed, by_node = self._sample(progress)
        nodes = _node_times(self.graph, by_node)
        warnings = (*few_rounds(samples.rounds, settings), *disturbed.warnings())
        return TimeByNode(
            nodes=nodes,
            sum_ms=sum(node.milliseconds for node in nodes),
            whole_ms=1e3 * float(np.median(samples.seconds[0])),
            rounds=samples.rounds,
            environment=measured_environment(settings, before, samples.rounds, warnings),
        )

    def _sample(self, progress: Progress | None) -> tuple[Samples, Disturbance, list[NodeSeconds]]:
        """Time the plain forward and the one with clocks; give the samples of both and, by round, of the nodes."""
        settings = self.settings
        with torch_errors(settings):
            network, inputs = prepare(self.graph, settings)
            clocked = ClockedCall(partial(timed_forward(network), _read_clock(settings), *inputs))
            clock = NodeClock(clock_of(settings), clocked)
            with measuring_state([network], settings):
                samples, disturbed = time_watched([partial(network, *inputs), clocked], clock, settings, progress)
        return samples, disturbed, clock.by_node[-samples.rounds :]  # warm-up and calibration came before


class ClockedCall:
    """A call of the forward with clocks in it, which keeps what they read."""

    def __init__(self, run: Callable[[], tuple[object, Readings]]) -> None:
        self._run = run
        self.readings: list[Readings] = []

    def __call__(self) -> None:
        """Run the forward, and let its outputs go."""
        self.readings.append(self._run()[1])


class NodeClock:
    """A clock that also notes, for every sample of one call with clocks in it, the mean seconds of each node."""

    def __init__(self, clock: Clock, clocked: ClockedCall) -> None:
        self._clock = clock
        self._clocked = clocked
        self.by_node: list[NodeSeconds] = []

    def sample(self, call: Call, times: int) -> float:
        """Give the seconds that `times` calls take."""
        self._clocked.readings.clear()  # those of the untimed call before
        seconds = self._clock.sample(call, times)
        if call is self._clocked:
            self.by_node.append(np.mean([between(readings) for readings in self._clocked.readings], axis=0))
        return seconds

    def now(self) -> float:
        """Give the wall clock, in seconds."""
        return self._clock.now()


def between(readings: Readings) -> NodeSeconds:
    """Give the seconds from each reading to the next; the events among them must have been reached."""
    pairs = pairwise(readings)
    if isinstance(readings[0], torch.cuda.Event):
        return np.array([start.elapsed_time(end) / 1e3 for start, end in pairs])
    return np.array([(end - start) / 1e9 for start, end in pairs])


def _read_clock(settings: Settings) -> Callable[[], object]:
    if not settings.on_cuda:
        return time.perf_counter_ns

    def record() -> torch.cuda.Event:
        event = timing_event()
        event.record()
        return event

    return record


def typical(samples: Sequence[NodeSeconds]) -> NodeSeconds:
    """Give the seconds of each node: the mean over the middle half of the rounds by their whole time.

    Medians of the nodes would not add up: on a disturbed machine, their sum was 5 to 11 % below the median of the
    sums, as a round is disturbed in one node and the next in another. These means do add up, and leave hiccups out.
    """
    rounds = np.array(samples)
    wholes = rounds.sum(axis=1)
    # Quartiles that are rounds: between two rounds, the interpolated ones would hold none.
    low, high = np.percentile(wholes, 25, method="lower"), np.percentile(wholes, 75, method="higher")
    means: NodeSeconds = rounds[(low <= wholes) & (wholes <= high)].mean(axis=0)
    return means


def _node_times(graph: Graph, samples: Sequence[NodeSeconds]) -> tuple[NodeTime, ...]:
    values = 1e3 * typical(samples)
    return tuple([NodeTime(node.name, float(value)) for node, value in zip(graph.nodes, values, strict=True)])

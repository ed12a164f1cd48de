"""The time of every node of a module: a forward with a clock read after each node.

On CPU the clock is the processor's; on CUDA it is an event. The forward with clocks and the plain one are timed in
the same rounds, so that the sum of the nodes can be held against the whole round by round.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cnnx.analysis.records import NodeTime, TimeByNode
from cnnx.pytorch.cuda_clock import EventPool
from cnnx.pytorch.protocol import Call, Clock
from cnnx.pytorch.settings import Settings
from cnnx.pytorch.statistics import compare

NodeSeconds = NDArray[np.float64]  # one for each node
Readings = Sequence[Any]  # nanoseconds on CPU, events on CUDA
_LEAST = 1e-12  # seconds: events tell in steps of half a microsecond, so that views may take none


# A forward that calls a clock at the start and after each node: its outputs, and what was read.
Forward = Callable[[Callable[[], Any]], tuple[Any, Readings]]
Ready = Callable[[], AbstractContextManager[None]]  # what the forward needs around its calls, which is not timed


class ClockedCall:
    """A call of the forward with clocks in it, which keeps what they read; `ready` is entered around a sample of it."""

    def __init__(
        self, run: Callable[[], tuple[object, Readings]], ready: Ready = nullcontext, events: EventPool | None = None
    ) -> None:
        self._run = run
        self._events = events
        self.ready = ready
        self.readings: list[Readings] = []

    def __call__(self) -> None:
        """Run the forward, and let its outputs go."""
        self.readings.append(self._run()[1])

    def forget(self) -> None:
        """Forget what was read so far; events go back to where they came from."""
        if self._events is not None:
            self._events.give_back(event for readings in self.readings for event in readings)
        self.readings.clear()


class NodeClock:
    """A clock that also notes, for every sample of one call with clocks in it, the mean seconds of each node."""

    def __init__(self, clock: Clock, clocked: ClockedCall) -> None:
        self._clock = clock
        self._clocked = clocked
        self.by_node: list[NodeSeconds] = []

    def sample(self, call: Call, times: int) -> float:
        """Give the seconds that `times` calls take."""
        if call is not self._clocked:
            return self._clock.sample(call, times)
        self._clocked.forget()  # what the untimed call before has read
        with self._clocked.ready():
            seconds = self._clock.sample(call, times)
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


def node_reader(settings: Settings) -> Callable[[], object]:
    """Give what a forward reads after each node: the processor's clock, or an event put on the device's stream."""
    return EventPool() if settings.on_cuda else time.perf_counter_ns


def clocked_call(forward: Forward, settings: Settings, ready: Ready = nullcontext) -> ClockedCall:
    """Give the call of a forward with the clock that fits the settings' device."""
    reader = node_reader(settings)
    return ClockedCall(partial(forward, reader), ready, reader if isinstance(reader, EventPool) else None)


def time_by_node(
    names: Sequence[str],
    plain: Sequence[float],
    clocked: Sequence[float],
    by_node: Sequence[NodeSeconds],
    seed: int = 0,
) -> TimeByNode:
    """Give the time of every node from the seconds of each round: of the plain call, of the clocked one, of its nodes.

    The sum is the plain call's median times the median, over the rounds, of the nodes' sum over the plain call in the
    same round: what slows a round down slows both. It is shared out as the nodes typically share their sum.
    """
    rounds = np.maximum(by_node, _LEAST)
    whole_ms = 1e3 * float(np.median(plain))
    sum_to_whole = compare(plain, rounds.sum(axis=1), seed)
    sum_ms = whole_ms * sum_to_whole.ratio
    shares = typical(rounds)
    return TimeByNode(
        nodes=tuple([
            NodeTime(name, float(sum_ms * share))
            for name, share in zip(names, shares / shares.sum(), strict=True)
        ]),
        sum_ms=sum_ms,
        whole_ms=whole_ms,
        rounds=len(rounds),
        sum_to_whole=sum_to_whole,
        clocked_to_whole=compare(plain, clocked, seed),
    )  # fmt: skip


def typical(samples: Sequence[NodeSeconds] | NDArray[np.float64]) -> NodeSeconds:
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

"""How calls are timed against each other: warm-up, calibration, rounds in random order. Needs no torch.

Medians that are taken one after the other differ on a real machine, whatever is measured: clocks, caches and
neighbours drift meanwhile. So every round times every call once, in an order drawn anew, and two calls are
compared round by round.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Protocol

from cnnx.pytorch.settings import Progress, Settings

WARMUP_CALLS = 3
WARMUP_SECONDS = 0.1
MIN_SAMPLE_SECONDS = 0.002  # a timer's and a scheduler's grain are small beside it
CALIBRATION_SAMPLES = 3  # the shortest counts: a hiccup must not pass for a slow call
MAX_CALLS_PER_SAMPLE = 1_000_000
MAX_SHARED_SAMPLE_SECONDS = 0.05  # a sample may be made so long for the sake of an equal number of calls

WARMUP = f"at least {WARMUP_CALLS} calls and {WARMUP_SECONDS:g} s each"

Call = Callable[[], object]


class Clock(Protocol):
    """What times calls."""

    def sample(self, call: Call, times: int) -> float:
        """Give the seconds that `times` calls take, one after the other."""
        ...

    def now(self) -> float:
        """Give the wall clock, in seconds from any start."""
        ...


class CpuClock:
    """Times calls that are done when they return."""

    def sample(self, call: Call, times: int) -> float:
        """Give the seconds that `times` calls take, the release of their results included."""
        start = time.perf_counter_ns()
        for _ in repeat(None, times):
            call()
        return (time.perf_counter_ns() - start) / 1e9

    def now(self) -> float:
        """Give the wall clock, in seconds."""
        return time.perf_counter()


@dataclass(frozen=True, slots=True)
class Samples:
    """Seconds of one call: for each call, one sample a round; every sample is the mean of `calls_per_sample`."""

    seconds: tuple[tuple[float, ...], ...]
    calls_per_sample: tuple[int, ...]

    @property
    def rounds(self) -> int:
        """The number of rounds that were run."""
        return len(self.seconds[0])


def time_calls(calls: Sequence[Call], clock: Clock, settings: Settings, progress: Progress | None = None) -> Samples:
    """Warm up, calibrate and time calls against each other.

    With `settings.max_time`, rounds that no longer fit are left out, but for the first. Raises what a call raises.
    """
    deadline = clock.now() + (math.inf if settings.max_time is None else settings.max_time)
    warm = [_warm_up(call, clock, deadline) for call in calls]
    times = _alike([_calibrate(call, clock, seconds) for call, seconds in zip(calls, warm, strict=True)], max(warm))
    seconds = _run_rounds(calls, times, clock, settings, deadline, progress or _ignore)
    return Samples(tuple(map(tuple, seconds)), times)


def _warm_up(call: Call, clock: Clock, deadline: float) -> float:
    """Call until both the count and the time are reached; give the seconds of the shortest call."""
    start, done, shortest = clock.now(), 0, math.inf
    while done < WARMUP_CALLS or clock.now() - start < WARMUP_SECONDS:
        shortest = min(shortest, clock.sample(call, 1))
        done += 1
        if clock.now() > deadline:
            break
    return shortest


def _calibrate(call: Call, clock: Clock, shortest: float) -> int:
    """Find how many calls fill a sample, given the seconds of the shortest single call so far."""
    times, seconds = 1, shortest
    while seconds < MIN_SAMPLE_SECONDS and times < MAX_CALLS_PER_SAMPLE:
        # A tenth more than needed, so that the next try is the last; ten times at most, as short samples deceive.
        needed = math.ceil(1.1 * times * MIN_SAMPLE_SECONDS / max(seconds, 1e-9))
        times = min(max(times + 1, min(needed, 10 * times)), MAX_CALLS_PER_SAMPLE)
        seconds = min(clock.sample(call, times) for _ in range(CALIBRATION_SAMPLES))
    return times


def _alike(times: Sequence[int], slowest: float) -> tuple[int, ...]:
    """Give all samples the number of calls of the largest, or as many as the slowest call (in seconds) allows.

    Where other work interrupts now and then, the mean of one call is distributed otherwise than that of five: with
    unequal numbers, a made-up block interrupted so differs from itself in 60 runs of 100, with equal ones in 0 to 3.
    """
    shared = min(max(times), int(MAX_SHARED_SAMPLE_SECONDS / max(slowest, 1e-9)))
    return tuple([max(each, shared) for each in times])


def _run_rounds(
    calls: Sequence[Call],
    times: Sequence[int],
    clock: Clock,
    settings: Settings,
    deadline: float,
    progress: Progress,
) -> list[list[float]]:
    shuffle = random.Random(settings.seed).shuffle
    order = list(range(len(calls)))
    seconds: list[list[float]] = [[] for _ in calls]
    for done in range(1, settings.rounds + 1):
        start = clock.now()
        shuffle(order)
        for index in order:
            calls[index]()  # untimed: it brings back what the call before drove out of the caches
            seconds[index].append(clock.sample(calls[index], times[index]) / times[index])
        progress(done, settings.rounds, [each[-1] for each in seconds])
        now = clock.now()
        if now + (now - start) > deadline:
            break
    return seconds


def _ignore(_done: int, _planned: int, _seconds: Sequence[float] = ()) -> None:
    """Report progress to nobody."""

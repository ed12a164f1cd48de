"""A clock for CUDA devices, made of events."""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import repeat

import torch

from cnnx.pytorch.protocol import Call


def timing_event() -> torch.cuda.Event:
    """Make an event of the current CUDA device that notes the time when the device reaches it."""
    return torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]  # torch declares no types here


class CudaClock:
    """Times calls on the current stream of the current CUDA device by events; it waits for the device at the ends only.

    The first call starts on an idle device, so that the time of launching it is seen; what can hide behind the
    work of the calls before it is hidden, as it is in use.
    """

    def sample(self, call: Call, times: int) -> float:
        """Give the seconds on the device from before the first of `times` calls to after the last."""
        start, end = timing_event(), timing_event()
        torch.cuda.synchronize()
        start.record()
        for _ in repeat(None, times):
            call()
        end.record()
        end.synchronize()
        return float(start.elapsed_time(end)) / 1e3

    def now(self) -> float:
        """Give the wall clock, in seconds."""
        return time.perf_counter()


class EventPool:
    """Puts an event on the current stream whenever it is called; to make one takes as long as a small kernel.

    What was given back is recorded anew: its reading must have been taken by then.
    """

    def __init__(self) -> None:
        self._free: list[torch.cuda.Event] = []

    def __call__(self) -> torch.cuda.Event:
        """Give an event that was just recorded."""
        event = self._free.pop() if self._free else timing_event()
        event.record()
        return event

    def give_back(self, events: Iterable[torch.cuda.Event]) -> None:
        """Take events that nobody will read any more."""
        self._free.extend(events)

"""A clock for CUDA devices, made of events."""

from __future__ import annotations

import time
from itertools import repeat

import torch

from cnnx.pytorch.protocol import Call


def timing_event() -> torch.cuda.Event:
    """Make an event of the current CUDA device that notes the time when the device reaches it."""
    return torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]  # torch declares no types here


class CudaClock:
    """Times calls on the current stream of one CUDA device by events; it waits for the device at the ends only."""

    def __init__(self, device: str) -> None:
        self._device = torch.device(device)
        with torch.cuda.device(self._device):
            self._start, self._end = timing_event(), timing_event()

    def sample(self, call: Call, times: int) -> float:
        """Give the seconds on the device from before the first of `times` calls to after the last."""
        with torch.cuda.device(self._device):
            torch.cuda.synchronize()
            self._start.record()
            for _ in repeat(None, times):
                call()
            self._end.record()
            self._end.synchronize()
        return float(self._start.elapsed_time(self._end)) / 1e3

    def now(self) -> float:
        """Give the wall clock, in seconds."""
        return time.perf_counter()

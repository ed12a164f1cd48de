"""How a measurement is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cnnx.analysis.figures import ELEMENT_BYTES
from cnnx.errors import UsageError, nearest
from cnnx.pytorch.devices import parse_devices


class Progress(Protocol):
    """What follows a measurement."""

    def __call__(self, done: int, planned: int, seconds: Sequence[float] = (), /) -> None:
        """Be told, after every round and outside of everything that is timed, how many are done and planned.

        `seconds` has what each call took in that round; where no rounds are run, it is empty. What this starts must
        not work on: a progress bar that redraws itself from a thread would be measured along.
        """
        ...


@dataclass(frozen=True, slots=True)
class Settings:
    """How to measure: where, on what, for how long.

    `threads` None leaves torch's own number; `max_time` bounds the whole measurement in seconds (fewer rounds are
    run, and reported), None does not; `tf32` lets CUDA round float32 factors to 19 bits. `channels_last` keeps the
    channels of a pixel side by side, `compile` runs torch's compiler first, and `cuda_graph` replays a recorded call.
    Raises `UsageError` for a value that cannot be.
    """

    device: str = "cpu"
    dtype: str = "float32"
    batch: int = 1
    threads: int | None = None
    rounds: int = 60
    max_time: float | None = None
    seed: int = 0
    tf32: bool = False
    channels_last: bool = False
    compile: bool = False
    cuda_graph: bool = False

    def __post_init__(self) -> None:
        if len(parse_devices(self.device)) != 1:
            raise UsageError(f"`{self.device}` names several devices; one measurement runs on one")
        if self.dtype not in ELEMENT_BYTES:
            hint = nearest(self.dtype, ELEMENT_BYTES) or f"there are {', '.join(ELEMENT_BYTES)}"
            raise UsageError(f"unknown dtype `{self.dtype}`", hint=hint)
        for name, value in (("batch", self.batch), ("rounds", self.rounds), ("threads", self.threads)):
            if value is not None and value < 1:
                raise UsageError(f"{name} is {value}; at least 1 is needed")
        if self.max_time is not None and not self.max_time > 0:
            raise UsageError(f"max_time is {self.max_time:g} seconds; more than 0 are needed")
        if self.cuda_graph and not self.on_cuda:
            raise UsageError(f"a CUDA graph runs on a CUDA device, not on `{self.device}`")

    @property
    def on_cuda(self) -> bool:
        """Whether the device is a CUDA device."""
        return self.device.startswith("cuda")

    @property
    def layout(self) -> str:
        """How maps lie in memory."""
        return "channels last" if self.channels_last else "contiguous"

    @property
    def mode(self) -> str:
        """How the module is called: `eager`, `compiled`, `CUDA graph` or `compiled, CUDA graph`."""
        named = {"compiled": self.compile, "CUDA graph": self.cuda_graph}
        return ", ".join(name for name, holds in named.items() if holds) or "eager"

"""How a measurement is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cnnx.analysis.figures import ELEMENT_BYTES
from cnnx.errors import UsageError, nearest
from cnnx.pytorch.devices import parse_devices

# Called after every round with the rounds done and the rounds planned, outside of everything that is timed.
# What it starts must not work on: a progress bar that redraws itself from a thread would be measured along.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Settings:
    """How to measure: where, on what, for how long.

    `threads` None leaves torch's own number; `max_time` bounds the whole measurement in seconds (fewer rounds are
    run, and reported), None does not; `tf32` lets CUDA round float32 factors to 19 bits.
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

    @property
    def on_cuda(self) -> bool:
        """Whether the device is a CUDA device."""
        return self.device.startswith("cuda")

"""What the measured commands share: settings, checks before any work, progress on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnnx.cli.invocation import command_line
from cnnx.errors import UsageError

if TYPE_CHECKING:
    from cnnx.analysis.comparison import Measured
    from cnnx.analysis.figures import Figures
    from cnnx.analysis.records import CrossCheck
    from cnnx.graph.graph import Graph
    from cnnx.pytorch.settings import Progress, Settings


# Gives, for what is being done, a context in which progress is told.
Watch = Callable[[str], AbstractContextManager["Progress"]]


@dataclass(frozen=True, slots=True)
class Asked:
    """How to measure, as the options say it."""

    device: str
    dtype: str
    batch: int
    threads: int | None
    rounds: int
    max_time: float

    def settings(self) -> list[Settings]:
        """Give the settings for each device. Raises `UsageError` for a value that cannot be."""
        from cnnx.pytorch.devices import parse_devices
        from cnnx.pytorch.settings import Settings

        return [
            Settings(
                device=device,
                dtype=self.dtype,
                batch=self.batch,
                threads=self.threads,
                rounds=self.rounds,
                max_time=self.max_time,
            )
            for device in parse_devices(self.device)
        ]

    def only(self) -> Settings:
        """Give the settings for the one device. Raises `UsageError` where several are named."""
        settings, *others = self.settings()
        if others:
            raise UsageError(f"--device {self.device:.80}: one device is measured at a time here")
        return settings


def check_possible(figures: Sequence[Figures], settings: Sequence[Settings]) -> None:
    """Check every device, then whether what will be built fits into its memory."""
    from cnnx.pytorch.devices import check_device
    from cnnx.pytorch.memory_budget import check_memory

    for each in settings:
        check_device(each.device)
    for each in settings:
        check_memory(figures, each)


def crosscheck_all(graphs: Sequence[Graph], figures: Sequence[Figures], watch: Watch) -> list[CrossCheck]:
    """Hold the figures of each graph against the counters on its built module."""
    found: list[CrossCheck] = []
    with watch("cross-checking") as tell:
        tell(0, len(graphs))
        from cnnx.pytorch.counters import crosscheck

        for graph, counted in zip(graphs, figures, strict=True):
            found.append(crosscheck(graph, counted))
            tell(len(found), len(graphs))
    return found


def measure_all(graphs: Sequence[Graph], settings: Sequence[Settings], watch: Watch) -> Iterator[dict[str, Measured]]:
    """Measure the graphs against each other, on one device after the other; give all that is known after each."""
    from cnnx.pytorch.latency import measure_graphs

    measured: dict[str, Measured] = {}
    for each in settings:
        with watch(f"measuring on {each.device}") as tell:
            measured = {**measured, each.device: measure_graphs(graphs, each, tell, command_line())}
        yield measured


@contextmanager
def progress_of(what: str) -> Iterator[Progress]:
    """Tell progress in one line of standard error, where that is a terminal; the line is gone afterwards.

    Nothing works beside the caller: what draws itself from a thread would be measured along.
    """
    terminal = sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", None)

    def tell(done: int, planned: int) -> None:
        if terminal:
            sys.stderr.write(f"\r\x1b[2K{what}: {done} of {planned}")
            sys.stderr.flush()

    try:
        yield tell
    finally:
        if terminal:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()

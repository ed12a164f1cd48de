"""What the measured commands share: settings, checks before any work, progress on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from cnnx.cli.invocation import command_line
from cnnx.errors import UsageError, brief

if TYPE_CHECKING:
    from cnnx.analysis.comparison import Measured
    from cnnx.analysis.figures import Figures
    from cnnx.analysis.records import CrossCheck
    from cnnx.pytorch.latency import Measurable
    from cnnx.pytorch.settings import Progress, Settings


# Gives, for what is being done, a context in which progress is told.
Watch = Callable[[str], AbstractContextManager["Progress"]]


def on_devices(settings: Settings, devices: str) -> list[Settings]:
    """Give the settings for each of the devices that are named. Raises `UsageError` for a name that is none."""
    from cnnx.pytorch.devices import resolve_devices

    return [replace(settings, device=device) for device in resolve_devices(devices)]


def read_batches(text: str) -> tuple[int, ...]:
    """Read `8` or `1,8,32`; each number is given once, in the order written. Raises `UsageError`."""
    parts = [part.strip() for part in text.split(",")]
    for part in parts:
        if not (part.isascii() and part.isdigit() and len(part) <= 9 and int(part) > 0):
            raise UsageError(f"--batch {brief(text, 60)}: integers of at least 1 are needed, such as 8 or 1,8,32")
    return tuple(dict.fromkeys(map(int, parts)))


def check_devices(settings: Sequence[Settings]) -> None:
    """Check every device once, and a compiler where one is needed. Raises `DeviceError`, `UsageError`."""
    from cnnx.pytorch.devices import check_device

    for device in dict.fromkeys(each.device for each in settings):
        check_device(device)
    if any(each.compile for each in settings):
        from cnnx.pytorch.calling import check_calling

        for each in settings:
            check_calling(each)


def check_possible(figures: Sequence[Figures], settings: Sequence[Settings]) -> None:
    """Check every device, then whether what will be built fits into its memory."""
    from cnnx.pytorch.memory_budget import check_memory

    check_devices(settings)
    for each in settings:
        check_memory(figures, each)


def crosscheck_all(subjects: Sequence[Measurable], figures: Sequence[Figures], watch: Watch) -> list[CrossCheck | None]:
    """Hold the figures of each graph against the counters on its built module; those of models came from counters."""
    found: list[CrossCheck | None] = []
    with watch("cross-checking") as tell:
        tell(0, len(subjects))
        from cnnx.graph.graph import Graph
        from cnnx.pytorch.counters.crosscheck import crosscheck

        for subject, counted in zip(subjects, figures, strict=True):
            found.append(crosscheck(subject, counted) if isinstance(subject, Graph) else None)
            tell(len(found), len(subjects))
    return found


def measure_all(
    subjects: Sequence[Measurable], labels: Sequence[str], settings: Sequence[Settings], watch: Watch
) -> Iterator[dict[str, Measured]]:
    """Measure graphs and models against each other, on one device after the other; give what is known after each."""
    from cnnx.pytorch.latency import measure_graphs

    measured: dict[str, Measured] = {}
    for each in settings:
        with watch(f"measuring on {each.device}") as tell:
            measured = {**measured, each.device: measure_graphs(subjects, each, tell, command_line(), labels)}
        yield measured


@contextmanager
def progress_of(what: str) -> Iterator[Progress]:
    """Tell progress in one line of standard error, where that is a terminal; the line is gone afterwards.

    Nothing works beside the caller: what draws itself from a thread would be measured along.
    """
    from cnnx.report.console import is_terminal, width_of
    from cnnx.report.text import shorten

    terminal = is_terminal(sys.stderr) and os.environ.get("TERM") not in ("dumb", None)
    width = width_of(sys.stderr)

    def write(text: str, count: str) -> None:
        if terminal:
            # A line that is wrapped would not go away.
            shown = text if width is None else shorten(text, max(1, width - 1 - len(count)))
            sys.stderr.write(f"\r\x1b[2K{shown}{count}")
            sys.stderr.flush()

    def tell(done: int, planned: int, _seconds: Sequence[float] = ()) -> None:
        write(what, f": {done} of {planned}")

    write(what, " …")
    try:
        yield tell
    finally:
        write("", "")

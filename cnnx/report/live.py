"""The table of `compare` while it is being measured: static cells stand at once, those of latency fill in."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median

from rich.live import Live
from rich.text import Text

from cnnx.analysis.comparison import Comparison
from cnnx.report.columns import LATENCY
from cnnx.report.comparison import column_groups
from cnnx.report.console import Pipe, is_terminal, wants_colour, width_of
from cnnx.report.numbers import aligned, significant
from cnnx.report.table import Column, draw_folded
from cnnx.report.text import line

PENDING = "…"
_SECONDS_BETWEEN = 0.2


def can_be_live() -> bool:
    """Say whether standard output is a terminal on which something can be drawn over."""
    return is_terminal(sys.stdout) and os.environ.get("TERM", "") not in ("dumb", "unknown", "")


def draw_so_far(
    comparison: Comparison,
    columns: Sequence[str],
    devices: Sequence[str],
    medians: Sequence[float],
    status: str,
    width: int | None,
) -> list[Text]:
    """Draw what is known and what is being done.

    Of the device that is being measured, the latency cells have the `medians` so far, in milliseconds, or `…` where
    there are none yet; of those that come after it, `…`.
    """
    lead = Column("", tuple(row.label for row in comparison.rows), left=True, style="bold")
    waiting = [device for device in devices if device not in comparison.devices]
    groups: list[list[Column]] = []
    for name in columns:
        groups += column_groups(name, comparison)
        if name == LATENCY:
            groups += [[_waiting(device, comparison, medians if not n else ())] for n, device in enumerate(waiting)]
    return [*draw_folded(lead, groups, width), Text(), line((status, "dim"))]


def _waiting(device: str, comparison: Comparison, medians: Sequence[float]) -> Column:
    cells = aligned([significant(each) for each in medians]) if medians else [PENDING] * len(comparison.rows)
    return Column(f"{device}\nmedian ms", tuple(cells), style="dim")


@dataclass(slots=True)
class LiveTable:
    """A table that is drawn over itself, between the rounds of a measurement and never beside them.

    Nothing works in the background: `comparison` is set to what is known, and `tell` draws. `rounds` has the seconds of
    each row, round by round, on the device that is being measured.
    """

    comparison: Comparison
    columns: Sequence[str]
    devices: Sequence[str]
    live: Live
    rounds: list[Sequence[float]] = field(default_factory=list)
    drawn_at: float = 0.0

    @contextmanager
    def progress_of(self, what: str) -> Iterator[Tell]:
        """Tell progress in a line beneath the table."""
        self.rounds.clear()
        self.draw(what)
        yield Tell(self, what)

    def draw(self, status: str) -> None:
        """Draw what is known now."""
        medians = [1e3 * median(seconds) for seconds in zip(*self.rounds, strict=True)]
        lines = draw_so_far(self.comparison, self.columns, self.devices, medians, status, width_of(sys.stdout))
        self.live.update(Text("\n").join(lines), refresh=True)
        self.drawn_at = time.monotonic()


@dataclass(frozen=True, slots=True)
class Tell:
    """Called before the first round and after every one; draws a few times a second at the most."""

    table: LiveTable
    what: str

    def __call__(self, done: int, planned: int, seconds: Sequence[float] = ()) -> None:
        """Tell that `done` of `planned` are done, the last of them in so many seconds for each row."""
        if seconds:
            self.table.rounds.append(seconds)
        if not done or time.monotonic() - self.table.drawn_at >= _SECONDS_BETWEEN:
            self.table.draw(f"{self.what}: {done} of {planned}")


@contextmanager
def live_table(comparison: Comparison, columns: Sequence[str], devices: Sequence[str]) -> Iterator[LiveTable]:
    """Draw a table on standard output that is gone afterwards, so that the finished one takes its place."""
    colour = wants_colour(True, os.environ)
    console = Pipe(
        file=sys.stdout, force_terminal=True, color_system="auto" if colour else None, no_color=not colour,
        markup=False, emoji=False, highlight=False, legacy_windows=False,
    )  # fmt: skip
    live = Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False)
    with live:
        yield LiveTable(comparison, columns, devices, live)

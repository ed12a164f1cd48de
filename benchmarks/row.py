"""One measured promise, and how it is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from timeit import repeat


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured, what was found, what is promised, and whether that was kept."""

    what: str
    found: str
    promise: str
    kept: bool
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Write the row, its notes beneath it."""
        line = f"{self.what:50}  {self.found:58}  {self.promise:16}  {'kept' if self.kept else 'NOT KEPT'}"
        return "\n".join([line, *[f"    {note}" for note in self.notes]])


def at_most(what: str, seconds: float, against: str, reference: float, most: float) -> Row:
    """Promise that something takes at most so many times the seconds of its reference."""
    ratio = seconds / reference
    return Row(f"{what} / {against}", f"{_times(seconds, reference)} = {ratio:.3f}", f"≤ {most:g}", ratio <= most)


def at_least(
    what: str, seconds: float, against: str, reference: float, least: float, notes: tuple[str, ...] = ()
) -> Row:
    """Promise that something takes at most one part in so many of the seconds of its reference."""
    ratio = reference / seconds
    found = f"{_times(reference, seconds)} = {ratio:.1f}"
    return Row(f"{against} / {what}", found, f"≥ {least:g}", ratio >= least, notes)


def _times(one: float, other: float) -> str:
    return f"{one * 1e3:.2f} ms / {other * 1e3:.2f} ms"


def best(run: Callable[[], object], times: int, clock: Callable[[], float] = perf_counter) -> float:
    """The shortest of several runs, in seconds, without the garbage collector, as `timeit` has it."""
    return min(repeat(run, timer=clock, number=1, repeat=times))


def best_in_turn(runs: Sequence[Callable[[], object]], turns: int, in_a_turn: int) -> list[float]:
    """The shortest of several runs of each, in seconds; they take turns, so that what slows the machine slows all.

    Of the runs `in_a_turn`, the first alone finds the processor's caches as another has left them.
    """
    rounds = [[best(run, in_a_turn) for run in runs] for _ in range(turns)]
    return [min(seconds) for seconds in zip(*rounds, strict=True)]

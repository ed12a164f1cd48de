"""One measured promise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter


@dataclass(frozen=True, slots=True)
class Row:
    """A measured value beside what it is held against; `at_most` or `at_least` is the promise about their ratio."""

    what: str
    seconds: float
    against: str
    reference_seconds: float
    at_most: float | None = None
    at_least: float | None = None

    @property
    def ratio(self) -> float:
        """Seconds over reference seconds; the other way round where a speed-up is promised."""
        if self.at_least is not None:
            return self.reference_seconds / self.seconds
        return self.seconds / self.reference_seconds

    @property
    def kept(self) -> bool:
        """Whether the promise holds."""
        if self.at_least is not None:
            return self.ratio >= self.at_least
        return self.at_most is None or self.ratio <= self.at_most


def show(rows: Sequence[Row]) -> str:
    """Write a table, one line a row."""
    lines = []
    for row in rows:
        promise = f"≥ {row.at_least:g}" if row.at_least is not None else f"≤ {row.at_most:g}"
        verdict = "kept" if row.kept else "NOT KEPT"
        times = f"{row.seconds * 1e3:10.2f} ms / {row.reference_seconds * 1e3:10.2f} ms"
        lines.append(f"{row.what:52} {times}  ratio {row.ratio:8.3f}  {promise:8} {verdict}  (against {row.against})")
    return "\n".join(lines)


def best(run: Callable[[], object], times: int) -> float:
    """The shortest of several runs, in seconds."""
    shortest = float("inf")
    for _ in range(times):
        start = perf_counter()
        run()
        shortest = min(shortest, perf_counter() - start)
    return shortest

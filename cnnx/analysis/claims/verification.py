"""A graph's figures held against everything that can be held against them.

Against three counters on the built module, node by node; the totals that fvcore and torch themselves report against
the conventions of their names; and the figures that the spec states, of papers, implementations and texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cnnx.analysis.claims.worked import FigureCheck
from cnnx.analysis.conventions.bridge import Bridge
from cnnx.analysis.conventions.presets import find_convention
from cnnx.analysis.figures import Figures
from cnnx.analysis.records import CounterResult, CrossCheck, Disagreement
from cnnx.spec.library import Target
from cnnx.spec.model import Published, Worked


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of verifying one spec; figures are for one image."""

    label: str  # as it was named
    figures: Figures
    crosscheck: CrossCheck
    checks: tuple[FigureCheck, ...]  # of the figures that the spec states
    disagreements: tuple[Disagreement, ...]  # of the counters, in figures and in totals
    bridges: tuple[Bridge, ...] = ()  # to every convention, where they were asked for
    remarks: tuple[str, ...] = ()  # what the rows of stated figures say beside them

    @property
    def wrong(self) -> tuple[FigureCheck, ...]:
        """The stated figures that do not come out."""
        return tuple([check for check in self.checks if not check.holds])

    @property
    def agrees(self) -> bool:
        """Whether nothing speaks against the figures."""
        return not self.disagreements and not self.wrong


def verify(
    label: str,
    figures: Figures,
    crosscheck: CrossCheck,
    checks: Iterable[FigureCheck],
    bridges: tuple[Bridge, ...] = (),
    remarks: tuple[str, ...] = (),
) -> Verification:
    """Put together what was found; `figures` are by cnnx's own convention."""
    totals = [found for counter in crosscheck.counters for found in _total_disagreement(counter, figures)]
    disagreements = (*crosscheck.disagreements, *totals)
    return Verification(label, figures, crosscheck, tuple(checks), disagreements, bridges, remarks)


def _total_disagreement(counter: CounterResult, figures: Figures) -> Iterable[Disagreement]:
    """Give the difference, if there is one, between a tool's own total and that of the convention of its name."""
    if counter.reported is not None:
        static = find_convention(counter.counter).apply(figures).flops
        if static != counter.reported:
            yield Disagreement(counter.counter, "total", "flops", str(static), str(counter.reported))


def checks_of(target: Target, checks: Iterable[FigureCheck]) -> tuple[FigureCheck, ...]:
    """Choose, from the checks of a file, those of a target: a row that names no variant is about the default one."""
    return tuple([check for check in checks if _variant(check.spec, target) == _variant(target.name, target)])


def remarks_of(target: Target) -> tuple[str, ...]:
    """Give the notes on a target's stated figures, by row: what is printed otherwise, and what cannot be computed."""
    spec = target.file.spec
    rows = [*_numbered("worked", spec.worked), *_numbered("published", spec.published)]
    return tuple(
        [
            f"{target.name}, {label}: {row.note}"
            for label, row in rows
            if row.note and _variant(row.of or target.file.name, target) == _variant(target.name, target)
        ]
    )


def _numbered(kind: str, rows: Sequence[Worked | Published]) -> list[tuple[str, Worked | Published]]:
    return [(f"{kind} {number}", row) for number, row in enumerate(rows, 1)]


def _variant(name: str, target: Target) -> str:
    return name if name in target.file.spec.variants else target.file.spec.default or target.file.name

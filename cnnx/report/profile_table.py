"""The table of a profile by part: time, operations, bytes and the side of the roofline, a group of columns a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rich.text import Text

from cnnx.analysis.profiling.parts import ORDERED
from cnnx.analysis.profiling.profile import Profile, ProfiledRun, Row
from cnnx.graph.operation import show_shape
from cnnx.report.numbers import NOTHING, aligned, bar, exact, percent, significant
from cnnx.report.profile_summary import run_label
from cnnx.report.table import Column, draw_folded, width_of_columns

# From the widest to the narrowest: how long the bars can be.
_BARS = (16, 8, 4, 0)
_MEGA = 10**6


def draw_parts(profile: Profile, width: int | None) -> list[Text]:
    """Draw a table for each run that has times, beneath each other; without any, the figures alone."""
    runs = profile.measured or profile.runs[:1]
    lines: list[Text] = []
    for run in runs:
        if lines:
            lines.append(Text())
        if len(profile.runs) > 1 and profile.measured:
            lines.append(Text(f"by {profile.by}, {run_label(run, profile.runs)}", "bold"))
        lines += _draw(profile, run, width, with_figures=run is runs[-1])
    return lines


def _draw(profile: Profile, run: ProfiledRun, width: int | None, *, with_figures: bool) -> list[Text]:
    lead = Column(profile.by, (*[row.name for row in run.rows], "all"), left=True, style="bold")
    fixed = list(_figures(profile, run)) if with_figures else []
    candidates = [[*_measured(run, bars), *fixed] for bars in _BARS]
    fitting = (groups for groups in candidates if width is None or _fits(lead, groups, width))
    return draw_folded(lead, next(fitting, candidates[-2]), width)


def _fits(lead: Column, groups: Sequence[Sequence[Column]], width: int) -> bool:
    return width_of_columns([lead, *[column for group in groups for column in group]]) <= width


def _measured(run: ProfiledRun, bars: int) -> Iterator[list[Column]]:
    rows = run.rows
    if run.run is not None and run.run.times is not None:
        whole = run.run.times.sum_ms
        times = _parts_of([row.milliseconds or 0.0 for row in rows], whole)
        shares = Column("time", (*[percent(row.time_share) for row in rows], ""))
        drawn = Column("", (*[bar(row.time_share, bars) for row in rows], ""), left=True, style="green")
        yield [Column("ms", times), shares, drawn] if bars else [Column("ms", times), shares]
    moved = _parts_of([row.moved_bytes / _MEGA for row in rows], run.whole.moved_bytes / _MEGA)
    yield [Column("FLOPs", (*[percent(row.flops_share) for row in rows], "")), *_backward(rows), Column("MB", moved)]
    yield _roofline(run)


def _backward(rows: Sequence[Row]) -> list[Column]:
    shares = [row.backward_share for row in rows]
    known = any(share is not None for share in shares)
    return [Column("backward", (*map(percent, shares), ""))] if known else []


def _roofline(run: ProfiledRun) -> list[Column]:
    rows = (*run.rows, run.whole)
    intensities = [row.placement.flops_per_byte for row in rows]
    columns = [Column("FLOP/B", aligned([NOTHING if each is None else significant(each) for each in intensities]))]
    if run.limits is not None:
        columns.append(Column("bound by", tuple(row.placement.bound or NOTHING for row in rows), left=True))
        shares = [percent(row.placement.roof_share) for row in run.rows]
        columns.append(Column("of roof", (*shares, "" if run.run is None else percent(_of_roof(run)))))
    return columns


def _of_roof(run: ProfiledRun) -> float | None:
    """Give the share of the roof that the sum of the parts reaches; the whole may have been compiled."""
    whole, times = run.whole, None if run.run is None else run.run.times
    if whole.placement.roof_share is None or not whole.milliseconds or times is None:
        return whole.placement.roof_share
    return whole.placement.roof_share * whole.milliseconds / times.sum_ms


def _parts_of(values: Sequence[float], whole: float) -> tuple[str, ...]:
    """Write parts and their whole with as many digits behind the point as give the whole four in all; nothing as 0."""
    power = int(f"{whole:.3e}".split("e")[1]) if whole else 0
    decimals = max(0, 3 - power)
    return aligned([f"{value:,.{decimals}f}" if value else "0" for value in (*values, whole)])


def _figures(profile: Profile, run: ProfiledRun) -> Iterator[list[Column]]:
    rows, figures = run.rows, profile.figures
    if profile.by == "layer":
        yield [Column("operation", (*[row.operation for row in rows], ""), left=True)]
    if profile.by in ORDERED:
        yield [Column("output", (*[_shape(row) for row in rows], ""))]
    else:
        yield [Column("nodes", (*[exact(row.nodes) for row in rows], exact(run.whole.nodes)))]

    def numbers(header: str, read: Callable[[Row], int], whole: int) -> list[Column]:
        return [Column(header, (*[exact(read(row)) for row in rows], exact(whole)))]

    yield numbers("params", lambda row: row.params, figures.params)
    yield numbers("MACs", lambda row: row.macs, figures.macs)


def _shape(row: Row) -> str:
    return "" if row.output is None else show_shape(row.output)

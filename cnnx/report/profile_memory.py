"""What `profile --by memory` draws: what is alive at the peak, and the nodes at which most bytes live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text

from cnnx.analysis.memory.inference import Alive
from cnnx.analysis.profiling.profile import Profile, ProfiledRun
from cnnx.report.grid import Grid, Series
from cnnx.report.memory import alive_parts, draw_shares
from cnnx.report.numbers import NOTHING, bar, exact
from cnnx.report.profile_summary import run_label
from cnnx.report.profile_training import draw_step_memory
from cnnx.report.table import Column, draw, fit

_BARS = (20, 10, 4)  # from the widest to the narrowest


def draw_memory_parts(profile: Profile, top: int, width: int | None) -> list[Text]:
    """Draw both for each run, beneath each other."""
    lines: list[Text] = []
    for run in profile.runs:
        lines += [Text()] if lines else []
        if len(profile.runs) > 1:
            lines.append(Text(f"by memory, {run_label(run, profile.runs)}", "bold"))
        lines += _draw(run, top, width)
    return lines


def _draw(run: ProfiledRun, top: int, width: int | None) -> list[Text]:
    lines: list[Text] = []
    if run.predicted is not None and run.predicted.peak.alive:  # of a model in Python, they are not known by name
        peak = run.predicted.peak
        lines += draw_shares(f"alive at {peak.node or 'the input'}", alive_parts(run.predicted), peak.bytes, width)
        lines.append(Text())
    largest = largest_nodes(run, top)
    lines += draw(fit([_nodes(run, largest, bars) for bars in _BARS], width))
    step = None if run.training is None else run.training.predicted
    drawn = [] if step is None else draw_step_memory(step, top, width)
    return [*lines, *([Text()] if drawn else []), *drawn]


def largest_nodes(run: ProfiledRun, top: int) -> list[Alive]:
    """Give the nodes at which most bytes live, the most first; of equal ones the earlier first."""
    return sorted(run.live_by_node or _observed(run), key=lambda alive: -alive.bytes)[:top]


def _observed(run: ProfiledRun) -> tuple[Alive, ...]:
    return () if run.run is None or run.run.memory is None else run.run.memory.by_node


def _nodes(run: ProfiledRun, largest: Sequence[Alive], bars: int) -> list[Column]:
    observed = observed_by_node(run)
    seen = [observed.get(alive.name) for alive in largest]
    most = max((alive.bytes for alive in largest), default=0)
    return [
        Column("node", tuple(alive.name for alive in largest), left=True),
        Column("bytes alive", tuple(exact(alive.bytes) for alive in largest)),
        Column("observed", tuple(NOTHING if each is None else exact(each) for each in seen)),
        Column("", tuple(bar(alive.bytes / most, bars) for alive in largest), left=True, style="green"),
    ]


def observed_by_node(run: ProfiledRun) -> Mapping[str, int]:
    """Give the bytes that were seen to live while each node ran; empty where nothing was measured."""
    return {alive.name: alive.bytes for alive in _observed(run)}


def memory_parts_grid(profile: Profile, top: int | None, notes: tuple[str, ...]) -> Grid:
    """Give a row for each run and node, all in execution order or the `top` ones: the bytes that live while it runs."""
    rows = [
        (run, alive, observed_by_node(run).get(alive.name), alive.name in _alive_at_peak(run))
        for run in profile.runs
        for alive in (run.live_by_node or _observed(run) if top is None else largest_nodes(run, top))
    ]
    return Grid(
        (
            Series("device", "device", tuple(run.device for run, *_ in rows)),
            Series("batch", "batch", tuple(run.batch for run, *_ in rows)),
            Series("node", "node", tuple(alive.name for _, alive, *_ in rows)),
            Series("live_bytes", "bytes alive", tuple(alive.bytes for _, alive, *_ in rows)),
            Series("observed_bytes", "observed", tuple(observed for *_, observed, _ in rows)),
            Series("alive_at_peak", "alive at the peak", tuple(at_peak for *_, at_peak in rows)),
        ),
        notes,
    )


def _alive_at_peak(run: ProfiledRun) -> frozenset[str]:
    """Name what made the storages that are alive at the peak."""
    return frozenset() if run.predicted is None else frozenset(alive.name for alive in run.predicted.peak.alive)

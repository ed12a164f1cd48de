"""The table of `compare`: a row each, ratios to the first, and what they rest on beneath."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from cnnx.analysis.comparison import Comparison, ComparisonRow
from cnnx.report.columns import ACCURACY_COLUMNS, COLUMNS, LATENCY, MEMORY_COLUMNS
from cnnx.report.crosscheck import crosscheck_notes, draw_differences
from cnnx.report.model import draw_unknown, labelled_notes
from cnnx.report.notes import convention_note, draw_notes, environment_note, memory_note, warning_notes
from cnnx.report.numbers import aligned, counted, exact, interval, ratio, significant
from cnnx.report.table import Column, draw_folded
from cnnx.report.text import listed, show_shapes

if TYPE_CHECKING:
    from cnnx.analysis.records import LatencyRatio


def draw_comparison(comparison: Comparison, columns: Sequence[str], width: int | None) -> list[Text]:
    """Draw the table, in parts where it is wider than `width`, and the notes beneath it."""
    lead = Column("", tuple(row.label for row in comparison.rows), left=True, style="bold")
    groups = [group for name in columns for group in column_groups(name, comparison)]
    lines = draw_folded(lead, groups, width)
    notes = draw_notes(comparison_notes(comparison, columns), width)
    unknown = [line for row in comparison.rows if row.model for line in draw_unknown(row.model, width, row.label)]
    return [*lines, Text(), *draw_differences(comparison, width), *unknown, *notes]


def column_groups(name: str, comparison: Comparison) -> list[list[Column]]:
    """Give the columns of a name, each with its ratios; those of latency for every device that was measured."""
    if name == LATENCY:
        return [_latency_columns(device, comparison) for device in comparison.devices]
    figure, rows = COLUMNS[name], comparison.rows
    group = [Column(figure.header, figure.cells(rows))]
    to_first = figure.ratio
    if to_first is not None and len(rows) > 1:
        group.append(Column("ratio", tuple(ratio(to_first(row)) for row in rows), style="dim"))
    return [group]


def _latency_columns(device: str, comparison: Comparison) -> list[Column]:
    found = [row.latency[device] for row in comparison.rows]
    group = [
        Column(f"{device}\nmedian ms", aligned([significant(latency.median) for latency in found])),
        Column("quartiles", tuple(interval(latency.p25, latency.p75) for latency in found), style="dim"),
        Column("n", tuple(exact(latency.rounds) for latency in found), style="dim"),
    ]
    if len(found) > 1:
        cells = tuple(_latency_ratio(row.latency_ratio[device]) for row in comparison.rows)
        group.append(Column("ratio (95 %)", cells, left=True, style="dim"))
    return group


def _latency_ratio(found: LatencyRatio | None) -> str:
    """Write a ratio with its interval, only where it is claimed."""
    if found is None:
        return ratio(1.0)
    if not found.shown:
        return "no difference shown"
    return f"{ratio(found.ratio)} ({interval(*found.ci95)})"


def comparison_notes(comparison: Comparison, columns: Sequence[str]) -> list[str]:
    """Say what the figures and measurements rest on."""
    notes = []
    if comparison.inputs_differ:
        told = "; ".join(f"{row.label} {show_shapes(row.figures.input.values())}" for row in comparison.rows)
        notes.append(f"The inputs differ: {told}.")
    if len(comparison.rows) > 1:
        notes.append(f"Ratios are to {comparison.first}.")
    notes.append(convention_note([row.figures for row in comparison.rows]) + f" Weight bytes: {comparison.dtype}.")
    if MEMORY_COLUMNS.intersection(columns):
        notes.append(memory_note(comparison.dtype, comparison.batch))
    if ACCURACY_COLUMNS.intersection(columns):
        notes.append(_accuracy_note(comparison.rows))
    if comparison.devices and LATENCY in columns:
        notes.append(_latency_note(comparison))
    notes += crosscheck_notes(comparison)
    notes += labelled_notes({row.label: row.model for row in comparison.rows if row.model is not None})
    measured = list(comparison.environments.values())
    notes += [f"Environment: {environment_note(each)}." for each in measured or [comparison.environment]]
    return notes + warning_notes(comparison.warnings)


def _accuracy_note(rows: Sequence[ComparisonRow]) -> str:
    """Say who publishes each accuracy, and by which rule it is chosen among several."""
    by_source: dict[str, dict[str, None]] = {}
    for row in rows:
        if row.accuracy is not None:
            settings = f" ({row.accuracy.settings})" if row.accuracy.settings else ""
            by_source.setdefault(row.accuracy.source, {})[f"{row.label}{settings}"] = None
    if not by_source:
        return "No accuracy is published of these."
    sources = "; ".join(f"{listed(list(labels))}: {source}" for source, labels in by_source.items())
    return (
        "Accuracies are as published, of trained weights, on ImageNet unless told otherwise. Of several, that at the "
        "same input size comes first, then torchvision's first weights (V1), then what the spec states first. "
        f"{sources}."
    )


def _latency_note(comparison: Comparison) -> str:
    told = (
        f"Latency: milliseconds a call, for the whole batch ({counted(comparison.batch, 'image')}); median and "
        "quartiles of n rounds"
    )
    if len(comparison.rows) == 1:
        return f"{told}."
    return (
        f"{told}, in each of which every row ran once, in random order. A ratio is claimed only where its 95 % "
        "interval lies wholly outside 1 ± 1 %."
    )

"""A comparison for other programs: JSON, and the rows of CSV, Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from cnnx.analysis.comparison import SORT_KEYS, Comparison, ComparisonRow
from cnnx.report.columns import COLUMNS, LATENCY
from cnnx.report.comparison import comparison_notes
from cnnx.report.crosscheck import crosscheck_object
from cnnx.report.document import Object, document, latency_object, result
from cnnx.report.grid import Cell, Grid, Series
from cnnx.report.model import counters_object, model_object
from cnnx.report.numbers import ratio
from cnnx.report.text import show_shapes

if TYPE_CHECKING:
    from cnnx.analysis.records import LatencyRatio

# Columns of `compare` that are shapes and not numbers.
_SHAPES: Mapping[str, Callable[[ComparisonRow], str]] = {
    "input": lambda row: show_shapes(row.figures.input.values()),
    "output": lambda row: show_shapes(row.figures.output.values()),
    "receptive_field": COLUMNS["receptive_field"].write,
}
_UNITS = {"intensity": "flops_per_byte"}  # the names of JSON, where those of columns are shorter


def comparison_document(comparison: Comparison) -> Object:
    """Give one result for each row, in their order, and an environment for each device."""
    found = document(comparison.environment, [_row(row) for row in comparison.rows], comparison.convention)
    by_device = {device: asdict(environment) for device, environment in comparison.environments.items()}
    return {
        **found,
        "first": comparison.first,
        "dtype": comparison.dtype,
        "batch": comparison.batch,
        "environment_by_device": by_device or None,
        "warnings": list(comparison.warnings),
    }


def _row(row: ComparisonRow) -> Object:
    latencies = {device: latency_object(latency) for device, latency in row.latency.items()}
    ratios = {device: _latency_ratio_object(found) for device, found in row.latency_ratio.items()}
    ratio = next(iter(ratios.values()), _latency_ratio_object(None))
    return {
        **result(row.figures, row.memory),
        "label": row.label,
        "title": row.title,
        **_accuracy(row),
        **_checks(row),
        "latency_ms": next(iter(latencies.values()), None),
        "latency_by_device": latencies or None,
        "ratio_to_first": {
            "params": row.params_ratio,
            "macs": row.macs_ratio,
            **ratio,
            "latency_by_device": ratios or None,
        },
    }


def _checks(row: ComparisonRow) -> Object:
    """Give what other counters saw, and how a model that cnnx did not build was counted."""
    if row.model is not None:
        return {"crosscheck": counters_object(row.model), "model": model_object(row.model)}
    return {"crosscheck": None if row.crosscheck is None else crosscheck_object(row.crosscheck), "model": None}


def _accuracy(row: ComparisonRow) -> Object:
    """Give a published accuracy in percent, who states it, and of which other settings; null where none is stated."""
    found = row.accuracy
    return {
        "top1": row.top1,
        "top5": row.top5,
        "accuracy_source": None if found is None else found.source,
        "accuracy_settings": None if found is None else found.settings or None,
    }


def _latency_ratio_object(ratio: LatencyRatio | None) -> Object:
    """Give a ratio of latencies, and whether a difference is claimed; null for the first itself."""
    if ratio is None:
        return {"latency": None, "latency_ci95": None, "latency_difference_shown": None}
    return {"latency": ratio.ratio, "latency_ci95": list(ratio.ci95), "latency_difference_shown": ratio.shown}


def comparison_grid(comparison: Comparison, columns: Sequence[str]) -> Grid:
    """Give a row for each of the compared, with the chosen columns and the ratios to the first."""
    label = Series("label", "", tuple(row.label for row in comparison.rows))
    found = [series for name in columns for series in _compared(name, comparison)]
    return Grid((label, *found), tuple(comparison_notes(comparison, columns)))


def _compared(name: str, comparison: Comparison) -> Iterator[Series]:
    if name == LATENCY:
        for device in comparison.devices:
            yield from _latency(device, comparison)
        return
    rows, figure = comparison.rows, COLUMNS[name]
    read = _SHAPES.get(name, SORT_KEYS[name])
    yield Series(_UNITS.get(name, name), figure.header.replace("\n", " "), tuple(read(row) for row in rows))
    to_first = figure.ratio
    if to_first is not None and len(rows) > 1:
        yield Series(f"{name}_ratio", "ratio", tuple(to_first(row) for row in rows), _ratio)


def _latency(device: str, comparison: Comparison) -> Iterator[Series]:
    found = [row.latency[device] for row in comparison.rows]
    yield Series(f"{device}_median_ms", f"{device} median ms", tuple(latency.median for latency in found))
    yield Series(f"{device}_p25_ms", "25 % ms", tuple(latency.p25 for latency in found))
    yield Series(f"{device}_p75_ms", "75 % ms", tuple(latency.p75 for latency in found))
    yield Series(f"{device}_rounds", "n", tuple(latency.rounds for latency in found))
    if len(found) > 1:
        ratios = [row.latency_ratio[device] for row in comparison.rows]
        yield Series(f"{device}_ratio", "ratio", tuple(None if each is None else each.ratio for each in ratios), _ratio)
        yield Series(
            f"{device}_ratio_low", "95 % from", tuple(None if each is None else each.ci95[0] for each in ratios), _ratio
        )
        yield Series(
            f"{device}_ratio_high", "to", tuple(None if each is None else each.ci95[1] for each in ratios), _ratio
        )
        yield Series(
            f"{device}_difference_shown",
            "difference shown",
            tuple(None if each is None else each.shown for each in ratios),
        )


def _ratio(cell: Cell) -> str:
    return ratio(None if cell is None else float(cell))

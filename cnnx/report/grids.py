"""What `list`, `show`, `compare` and `validate` give as CSV, Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from cnnx.analysis.comparison import SORT_KEYS, Comparison, ComparisonRow
from cnnx.analysis.figures import Figures
from cnnx.analysis.memory.inference import Memory
from cnnx.graph.operation import Shape, show_shape
from cnnx.report.columns import COLUMNS, LATENCY
from cnnx.report.comparison import comparison_notes
from cnnx.report.grid import Cell, Grid, Series
from cnnx.report.memory import alive_parts
from cnnx.report.notes import memory_note
from cnnx.report.numbers import NOTHING, percent, ratio
from cnnx.report.text import show_shapes

if TYPE_CHECKING:  # each is there where its own command runs, and the others need not wait for it
    from cnnx.analysis.catalogue.entries import Catalogue
    from cnnx.analysis.claims.validation import Validation

# Columns of `compare` that are shapes and not numbers.
_SHAPES: Mapping[str, Callable[[ComparisonRow], str]] = {
    "input": lambda row: show_shapes(row.figures.input.values()),
    "output": lambda row: show_shapes(row.figures.output.values()),
    "receptive_field": COLUMNS["receptive_field"].write,
}
_UNITS = {"intensity": "flops_per_byte"}  # the names of JSON, where those of columns are shorter


def _ratio(cell: Cell) -> str:
    return ratio(None if cell is None else float(cell))


def percent_cell(cell: Cell) -> str:
    """Write a share as a percentage."""
    return percent(None if cell is None else float(cell))


def catalogue_grid(catalogue: Catalogue) -> Grid:
    """Give a row for each spec, each variant and each family's name."""
    entries = catalogue.entries
    figures = [entry.figures for entry in entries]
    return Grid(
        (
            Series("name", "name", tuple(entry.name for entry in entries)),
            Series("kind", "kind", tuple(entry.kind for entry in entries)),
            Series("family", "family", tuple(entry.family for entry in entries)),
            Series("title", "title", tuple(entry.title for entry in entries)),
            Series("year", "year", tuple(entry.year for entry in entries), lambda year: str(year or NOTHING)),
            Series("input", "input", tuple(show_shapes(each.input.values()) for each in figures)),
            Series("output", "output", tuple(show_shapes(each.output.values()) for each in figures)),
            Series("params", "params", tuple(each.params for each in figures)),
            Series("macs", "MACs", tuple(each.macs for each in figures)),
            Series("flops", "FLOPs", tuple(each.flops for each in figures)),
        ),
        (f"Figures are for one image; FLOPs by the convention {catalogue.convention}.",),
    )


def structure_grid(figures: Figures) -> Grid:
    """Give a row for each node, in execution order."""
    nodes, whole = figures.by_node, figures.macs
    return Grid(
        (
            Series("name", "layer", tuple(node.name for node in nodes)),
            Series("operation", "operation", tuple(node.op.word for node in nodes)),
            Series("settings", "settings", tuple(node.op.describe() for node in nodes)),
            Series("input", "input", tuple(_shapes(node.inputs) for node in nodes)),
            Series("output", "output", tuple(show_shape(node.output) for node in nodes)),
            Series("params", "params", tuple(node.params for node in nodes)),
            Series("macs", "MACs", tuple(node.macs for node in nodes)),
            Series("macs_share", "share", tuple(node.macs / whole if whole else None for node in nodes), percent_cell),
            Series("flops", "FLOPs", tuple(node.flops for node in nodes)),
            Series("activation_elements", "activations", tuple(node.activation_elements for node in nodes)),
        ),
        (f"Figures are for one image; FLOPs by the convention {figures.convention}.",),
    )


def _shapes(shapes: Iterable[Shape]) -> str:
    return " + ".join(map(show_shape, shapes))


def memory_grid(memory: Memory) -> Grid:
    """Give a row for each storage that is alive at the peak of inference."""
    parts, whole = alive_parts(memory), memory.peak.bytes
    return Grid(
        (
            Series("alive", "alive", tuple(name for name, _ in parts)),
            Series("bytes", "bytes", tuple(count for _, count in parts)),
            Series("share", "share", tuple(count / whole for _, count in parts), percent_cell),
        ),
        (f"The peak of inference, at {memory.peak.node or 'the input'}.", memory_note(memory.dtype, memory.batch)),
    )


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


def validation_grid(validations: Sequence[Validation]) -> Grid:
    """Give a row for each file: whether it is valid, how many errors and wrong figures it has."""
    return Grid(
        (
            Series("file", "file", tuple(each.file for each in validations)),
            Series("valid", "valid", tuple(not each.problems and not each.wrong for each in validations)),
            Series("errors", "errors", tuple(len(each.problems) for each in validations)),
            Series("names", "names", tuple(len(each.names) for each in validations)),
            Series("figures", "figures", tuple(len(each.checks) for each in validations)),
            Series("wrong_figures", "wrong figures", tuple(len(each.wrong) for each in validations)),
        )
    )

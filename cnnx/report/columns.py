"""The columns of `compare`: how each is headed and written, and how a user chooses among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnnx.analysis.comparison import SORT_KEYS, ComparisonRow
from cnnx.errors import UsageError, brief, nearest
from cnnx.graph.operation import show_pair
from cnnx.report.numbers import NOTHING, aligned, exact, significant
from cnnx.report.text import show_shapes

if TYPE_CHECKING:
    from cnnx.analysis.receptive_field import ReceptiveField

LATENCY = "latency"
MEMORY_COLUMNS = frozenset({"peak_inference_bytes", "training_bytes"})
ACCURACY_COLUMNS = frozenset({"top1", "top5"})
DEFAULT_COLUMNS = ("params", "macs", "flops", "weight_bytes", LATENCY)


@dataclass(frozen=True, slots=True)
class Figure:
    """How a column is headed and written; `ratio` gives how the row stands to the first."""

    header: str
    write: Callable[[ComparisonRow], str]
    ratio: Callable[[ComparisonRow], float | None] | None = None
    by_points: bool = False  # whether decimal points stand beneath each other

    def cells(self, rows: Sequence[ComparisonRow]) -> tuple[str, ...]:
        """Write the cells of the column."""
        cells = [self.write(row) for row in rows]
        return aligned(cells) if self.by_points else tuple(cells)


def _field(row: ComparisonRow) -> str:
    return ", ".join([_extent(field) for field in row.figures.receptive_field.values()]) or NOTHING


def _extent(field: ReceptiveField) -> str:
    if field.size is None:
        return "all" if field.is_global else NOTHING
    return show_pair(field.size)


def _sorted_number(column: str) -> Callable[[ComparisonRow], str]:
    """Write the number that rows are sorted by, which not every row has."""
    read = SORT_KEYS[column]

    def write(row: ComparisonRow) -> str:
        number = read(row)
        return NOTHING if number is None else exact(int(number))

    return write


def _percentage(percentage: float | None) -> str:
    """Write a published accuracy with the digits that were published."""
    return NOTHING if percentage is None else str(percentage)


COLUMNS: Mapping[str, Figure] = {
    "input": Figure("input", lambda row: show_shapes(row.figures.input.values())),
    "output": Figure("output", lambda row: show_shapes(row.figures.output.values())),
    "params": Figure("params", lambda row: exact(row.figures.params), lambda row: row.params_ratio),
    "buffers": Figure("buffers", lambda row: exact(row.figures.buffers)),
    "macs": Figure("MACs", lambda row: exact(row.figures.macs), lambda row: row.macs_ratio),
    "flops": Figure("FLOPs", lambda row: exact(row.figures.flops)),
    "weight_bytes": Figure("weight bytes", lambda row: exact(row.figures.weight_bytes)),
    "buffer_bytes": Figure("buffer bytes", lambda row: exact(row.figures.buffer_bytes)),
    "activation_elements": Figure("activation\nelements", lambda row: exact(row.figures.activation_elements)),
    "memory_access_elements": Figure("elements\nmoved", lambda row: exact(row.figures.memory_access_elements)),
    "peak_inference_bytes": Figure("peak inference\nbytes", _sorted_number("peak_inference_bytes")),
    "training_bytes": Figure("training\nbytes", _sorted_number("training_bytes")),
    "intensity": Figure("FLOPs\nper byte", lambda row: significant(row.figures.flops_per_byte)),
    "receptive_field": Figure("receptive\nfield", _field),
    "top1": Figure("top-1 %", lambda row: _percentage(row.top1), by_points=True),
    "top5": Figure("top-5 %", lambda row: _percentage(row.top5), by_points=True),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Order:
    """A column to sort by, and in which direction."""

    column: str
    descending: bool


def read_columns(text: str | None, *, static: bool = False) -> tuple[str, ...]:
    """Read the names of columns with commas between them; `+name` adds to the usual columns, `-name` takes away.

    Plain names stand in place of the usual ones. Raises `UsageError`, with the nearest name, for latency where only
    static figures are asked for, and where no column is left.
    """
    if text is None:
        return DEFAULT_COLUMNS
    written = [name.strip() for name in text.split(",")]
    plain = [_check_column(name, "--columns", static) for name in written if not name.startswith(("+", "-"))]
    chosen = dict.fromkeys(plain or DEFAULT_COLUMNS)
    for name in written:
        if name.startswith("+"):
            chosen.setdefault(_check_column(name[1:], "--columns", static))
        elif name.startswith("-"):
            chosen.pop(_check_column(name[1:], "--columns", static=False), None)
    if not chosen:
        raise UsageError(f"--columns {brief(text)}: no column is left")
    return tuple(chosen)


def read_sort(text: str | None, *, static: bool = False) -> Order | None:
    """Read the column to sort by; a `-` before it turns the order round. Raises `UsageError`."""
    if text is None:
        return None
    return Order(_check_column(text.removeprefix("-"), "--sort", static), text.startswith("-"))


def _check_column(name: str, option: str, static: bool) -> str:
    known = [*COLUMNS, LATENCY]
    if name not in known:
        hint = nearest(name, known) or f"there are {', '.join(known)}"
        raise UsageError(f"{option}: no column is named `{brief(name, 40)}`", hint=hint)
    if name == LATENCY and static:
        raise UsageError(f"{option} {LATENCY}: nothing is measured under --static")
    return name

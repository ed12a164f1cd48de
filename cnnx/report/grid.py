"""Tables for other programs: CSV, Markdown, LaTeX. Nothing in a cell is ever read as markup.

CSV has plain values under names with units; Markdown and LaTeX have the headers of people, and the notes beneath.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from cnnx.report.numbers import NOTHING, exact, percent, significant
from cnnx.report.text import plain

Cell = int | float | str | bool | None

# A spreadsheet takes text that begins so for a formula and runs it (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@")
_MARKDOWN = {ord(sign): f"\\{sign}" for sign in "\\`*_{}[]#|~$"} | {
    ord("<"): "&lt;", ord(">"): "&gt;", ord("&"): "&amp;",
}  # fmt: skip
# `[` and `*` behind a line's end would be taken for its arguments.
_LATEX = {ord(sign): f"\\{sign}" for sign in "{}$&#%_"} | {
    ord("\\"): r"\textbackslash{}", ord("~"): r"\textasciitilde{}", ord("^"): r"\textasciicircum{}",
    ord("<"): r"\textless{}", ord(">"): r"\textgreater{}", ord("|"): r"\textbar{}", ord('"'): r"\textquotedbl{}",
    ord("["): "{[}", ord("]"): "{]}", ord("*"): "{*}",
    ord("×"): r"$\times$", ord("·"): r"$\cdot$", ord("±"): r"$\pm$", ord("–"): "--", ord("→"): r"$\to$",
    ord("µ"): r"$\mu$",
}  # fmt: skip


def show_cell(cell: Cell) -> str:
    """Write a value for people: integers in full, measured numbers with three digits."""
    if cell is None:
        return NOTHING
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return exact(cell)
    return significant(cell) if isinstance(cell, float) else plain(cell)


def percent_cell(cell: Cell) -> str:
    """Write a share as a percentage."""
    return percent(None if cell is None else float(cell))


@dataclass(frozen=True, slots=True)
class Series:
    """A column: its name with its unit, for programs; its header, and how a cell is written, for people."""

    name: str
    header: str
    cells: tuple[Cell, ...]
    write: Callable[[Cell], str] = show_cell

    @property
    def left(self) -> bool:
        """Whether it is aligned to the left, as text is."""
        return any(isinstance(cell, str) for cell in self.cells)

    def texts(self) -> list[str]:
        """Write every cell for people."""
        return [self.write(cell) for cell in self.cells]


@dataclass(frozen=True, slots=True)
class Grid:
    """Columns of equal length, and notes."""

    columns: tuple[Series, ...]
    notes: tuple[str, ...] = ()

    def rows(self) -> Iterator[tuple[Cell, ...]]:
        """Give the values row by row."""
        return zip(*(column.cells for column in self.columns), strict=True)


def write_csv(grid: Grid) -> str:
    """Write exact values under names with units (RFC 4180, lines end in a line feed); nothing is an empty cell."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([column.name for column in grid.columns])
    writer.writerows([_csv_cell(cell) for cell in row] for row in grid.rows())
    return stream.getvalue()


def _csv_cell(cell: Cell) -> int | float | str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, str):
        text = plain(cell)
        return f"'{text}" if text.startswith(_FORMULA) else text
    return cell


def write_markdown(grid: Grid) -> str:
    """Write a table of GitHub-flavoured Markdown, its columns aligned in the text too, and the notes."""
    columns = [[_markdown(text) for text in (column.header, *column.texts())] for column in grid.columns]
    widths = [max(3, *map(cell_len, texts)) for texts in columns]
    rules = [
        f":{'-' * (width - 1)}" if column.left else f"{'-' * (width - 1)}:"
        for column, width in zip(grid.columns, widths, strict=True)
    ]
    rows = list(zip(*columns, strict=True))
    lefts = [column.left for column in grid.columns]
    lines = [_markdown_row(row, widths, lefts) for row in (rows[0], rules, *rows[1:])]
    return "\n".join([*lines, *[f"\n{_markdown(note)}" for note in grid.notes]]) + "\n"


def _markdown(text: str) -> str:
    return plain(text).translate(_MARKDOWN)


def _markdown_row(cells: Sequence[str], widths: Sequence[int], lefts: Sequence[bool]) -> str:
    padded = []
    for cell, width, left in zip(cells, widths, lefts, strict=True):
        blanks = " " * (width - cell_len(cell))
        padded.append(cell + blanks if left else blanks + cell)
    return f"| {' | '.join(padded)} |"


def write_latex(grid: Grid) -> str:
    """Write a `tabular` of LaTeX with the rules of booktabs; the notes are comments above it."""
    kinds = "".join("l" if column.left else "r" for column in grid.columns)
    texts = zip(*(column.texts() for column in grid.columns), strict=True)
    return "\n".join([
        "% needs \\usepackage{booktabs}",
        *[f"% {plain(note)}" for note in grid.notes],
        f"\\begin{{tabular}}{{{kinds}}}",
        "\\toprule",
        _latex_row([column.header for column in grid.columns]),
        "\\midrule",
        *map(_latex_row, texts),
        "\\bottomrule",
        "\\end{tabular}",
        "",
    ])  # fmt: skip


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(plain(cell).translate(_LATEX) for cell in cells) + r" \\"


WRITERS: Mapping[str, Callable[[Grid], str]] = {"csv": write_csv, "md": write_markdown, "latex": write_latex}

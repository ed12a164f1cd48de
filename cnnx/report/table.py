"""Tables of aligned columns. They are drawn here, not by rich, so that no cell is ever cut or squeezed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.text import Text

from cnnx.report.text import plain

GAP = 2


@dataclass(frozen=True, slots=True)
class Column:
    """A header and a cell for every row; a header may have two lines. `left` aligns to the left."""

    header: str
    cells: tuple[str, ...]
    left: bool = False
    style: str = ""
    width: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "cells", tuple([plain(cell) for cell in self.cells]))
        object.__setattr__(self, "width", max(map(cell_len, (*self.header.split("\n"), *self.cells))))

    def fit(self, text: str) -> str:
        """Fill a cell up to the column's width."""
        blanks = " " * (self.width - cell_len(text))
        return text + blanks if self.left else blanks + text


def width_of_columns(columns: Sequence[Column]) -> int:
    """Give the width of a table of these columns."""
    return sum(column.width for column in columns) + GAP * (len(columns) - 1)


def draw(columns: Sequence[Column], row_styles: Sequence[str] = ()) -> list[Text]:
    """Draw the header, a rule and the rows; a row's style is laid over those of the columns."""
    lines = [*_headers(columns), Text("─" * width_of_columns(columns), "dim")]
    for number in range(len(columns[0].cells)):
        row = _row([(column, column.cells[number], column.style) for column in columns])
        if row_styles and row_styles[number]:
            row.stylize(row_styles[number])
        lines.append(row)
    return lines


def draw_folded(
    lead: Column, groups: Sequence[Sequence[Column]], width: int | None, row_styles: Sequence[str] = ()
) -> list[Text]:
    """Draw a table in as many parts as the width asks for, each led by the same column.

    The columns of a group stay together. A width of None holds everything.
    """
    lines: list[Text] = []
    for part in _parts(lead, groups, width):
        if lines:
            lines.append(Text())
        lines += draw([lead, *part], row_styles)
    return lines


def _parts(lead: Column, groups: Sequence[Sequence[Column]], width: int | None) -> Iterator[list[Column]]:
    part: list[Column] = []
    for group in groups:
        if part and width is not None and width_of_columns([lead, *part, *group]) > width:
            yield part
            part = []
        part += group
    yield part


def _headers(columns: Sequence[Column]) -> Iterator[Text]:
    height = max(column.header.count("\n") for column in columns) + 1
    split = [column.header.split("\n") for column in columns]
    for number in range(height):
        # Headers of one line stand on the last one, next to what they head.
        texts = [lines[number - height + len(lines)] if number >= height - len(lines) else "" for lines in split]
        yield _row([(column, text, "bold") for column, text in zip(columns, texts, strict=True)])


def _row(cells: Sequence[tuple[Column, str, str]]) -> Text:
    row = Text(no_wrap=True)
    for number, (column, text, style) in enumerate(cells):
        row.append(" " * GAP if number else "")
        row.append(column.fit(text), style or None)
    row.rstrip()
    return row

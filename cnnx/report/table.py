"""Tables of aligned columns. They are drawn here, not by rich, so that no figure is ever cut or squeezed.

Where a terminal is too narrow, a table goes on beneath itself, a name stands in a line of its own, or columns are left
out, which a note then tells; only a name is shortened, by an ellipsis in its middle. What is piped is drawn whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from rich.cells import cell_len
from rich.text import Text

from cnnx.report.text import line, listed, paragraph, plain, shorten

GAP = 2
LEAST_NAME = 8  # columns that a shortened name keeps, whatever the terminal
ENOUGH_NAME = 20  # columns that a name keeps before others are left out


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

    def shortened(self, width: int) -> Column:
        """Give the column with its cells shortened to a width."""
        return replace(self, cells=tuple([shorten(cell, width) for cell in self.cells]))


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


def fit(forms: Iterable[Sequence[Column]], width: int | None, narrow: Iterable[Sequence[Column]] = ()) -> list[Column]:
    """Give the first of a table's forms that fits; they come with the widest first.

    Where none does, give the first of the `narrow` ones, or else of the last one, that fits once its names, which are
    in its first column, are shortened.
    """
    columns: Sequence[Column] = ()
    for columns in forms:
        if width is None or width_of_columns(columns) <= width:
            return [*columns]
    assert width is not None
    for columns in narrow:
        lead, *others = columns
        if min(lead.width, ENOUGH_NAME) + GAP + width_of_columns(others) <= width:
            break
    lead, *others = columns
    return [lead.shortened(max(LEAST_NAME, width - width_of_columns(others) - GAP)), *others]


def left_out_note(columns: Sequence[Column], names: Sequence[str]) -> list[str]:
    """Say which of the named columns are not there, as the terminal is narrow; nothing if all are."""
    there = {column.header.split("\n")[0] for column in columns}
    left_out = [name for name in names if name not in there]
    if not left_out:
        return []
    told = f"column {left_out[0]} is" if len(left_out) == 1 else f"columns {listed(left_out)} are"
    return [f"Narrow terminal: the {told} left out; --json has everything."]


def draw_folded(
    lead: Column, groups: Sequence[Sequence[Column]], width: int | None, row_styles: Sequence[str] = ()
) -> list[Text]:
    """Draw a table in as many parts as the width asks for, each led by the same column.

    The columns of a group stay together if they fit at all; where a group does not fit beside the lead, each cell of
    the lead stands in a line of its own. A width of None holds everything.
    """
    beside = None if width is None else width - lead.width - GAP
    above = beside is not None and any(width_of_columns(group) > beside for group in groups)
    lines: list[Text] = []
    for part in _parts(groups, width - GAP if above and width is not None else beside):
        lines += [Text()] if lines else []
        lines += _draw_beneath(lead, part, width, row_styles) if above else draw([lead, *part], row_styles)
    return lines


def _parts(groups: Sequence[Sequence[Column]], room: int | None) -> Iterator[list[Column]]:
    if room is None:
        yield [column for group in groups for column in group]
        return
    part: list[Column] = []
    for group in groups:
        for piece in [group] if width_of_columns(group) <= room else [[column] for column in group]:
            if part and width_of_columns([*part, *piece]) > room:
                yield part
                part = []
            part += piece
    yield part


def _draw_beneath(
    lead: Column, columns: Sequence[Column], width: int | None, row_styles: Sequence[str]
) -> Iterator[Text]:
    """Draw rows beneath the cells of the lead, indented."""
    indent = Column("", ("",) * len(lead.cells))
    height = len([*_headers(columns)]) + 1
    drawn = draw([indent, *columns], row_styles)
    yield from [line((lead.header, "bold"))] if lead.header else []
    yield from drawn[:height]
    for cell, row in zip(lead.cells, drawn[height:], strict=True):
        yield from paragraph(cell, width, lead.style)
        yield row


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

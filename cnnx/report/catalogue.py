"""The table of `list`: every name, by kind and family."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from rich.cells import cell_len
from rich.text import Text

from cnnx.analysis.catalogue.entries import Catalogue, Entry
from cnnx.analysis.figures import CONVENTION
from cnnx.report.notes import MACS, draw_notes
from cnnx.report.numbers import NOTHING, counted, exact, short
from cnnx.report.table import GAP, Column, draw, left_out_note, width_of_columns
from cnnx.report.text import line, paragraph, show_shapes

INDENT = "  "
LEAST_TITLE = 30  # columns; where fewer are left for titles, entries are drawn in two lines


def draw_catalogue(catalogue: Catalogue, width: int | None) -> list[Text]:
    """Draw a table for the blocks and one for the networks, with titles in a column where there is room for them."""
    kinds = [list(entries) for _, entries in groupby(catalogue.entries, key=lambda entry: entry.kind)]
    rooms = [_room_for_title(entries, width) for entries in kinds]
    wide = all(room is None or room >= LEAST_TITLE for room in rooms)
    figures = _narrow_figures(catalogue.entries, width)
    lines: list[Text] = []
    for entries, room in zip(kinds, rooms, strict=True):
        lines += [*(_draw_wide(entries, room) if wide else _draw_narrow(entries, figures(entries), width)), Text()]
    count = ", ".join(counted(len(entries), entries[0].kind) for entries in kinds)
    notes = [f"{count}. {_counted(catalogue)} At each spec's own settings, for one image."]
    notes += [] if wide else left_out_note(figures(catalogue.entries), ["input"])
    return [*lines, *draw_notes(notes, width)]


def _counted(catalogue: Catalogue) -> str:
    if catalogue.convention == CONVENTION:
        return MACS
    from cnnx.report.bridge import flops_note  # here, as it brings every operation, and a kept catalogue needs none

    return f"{MACS} {flops_note(catalogue.convention)}"


def _room_for_title(entries: Sequence[Entry], width: int | None) -> int | None:
    """Give the columns that are left for titles; None where there is no bound."""
    return None if width is None else width - width_of_columns([_names(entries), *_figures(entries)]) - GAP


def _draw_wide(entries: Sequence[Entry], room: int | None) -> list[Text]:
    """Draw each entry in a line, its title broken at blanks where there is not room enough."""
    titles = [paragraph(_title(entry), room, "dim") for entry in entries]
    title = Column("title", tuple(parts[0].plain for parts in titles), left=True, style="dim")
    names = _names(entries)
    head, rule, *rows = draw([names, title, *_figures(entries)])
    blanks = Text(" " * (names.width + GAP))
    blocks = [[row, *[blanks + part for part in parts[1:]]] for row, parts in zip(rows, titles, strict=True)]
    return [head, rule, *_under_families(entries, blocks)]


def _narrow_figures(entries: Sequence[Entry], width: int | None) -> Callable[[Sequence[Entry]], list[Column]]:
    """Give the widest form of the figures that fits beside a header: in full, short, without the input.

    The year is not among them, as it stands beside the title.
    """
    forms: Sequence[Callable[[Sequence[Entry]], list[Column]]] = (
        lambda some: _figures(some)[1:],
        lambda some: _figures(some, short)[1:],
        lambda some: _figures(some, short)[2:],
    )
    room = (width or 0) - len("networks") - GAP
    return next((form for form in forms if width_of_columns(form(entries)) <= room), forms[-1])


def _draw_narrow(entries: Sequence[Entry], figures: Sequence[Column], width: int | None) -> list[Text]:
    """Draw titles beneath what they name; a name that is too long for its column stands in a line of its own."""
    room = (width or 0) - width_of_columns(figures) - GAP
    names = [INDENT + entry.name for entry in entries]
    lead = Column(f"{entries[0].kind}s", tuple(name if cell_len(name) <= room else "" for name in names), left=True)
    drawn = draw([lead, *figures])
    heads, rows = drawn[: -len(entries)], drawn[-len(entries) :]
    blocks: list[list[Text]] = []
    for entry, name, row in zip(entries, names, rows, strict=True):
        title = ", ".join(part for part in (_title(entry), entry.year and str(entry.year)) if part)
        above = [] if cell_len(name) <= room else [line(name)]
        below = paragraph(title, width, "dim", INDENT * 2) if title else []
        blocks.append([*above, row, *below])
    return [*heads, *_under_families(entries, blocks)]


def _under_families(entries: Sequence[Entry], blocks: Sequence[Sequence[Text]]) -> Iterator[Text]:
    """Put what was drawn of each entry under the head of its family."""
    family = None
    for entry, block in zip(entries, blocks, strict=True):
        if entry.family != family:
            family = entry.family
            yield line((family, "bold"))
        yield from block


def _names(entries: Sequence[Entry]) -> Column:
    return Column(f"{entries[0].kind}s", tuple(INDENT + entry.name for entry in entries), left=True, style="cyan")


def _figures(entries: Sequence[Entry], write: Callable[[int], str] = exact) -> list[Column]:
    """Give the columns of figures; the FLOPs only where another convention than cnnx's was asked for."""
    unit = "" if write is exact else "\nK M G"
    flops = [Column(f"FLOPs{unit}", tuple(write(entry.figures.flops) for entry in entries))]
    return [
        Column("year", tuple(NOTHING if entry.year is None else str(entry.year) for entry in entries)),
        Column("input", tuple(show_shapes(entry.figures.input.values()) for entry in entries)),
        Column(f"params{unit}", tuple(write(entry.figures.params) for entry in entries)),
        Column(f"MACs{unit}", tuple(write(entry.figures.macs) for entry in entries)),
        *(flops if entries[0].figures.convention != CONVENTION else []),
    ]


def _title(entry: Entry) -> str:
    return f"{entry.title} = {entry.stands_for}" if entry.stands_for else entry.title

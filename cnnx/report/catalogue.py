"""The table of `list`: every name, by kind and family."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.text import Text

from cnnx.analysis.catalogue import Catalogue, Entry
from cnnx.analysis.records import Environment
from cnnx.graph.operation import show_shape
from cnnx.report.document import Object, document, result
from cnnx.report.notes import MACS, draw_notes
from cnnx.report.numbers import NOTHING, exact
from cnnx.report.table import Column, draw, width_of_columns
from cnnx.report.text import line

INDENT = "  "


def draw_catalogue(catalogue: Catalogue, width: int | None) -> list[Text]:
    """Draw a table for the blocks and one for the networks; where it is narrow, titles get lines of their own."""
    one_line = width is None or all(
        width_of_columns(_columns(list(entries), titles=True)) <= width for entries in _kinds(catalogue)
    )
    lines: list[Text] = []
    for entries in _kinds(catalogue):
        lines += [*_draw_kind(entries, one_line), Text()]
    return [*lines, *draw_notes([f"{_count(catalogue)} {MACS} At each spec's own settings, for one image."], width)]


def _kinds(catalogue: Catalogue) -> list[list[Entry]]:
    return [list(entries) for _, entries in groupby(catalogue.entries, key=lambda entry: entry.kind)]


def _count(catalogue: Catalogue) -> str:
    kinds = [(len(entries), entries[0].kind) for entries in _kinds(catalogue)]
    return ", ".join(f"{number} {kind}{'' if number == 1 else 's'}" for number, kind in kinds) + "."


def _draw_kind(entries: Sequence[Entry], one_line: bool) -> list[Text]:
    """Draw the entries of a kind; families are headed, and lines with titles are put in between."""
    drawn = draw(_columns(entries, titles=one_line))
    lines, rows = drawn[:2], drawn[2:]
    family = None
    for entry, row in zip(entries, rows, strict=True):
        if entry.family != family:
            family = entry.family
            lines.append(line((family, "bold")))
        lines.append(row)
        if not one_line:
            lines.append(line((f"{INDENT * 2}{_title(entry)}", "dim")))
    return lines


def _columns(entries: Sequence[Entry], *, titles: bool) -> list[Column]:
    kind = entries[0].kind
    title = [Column("title", tuple(map(_title, entries)), left=True, style="dim")]
    return [
        Column(f"{kind}s", tuple(INDENT + entry.name for entry in entries), left=True, style="cyan"),
        *(title if titles else []),
        Column("year", tuple(NOTHING if entry.year is None else str(entry.year) for entry in entries)),
        Column("input", tuple(" + ".join(map(show_shape, entry.figures.input.values())) for entry in entries)),
        Column("params", tuple(exact(entry.figures.params) for entry in entries)),
        Column("MACs", tuple(exact(entry.figures.macs) for entry in entries)),
    ]


def _title(entry: Entry) -> str:
    return f"{entry.title} = {entry.stands_for}" if entry.stands_for else entry.title


def catalogue_document(catalogue: Catalogue, environment: Environment) -> Object:
    """Give one result for each spec, each variant and each family's name."""
    found = document(environment, [_entry(entry) for entry in catalogue.entries])
    return {**found, "warnings": list(catalogue.warnings)}


def _entry(entry: Entry) -> Object:
    about = {
        "kind": entry.kind,
        "family": entry.family,
        "title": entry.title,
        "year": entry.year,
        "tags": list(entry.tags),
        "path": entry.path,
        "variant_of": entry.variant_of,
        "stands_for": entry.stands_for,
    }
    return {**result(entry.figures), "name": entry.name, **about}

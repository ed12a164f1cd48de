"""The list of specs for other programs: JSON, and the rows of CSV, Markdown and LaTeX."""

from __future__ import annotations

from pathlib import Path

from cnnx.analysis.catalogue.entries import Catalogue, Entry
from cnnx.analysis.environment import Environment
from cnnx.report.document import Object, document, result
from cnnx.report.grid import Grid, Series
from cnnx.report.numbers import NOTHING
from cnnx.report.text import show_shapes
from cnnx.spec.folders import show_path


def catalogue_document(catalogue: Catalogue, environment: Environment) -> Object:
    """Give one result for each spec, each variant and each family's name."""
    found = document(environment, [_entry(entry) for entry in catalogue.entries], catalogue.convention)
    return {**found, "warnings": list(catalogue.warnings)}


def _entry(entry: Entry) -> Object:
    about = {
        "kind": entry.kind,
        "family": entry.family,
        "title": entry.title,
        "year": entry.year,
        "tags": list(entry.tags),
        "path": show_path(Path(entry.path)),
        "variant_of": entry.variant_of,
        "stands_for": entry.stands_for,
    }
    return {**result(entry.figures), "name": entry.name, **about}


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

"""The table of `list`, where it is narrow, and its JSON."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnx.analysis.catalogue.entries import Catalogue
from cnnx.analysis.catalogue.reading import read_catalogue
from cnnx.report.catalogue import draw_catalogue
from cnnx.report.catalogue_formats import catalogue_document
from cnnx.spec.library import Library
from tests.records import STATIC

LONG = "a_name_of_64_characters_that_is_as_long_as_a_name_can_be_at_most"


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    text = "title: A \x7fthing [/x]\nfamily: things\nsource: {year: 2020}\ninput: [8, 4, 4]\nlayers: [relu]\n"
    (tmp_path / f"{LONG}.yaml").write_text(text.replace("\x7f", ""), "utf-8")
    (tmp_path / "short.yaml").write_text("input: [8, 4, 4]\nlayers: [relu]\n", "utf-8")
    return read_catalogue(Library([tmp_path]))


def test_a_name_that_is_too_long_stands_in_a_line_of_its_own(catalogue: Catalogue) -> None:
    lines = [line.plain for line in draw_catalogue(catalogue, 60)]
    assert lines[2:7] == [
        "short",
        "  short  8×4×4       0     0",
        "things",
        f"  {LONG}",
        "         8×4×4       0     0",
    ]
    assert lines[7] == "    A thing [/x], 2020"


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
def test_no_word_is_cut(catalogue: Catalogue, width: int) -> None:
    drawn = "\n".join(line.plain for line in draw_catalogue(catalogue, width))
    assert LONG in drawn
    assert "A thing [/x]" in drawn


def test_what_is_piped_has_a_line_for_each(catalogue: Catalogue) -> None:
    lines = [line.plain for line in draw_catalogue(catalogue, None)]
    assert sum("8×4×4" in line for line in lines) == 2
    assert any(LONG in line and "A thing [/x]" in line and "2020" in line for line in lines)


def test_json_has_what_the_table_has(catalogue: Catalogue) -> None:
    found = catalogue_document(catalogue, STATIC)["results"]
    thing = next(result for result in found if result["name"] == LONG)
    assert (thing["kind"], thing["family"], thing["year"]) == ("block", "things", 2020)
    assert (thing["params"], thing["flops"], thing["input"]) == (0, 8 * 4 * 4, {"input": [8, 4, 4]})

"""What a spec says of itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnx.analysis.about import about, cite
from cnnx.spec.folders import show_path
from cnnx.spec.library import Library
from cnnx.spec.model import Origin


def test_a_source_is_one_line_of_what_it_says() -> None:
    assert cite(Origin(paper="On depth", arxiv="1512.03385", year=2015)) == "On depth, 2015, arXiv:1512.03385"
    assert cite(Origin(title="A page", url="https://example.org", note="table 3")) == (
        "A page, https://example.org, table 3"
    )
    assert cite(Origin()) == ""


def test_what_a_spec_does_not_say_is_empty(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("input: [3, 4, 4]\nlayers: [relu]\n", "utf-8")
    told = about(Library([tmp_path]).open("mine"))
    assert (told.name, told.title, told.summary, told.source, told.variants) == ("mine", "", "", "", ())
    assert told.path == str(tmp_path / "mine.yaml")


def test_variants_are_named() -> None:
    told = about(Library().open("mobilenetv3_small"))
    assert told.name == "mobilenetv3_small"
    assert {"mobilenetv3_large", "mobilenetv3_small"} <= set(told.variants)
    assert told.path == "configs/networks/mobilenetv3.yaml"


def test_a_path_is_written_from_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert show_path(Path("mine.yaml")) == "mine.yaml"
    assert show_path(tmp_path / "specs" / "mine.yaml") == "specs/mine.yaml"
    assert show_path(Path("/elsewhere/mine.yaml")) == "/elsewhere/mine.yaml"
